"""What Streamlit offers every session and a viewer does not get."""

import asyncio

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState

from app.routes.guard import LARGEST, RERUNS, _Looking


def test_a_viewer_s_socket_passes_what_looking_takes_and_nothing_else():
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

    async def pulled():
        looking = _Looking(receive)
        first = await looking()
        start = asyncio.get_running_loop().time()
        for _ in range(RERUNS + 1):
            await looking()
        return first, asyncio.get_running_loop().time() - start

    first, seconds = asyncio.run(pulled())
    assert first["bytes"] == rerun
    assert seconds > 0.2  # the twenty-second in a row waits
