"""`app`: the pages, started from any folder."""

import argparse
import os
import sys
from typing import Any

from bcl_core.installed import house, lacking
from bcl_core.lab import Lab, LabError


def add_commands(commands: Any) -> None:
    """Add `app`."""
    app = commands.add_parser(
        "app",
        help="open the app in a browser",
        description="Starts the app on this machine. Its runs are those of --home; what Streamlit can be told besides, "
        "it reads from the environment, STREAMLIT_SERVER_PORT for example.",
    )
    app.add_argument("--port", type=int, help="to listen on; else the first free one from 8501 on")
    app.add_argument("--class", action="store_true", dest="for_class", help="let this network in, to look")
    app.set_defaults(command=_app, lab=Lab.open)


def _app(lab: Lab, arguments: argparse.Namespace) -> None:
    """Become Streamlit, which puts the app's folder first on the path and reads the settings beside it."""
    if (what_to_install := lacking("app") or lacking("train")) is not None:
        raise LabError(what_to_install)
    environment = {**os.environ, "BCL_LAB_HOME": str(lab.home)}
    # -P: a package of the folder that this was called in, called app, say, is not ours
    command = [sys.executable, "-P", "-m", "streamlit", "run", str(house() / "streamlit_app.py")]
    if arguments.port is not None:
        command += ["--server.port", str(arguments.port)]
    if arguments.for_class:
        environment["BCL_LAB_CLASS"] = "1"
        command += ["--server.address", "0.0.0.0"]
    os.execve(command[0], command, environment)
