"""Counting what a GPU would be asked to do, on a machine without one."""

from collections import Counter

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Counted(TorchDispatchMode):
    """Counts the operations that compute, by name, and the copies from the CPU to another device.

    On the device "meta", which holds no values, whatever would have to wait for one raises: .item(), .tolist(), .cpu(),
    bool(), nonzero, indexing with booleans, bincount.
    """

    def __init__(self):
        super().__init__()
        self.operations, self.uploads = Counter(), Counter()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        name = str(function)
        made = [leaf for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)]
        given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        on_device = any(tensor.device.type != "cpu" for tensor in made)
        if on_device and any(tensor.device.type == "cpu" for tensor in given):
            self.uploads[name] += 1
        elif on_device and not function.is_view and "empty" not in name and "detach" not in name:
            self.operations[name] += 1
        return result
