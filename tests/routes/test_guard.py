"""What Streamlit offers every session and a viewer does not get."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState

from app.routes.guard import LARGEST, RERUNS, _Looking


def test_a_viewer_s_socket_passes_what_looking_takes_and_nothing_else(monkeypatch):
    rerun = BackMsg(rerun_script=ClientState(query_string="a=1")).SerializeToString()
    sent = [
        BackMsg(clear_cache=True).SerializeToString(),
        BackMsg(debug_shutdown_runtime=True).SerializeToString(),
        BackMsg(load_git_info=True).SerializeToString(),
        BackMsg(rerun_script=ClientState(query_string="x" * LARGEST)).SerializeToString(),
        b"\xff\xfe no message",
        BackMsg().SerializeToString(),
        rerun,
    ]
    messages = iter([{"type": "websocket.receive", "bytes": each} for each in [*sent, *[rerun] * (RERUNS + 1)]])

    async def receive():
        return next(messages)

    async def sleep(seconds):
        waited.append(seconds)

    async def pulled():
        looking = _Looking(receive)
        return [await looking() for _ in range(RERUNS + 2)]

    waited = []
    monkeypatch.setattr("app.routes.guard.asyncio.sleep", sleep)
    with ThreadPoolExecutor() as pool:  # this thread may have a loop of Playwright's
        assert [each["bytes"] for each in pool.submit(asyncio.run, pulled()).result()] == [rerun] * (RERUNS + 2)
    assert waited and sum(waited) > 0  # who reruns without end waits
