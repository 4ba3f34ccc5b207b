"""Ids and names of runs and groups."""

import secrets
import time
import unicodedata

from bcl_core.lab.run import LabError


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
