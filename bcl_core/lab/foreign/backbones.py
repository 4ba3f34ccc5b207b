"""Which of the registered backbones a file's weights belong to, by names and shapes."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import product
from typing import Any, NamedTuple

import torch

from bcl_core.lab.foreign.layouts import Named, Part
from bcl_core.lab.foreign.reading import CheckpointError, beginnings, listing
from bcl_core.models.small_resnet import SmallResNet
from bcl_core.registry import BACKBONES, Entry

# Files made before BatchNorm counted its batches lack the counts, which play no part in the network.
OPTIONAL = "num_batches_tracked"
MISFITS = 3  # that a message lists
MOST_CHANNELS = 64  # of images; a convolution that claims more is none of theirs


class Match(NamedTuple):
    """A backbone, and the file's tensors under this app's names for them."""

    arch: str
    in_channels: int
    features: int
    tensors: Mapping[str, Named]


class _Attempt(NamedTuple):
    """A file's tensors taken for one backbone's: what is in its place, and in words what is not."""

    match: Match
    misfits: Sequence[str]
    plain_shortcuts: bool  # the backbone's shortcuts have no weights


def match_backbone(part: Part, arch: str | None) -> Match:
    """Find the registered backbone that has exactly these weights, or check that `arch` has.

    Raises:
        CheckpointError: none fits, more than one does, or `arch` does not; the keys that do not fit are named.
    """
    if arch is not None and arch not in BACKBONES:
        raise CheckpointError(f"there is no backbone {arch!r}; it should be one of {', '.join(BACKBONES)}")
    attempts = [_attempt(part, *candidate) for candidate in product(BACKBONES, _possible_channels(part))]
    fitting = [attempt.match for attempt in attempts if not attempt.misfits]
    chosen = [match for match in fitting if arch in (None, match.arch)]
    if len(chosen) == 1:
        return chosen[0]
    if chosen:
        raise CheckpointError(f"the weights fit more than one backbone: {_names(chosen)}; say which it is")
    asked = [attempt for attempt in attempts if arch in (None, attempt.match.arch)]
    nearest = min(asked, key=lambda attempt: len(attempt.misfits))
    raise CheckpointError(_explanation(part, nearest, fitting, arch))


def _explanation(part: Part, nearest: _Attempt, fitting: Sequence[Match], arch: str | None) -> str:
    known = f"the weights fit none of {', '.join(BACKBONES)}"
    if arch is None and len(nearest.misfits) > len(nearest.match.tensors):
        return (
            f"{known}; the backbone's keys begin with {beginnings(part)} (of any other network the embeddings can be "
            "opened: save them with their labels, as `record` and *Open your own embeddings* take them)"
        )
    message = f"{known}; nearest is {nearest.match.arch}" if arch is None else f"the weights are not those of {arch}"
    if fitting:
        message += f", they look like {_names(fitting)}"
    elif nearest.plain_shortcuts and any(".downsample." in m or ".shortcut." in m for m in nearest.misfits):
        message += ", whose shortcuts have no weights (option A of He et al. 2016)"
    return f"{message}: {listing(nearest.misfits[:MISFITS], '; ')}{_and_more(len(nearest.misfits) - MISFITS)}"


def _and_more(count: int) -> str:
    return f"; and {count} more" if count > 0 else ""


def _names(matches: Iterable[Match]) -> str:
    return ", ".join(match.arch for match in matches)


def _possible_channels(part: Part) -> Sequence[int]:
    """Read the input channels off the first convolution; where it has an unusual name or shape, they are 3 or 1."""
    for name in ("conv1.weight", "stem.0.weight"):
        if name in part and part[name].tensor.ndim == 4 and 1 <= part[name].tensor.shape[1] <= MOST_CHANNELS:
            return (part[name].tensor.shape[1],)
    return (3, 1)


@cache
def _built(entry: Entry, in_channels: int) -> Any:
    """Return a backbone of names and shapes alone."""
    with torch.device("meta"):
        return entry.load()(in_channels)


def _attempt(part: Part, arch: str, in_channels: int) -> _Attempt:
    backbone = _built(BACKBONES[arch], in_channels)
    expected: Mapping[str, Any] = backbone.state_dict()
    small = isinstance(backbone, SmallResNet)
    usual = _usual_names(expected, len(backbone.stages) // 3) if small else {}
    own = {usual.get(name, name): name for name in expected} | {name: name for name in expected}
    tensors: dict[str, Named] = {}
    misfits = []
    for name, named in part.items():
        place = own.get(name.replace(".shortcut.", ".downsample."))  # as SupContrast calls it, and as torchvision does
        if place is None or place in tensors:
            misfits.append(f"{named.key} is not part of it")
            continue
        tensors[place] = named
        shape = tuple(expected[place].shape)
        if named.tensor.shape != shape:
            misfits.append(f"{named.key} is {tuple(named.tensor.shape)}, not {shape}")
    missing = [name for name in expected if name not in tensors and not name.endswith(OPTIONAL)]
    misfits += [f"{usual.get(name, name)} is missing" for name in missing]
    return _Attempt(Match(arch, in_channels, int(backbone.out_features), tensors), misfits, small)


def _usual_names(own_names: Iterable[str], blocks: int) -> dict[str, str]:
    """Map this app's names in a ResNet for small images to those that CIFAR ResNets usually have."""
    usual = {}
    for own in own_names:
        module, index, rest = own.split(".", 2)
        stage, block = divmod(int(index), blocks)
        stem = "conv1" if index == "0" else "bn1"
        usual[own] = f"{stem}.{rest}" if module == "stem" else f"layer{stage + 1}.{block}.{rest}"
    return usual
