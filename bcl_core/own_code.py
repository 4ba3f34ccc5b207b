"""Code that is registered from outside: whatever goes wrong in it becomes a sentence that names it. Imports torch."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from bcl_core.data.source import DataError
from bcl_core.recipe import RecipeError
from bcl_core.registry import Entry, in_a_line


@contextmanager
def own_code(key: str, name: str, entry: Entry, what: str, right: str = "") -> Iterator[None]:
    """Around code of one's own: what goes wrong in it, or ends the process, becomes a RecipeError.

    Args:
        key: the setting that names the entry.
        name: by which it does.
        entry: whose code it is; one that is built in fails as it fails.
        what: what did not come about, as in "failed".
        right: how it should be.
    """
    try:
        yield
    except (RecipeError, DataError, torch.OutOfMemoryError):
        raise
    except (Exception, SystemExit) as error:
        if not entry.is_own:
            raise
        raise fault_of(key, name, entry, f"{what}: {in_a_line(error)}{right}") from error


def fault_of(key: str, name: str, entry: Entry, what: str) -> RecipeError:
    """Return what says that an entry, which a setting names, is not as it should be."""
    return RecipeError(f'{key} is "{name}": {entry.target} {what}')
