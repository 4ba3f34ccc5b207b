"""Losses as people may write them, good and bad, for tests that register them."""

import sys
import threading

import torch
from torch import nn


class Pull(nn.Module):
    """Pulls every feature to its class's prototype, by a learned strength; counts the batches and epochs it saw."""

    def __init__(self, options, pull=1.0):
        super().__init__()
        self.options, self.pull = options, pull
        self.strength = nn.Parameter(torch.tensor(0.0))
        self.register_buffer("batches", torch.tensor(0))
        self.register_buffer("drawn", torch.zeros(()))

    def begin_epoch(self, epoch):
        self.drawn.copy_(epoch + torch.rand(()))

    def forward(self, features, labels, prototypes):
        self.batches += 1
        cosines = (features * prototypes[labels][:, None]).sum(dim=-1)
        return self.pull * (1 - cosines.mean()) * self.strength.exp() + 0.01 * self.batches / (1 + self.drawn)


class Bare(nn.Module):
    def __init__(self, options):
        super().__init__()


class Vector(Bare):
    def forward(self, features, labels, prototypes):
        return features.sum(dim=(1, 2))


class Float(Bare):
    def forward(self, features, labels, prototypes):
        return 1.0


class Whole(Bare):
    def forward(self, features, labels, prototypes):
        return labels.sum()


class Nan(Bare):
    def forward(self, features, labels, prototypes):
        return features.sum() * float("nan")


class Detached(Bare):
    def forward(self, features, labels, prototypes):
        return features.detach().sum()


class Stumbles(Bare):
    def forward(self, features, labels, prototypes):
        return {}["weights"]


class Quits(Bare):
    def forward(self, features, labels, prototypes):
        sys.exit("enough")


class Backward(Bare):
    class Sum(torch.autograd.Function):
        @staticmethod
        def forward(context, features):
            return features.sum()

        @staticmethod
        def backward(context, gradient):
            return {}["gradient"]

    def forward(self, features, labels, prototypes):
        return self.Sum.apply(features)


class Begins(Bare):
    def begin_epoch(self, epoch):
        raise ZeroDivisionError(epoch)

    def forward(self, features, labels, prototypes):
        return features.sum()


class Locked(Bare):
    def __init__(self, options):
        super().__init__(options)
        self.lock = threading.Lock()


class Extra(Bare):
    """Keeps a function in its state, from the first or from a later batch on."""

    def __init__(self, options, later=False):
        super().__init__(options)
        self.extra = None if later else self.forward

    def get_extra_state(self):
        return self.extra

    def set_extra_state(self, extra):
        self.extra = extra

    def forward(self, features, labels, prototypes):
        self.extra = lambda: None
        return features.sum()


class LateNan(Bare):
    batches = 0

    def forward(self, features, labels, prototypes):
        self.batches += 1
        return features.sum() * (float("nan") if self.batches > 7 else 1)


class Raises(nn.Module):
    def __init__(self, options):
        raise FileNotFoundError("my table is gone")


def takes_nothing():
    return Bare(None)


def plain(options):
    return lambda features, labels, prototypes: features.sum()


CONSTANT = 3
