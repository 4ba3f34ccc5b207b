"""What Streamlit offers every session and a viewer does not get."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from app.routes.guard import LARGEST, RERUNS, _Looking, _without_machine


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


def test_a_viewer_is_not_told_where_the_app_lies_nor_on_what_machine_it_runs():
    begun = ForwardMsg()
    begun.new_session.main_script_path = "/home/ada/bcl/app/main.py"
    begun.new_session.initialize.environment_info.python_version = "3.11.7"
    begun.new_session.initialize.user_info.installation_id = "of this machine"
    told = []

    async def send(message):
        told.append(message)

    with ThreadPoolExecutor() as pool:
        sending = _without_machine(send)({"type": "websocket.send", "bytes": begun.SerializeToString()})
        pool.submit(asyncio.run, sending).result()
    session = ForwardMsg.FromString(told[0]["bytes"]).new_session
    assert session.main_script_path == "main.py" and session.initialize.HasField("user_info")
    for secret in (b"ada", b"3.11.7", b"of this machine"):
        assert secret not in told[0]["bytes"]
