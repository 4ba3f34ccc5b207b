"""A viewer's socket among the fuzzed rooms: broken messages, and pages with broken addresses and widgets."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from websockets.exceptions import ConnectionClosed

from bcl_core.lab import Lab
from benchmarks.fuzz import mutations
from harness.made_runs import make_runs
from harness.processes import held_at_most
from harness.serving import start_class
from harness.viewer import Session, elements, session

SOCKET, SHARE = "a viewer's socket", 5_000
A_SOCKET = 20  # messages to each; with every tenth a page is drawn, and the second half of them holds widgets
PAGES = ("", "lab", "lab", "lab", "library", "predict", "learn", "report", "theory", "class")
QUERY = (
    b"runs=digits-scl.digits-bcl&epoch=3&lenses=formation.push&angles=1.2&hidden=1&control=balanced&group=a&new=digits"
)
FAULTS = (b"Traceback", b"site-packages")
UNDRAWN = b"This page could not be drawn"  # said to who sends widgets what no browser does, and to nobody else


def socket_room(inputs: int, seed: int, folder: Path, keep: Callable[[str, bytes], str]) -> dict[str, Any]:
    """Feed a server's socket; return as `benchmarks.fuzz.fuzz` does."""
    make_runs(Lab(folder / "lab"), ["bcl"], 2)
    server, url, _ = start_class(folder / "lab", folder / "log")
    draws, gave_way, drawn, peak = random.Random(f"{SOCKET} {seed}"), list[str](), 0, 0
    try:
        for start in range(0, inputs, A_SOCKET):
            sent = [b""]  # where the socket gives way before anything was sent
            try:
                with session(url) as viewer:
                    viewer.rerun("lab")
                    widgets = sorted({each.id for _, each in elements(viewer.told) if getattr(each, "id", "")})
                    for place in range(start, min(start + A_SOCKET, inputs)):
                        forged = widgets if place % A_SOCKET >= A_SOCKET // 2 else []
                        sent.append(_message(draws, forged, whole=place % 10 == 9))
                        viewer.send(sent[-1])
                        if place % 10 == 9:
                            drawn += _draw(viewer, () if forged else (UNDRAWN,))
            except ConnectionClosed as closed:
                gave_way.append(f"the socket was closed: {closed}; kept as {keep(SOCKET, sent[-1])}")
            except (OSError, AssertionError) as error:
                gave_way.append(f"{type(error).__name__}: {str(error)[:300]}; kept as {keep(SOCKET, sent[-1])}")
            peak = max(peak, held_at_most(server.process.pid))
    finally:
        server.process.kill()
        server.process.wait()
    return {"inputs": inputs, "taken": drawn, "refused": inputs - drawn, "gave way": gave_way, "peak": peak}


def _message(draws: random.Random, widgets: Sequence[str], *, whole: bool) -> bytes:
    """Return a message, a `whole` one with a broken address and broken widgets."""
    query = mutations.of_bytes(QUERY, draws).decode("utf-8", "replace")
    values = [
        {"trigger_value": True},
        {"string_value": query},
        {"json_value": mutations.of_bytes(b'{"group": "digits"}', draws).decode("utf-8", "replace")},
        {"int_value": draws.choice((0, -1, 2**62))},
        {"double_value": draws.choice((0.0, float("nan"), 1e308))},
        {"bytes_value": draws.randbytes(9)},
    ]
    states = [WidgetState(id=each, **draws.choice(values)) for each in widgets if draws.random() < 0.3]
    page = draws.choice(PAGES) if whole or draws.random() < 0.8 else query[:40]
    state = ClientState(query_string=query, page_name=page, widget_states=WidgetStates(widgets=states))
    message = BackMsg(rerun_script=state).SerializeToString()
    return message if whole else mutations.of_bytes(message, draws)


def _draw(viewer: Session, faults: Sequence[bytes]) -> int:
    """Read until the page is drawn; return whether it was. AssertionError where it shows a fault."""
    told = viewer.hear("script_finished", 10.0)
    for message in told:
        content = message.SerializeToString()
        assert not any(fault in content for fault in (*FAULTS, *faults)), content[:300]
    return int(any(message.WhichOneof("type") == "script_finished" for message in told))
