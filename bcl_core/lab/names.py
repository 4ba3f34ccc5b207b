"""Ids and names of runs and groups, and what they are called in a list of all, by which they can be told apart."""

import secrets
import time
import unicodedata
from collections import Counter
from collections.abc import Sequence

from bcl_core.lab.run import LabError, Run


def new_id() -> str:
    """Return an id that no run or group has."""
    return f"{time.strftime('%y%m%d')}-{secrets.token_hex(5)}"


def proper_name(name: str) -> str:
    """Return the name of a run or group with its white space tidied; LabError unless it has 1 to 80 characters.

    Control characters, and what is no text, are refused: nobody sees them in a name. Something of it is to be seen.
    """
    name = " ".join(name.split())
    kinds = {unicodedata.category(character) for character in name}
    if kinds & {"Cc", "Cs"}:
        raise LabError("a name holds no control characters; this one does")
    if name and all(kind[0] in "CZ" for kind in kinds):
        raise LabError("a name has something to see; this one has not")
    if not 1 <= len(name) <= 80:
        raise LabError(f"a name has 1 to 80 characters; this one has {len(name)}")
    return name


def group_names(runs: Sequence[Run]) -> dict[str, str]:
    """Name the groups of these runs by their ids; those of one name also by the time when they were queued."""
    queued: dict[str, float] = {}
    for run in runs:
        queued[run.group_id] = min(run.created, queued.get(run.group_id, run.created))
    when = {group_id: time.strftime("%d %b %H:%M:%S", time.localtime(at)) for group_id, at in queued.items()}
    names = {run.group_id: run.group_name for run in runs}
    times = Counter(names.values())
    return {
        group_id: name if times[name] == 1 else f"{name} · queued {when[group_id]}" for group_id, name in names.items()
    }


def run_names(runs: Sequence[Run]) -> dict[str, str]:
    """Name the runs by their ids, "group · run", or once where both are alike; those still alike also by the id."""
    groups = group_names(runs)
    names = {run.id: _joined(groups[run.group_id], run.name) for run in runs}
    alike = Counter(names.values())
    return {run_id: name if alike[name] == 1 else f"{name} · {run_id}" for run_id, name in names.items()}


def _joined(group: str, name: str) -> str:
    """A run that was trained alone is called as its group is."""
    return group if group == name or group.startswith(f"{name} · queued ") else f"{group} · {name}"
