"""Stand-ins for whatever a checkpoint holds beside its weights: they take anything, do nothing, and keep nothing.

Torch's unpickler of weights alone imports nothing that a file names: it looks a name up among those that are allowed.
So a file's own names are allowed here, each as a class of this module, and what it asks of them happens to these.
"""

from collections.abc import Iterable
from typing import Any


class _Kind(type):
    """Stand-ins are taken for dicts, which the unpickler asks of what it sets items of."""

    def __eq__(cls, other: object) -> bool:
        return other is dict or cls is other

    __hash__ = type.__hash__


class Inert(list[Any], metaclass=_Kind):
    """An object of no use here. A list, since the unpickler appends to nothing else."""

    __eq__ = object.__eq__
    __hash__ = object.__hash__  # type: ignore[assignment]  # it may be the key of a dict

    def __init__(self, *_: object, **__: object) -> None: ...

    def __setstate__(self, _: object) -> None: ...

    def __setitem__(self, *_: object) -> None: ...

    def append(self, _: object) -> None:
        """Keep nothing."""

    def extend(self, _: object) -> None:
        """Keep nothing."""


def stand_ins(names: Iterable[str]) -> list[Any]:
    """Return a class for each of these full names, as `torch.serialization.safe_globals` takes them."""
    return [(_Kind(name, (Inert,), {"__module__": __name__}), name) for name in names]
