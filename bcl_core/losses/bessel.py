"""The normalising constant of the von Mises–Fisher distribution, for any dimension and concentration."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# The recurrence starts this many orders above the one that is wanted: from there on its start is forgotten.
ABOVE = 128


def log_bessel(x: Tensor, dim: int) -> Tensor:
    """log I_ν(x) − ν log x, ν = dim/2 − 1, I the modified Bessel function of the first kind.

    Its derivative is I_{ν+1}(x) / I_ν(x), the mean resultant length of the distribution with concentration x.
    So −log_bessel(κ) is the logarithm of the normalising constant of the von Mises–Fisher distribution in `dim`
    dimensions with concentration κ, up to a constant.

    Args:
        x: at least 0.
        dim: at least 2.

    Returns:
        Float64 of the same shape. It can be differentiated once.
    """
    found: Tensor = _LogBessel.apply(x.double(), dim)
    return found


class _LogBessel(torch.autograd.Function):
    """With q_n = I_{n+1}(x) / (x I_n(x)) the recurrence of I is q_n = 1 / (2(n+1) + x² q_{n+1}), taken downwards.

    Then log I_ν − ν log x = log I_b − b log x + Σ log q_n over the orders from b = 0, or 1/2, up to ν − 1: nothing can
    overflow, nothing cancels, and x may be 0. It starts at x q_N ≈ x / (N + ½ + √((N + ½)(N + 3/2) + x²)), which is
    right to second order in 1/x and in 1/N (of the form of Amos 1974).
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, dim: int) -> Tensor:
        order = dim / 2 - 1
        base = order % 1  # 0, or 1/2 where the dimension is odd
        n, square = order + ABOVE, x * x
        q = 1 / (n + 0.5 + torch.sqrt((n + 0.5) * (n + 1.5) + square))
        found = _log_base(x, base)
        ratio = q
        while n > base:
            n -= 1
            q = 1 / (2 * (n + 1) + square * q)
            if n == order:
                ratio = q
            elif n < order:
                found = found + q.log()
        ctx.save_for_backward(x * ratio)
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (derivative,) = ctx.saved_tensors
        return gradient * derivative, None


def _log_base(x: Tensor, base: float) -> Tensor:
    """log I_0(x), or log I_½(x) − ½ log x = log √(2/π) + log (sinh x / x)."""
    if base == 0:
        return x + torch.log(torch.special.i0e(x))
    small = x.clamp(min=1e-12)
    return x + torch.log(-torch.expm1(-2 * small) / (2 * small)) + 0.5 * math.log(2 / math.pi)
