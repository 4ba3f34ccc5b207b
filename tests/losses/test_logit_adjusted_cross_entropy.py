import math

import pytest
import torch
from torch.nn.functional import cross_entropy

from bcl_core.losses import LogitAdjustedCrossEntropy

COUNTS = [500, 60, 7, 1]


def random_logits(dtype=torch.float64):
    draw = torch.Generator().manual_seed(0)
    return torch.randn(16, 4, generator=draw, dtype=torch.float64).to(dtype), torch.arange(16) % 4


@pytest.mark.parametrize("tau", [0.0, 0.5, 1.0, 2.0])
def test_loss_is_cross_entropy_with_the_log_priors_added(tau):
    logits, labels = random_logits()
    expected = 0.0
    for row, label in zip(logits.tolist(), labels.tolist(), strict=True):
        adjusted = [value + tau * math.log(n / sum(COUNTS)) for value, n in zip(row, COUNTS, strict=True)]
        expected -= (adjusted[label] - math.log(sum(map(math.exp, adjusted)))) / len(logits)
    assert LogitAdjustedCrossEntropy(COUNTS, tau)(logits, labels).item() == pytest.approx(expected, rel=1e-12)


def test_balanced_counts_leave_plain_cross_entropy():
    logits, labels = random_logits()
    torch.testing.assert_close(LogitAdjustedCrossEntropy([30] * 4)(logits, labels), cross_entropy(logits, labels))


def test_zero_logits_cost_the_entropy_of_the_priors_on_data_drawn_from_them():
    labels = torch.arange(4).repeat_interleave(torch.tensor(COUNTS))
    priors = torch.tensor(COUNTS, dtype=torch.float64) / sum(COUNTS)
    loss = LogitAdjustedCrossEntropy(COUNTS)(torch.zeros(len(labels), 4, dtype=torch.float64), labels)
    torch.testing.assert_close(loss, -(priors * priors.log()).sum())


def test_half_precision_touches_neither_the_priors_nor_the_reduction():
    logits, labels = random_logits(torch.bfloat16)
    criterion = LogitAdjustedCrossEntropy(COUNTS)
    expected = criterion(logits.double(), labels)
    criterion.bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        loss = criterion(logits, labels)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)


def test_counts_are_no_part_of_a_checkpoint():
    assert not LogitAdjustedCrossEntropy(COUNTS).state_dict()


BAD_ARGUMENTS = {
    "empty class": ({"class_counts": [3, 0, 2]}, r"class_counts must all be at least 1, got \[3, 0, 2\]"),
    "one class": ({"class_counts": [3]}, r"class_counts must be at least two integers.*\[3\]"),
    "shares": ({"class_counts": [0.5, 0.5]}, "class_counts must be at least two integers"),
    "table": ({"class_counts": [[3, 2]]}, "class_counts must be at least two integers"),
    "negative tau": ({"class_counts": COUNTS, "tau": -1}, "tau must be at least 0.*-1"),
    "NaN tau": ({"class_counts": COUNTS, "tau": math.nan}, "tau must be at least 0.*nan"),
}


@pytest.mark.parametrize("arguments, message", BAD_ARGUMENTS.values(), ids=BAD_ARGUMENTS.keys())
def test_bad_argument_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        LogitAdjustedCrossEntropy(**arguments)


BAD_CALLS = {
    "too few logits": (torch.zeros(2, 3), torch.tensor([0, 1]), r"logits must have shape.*K = 4.*\(2, 3\)"),
    "empty": (torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64), r"logits must have shape.*\(0, 4\)"),
    "integer logits": (torch.zeros(2, 4).long(), torch.tensor([0, 1]), "logits must be floating point"),
    "soft labels": (torch.zeros(2, 4), torch.zeros(2, 4), "labels must be integers"),
    "label too large": (torch.zeros(2, 4), torch.tensor([0, 4]), "labels must lie in 0 … 3, got values from 0 to 4"),
    "ignored label": (torch.zeros(2, 4), torch.tensor([0, -100]), "labels must lie in 0 … 3.*-100 to 0"),
}


@pytest.mark.parametrize("logits, labels, message", BAD_CALLS.values(), ids=BAD_CALLS.keys())
def test_bad_call_is_named(logits, labels, message):
    with pytest.raises(ValueError, match=message):
        LogitAdjustedCrossEntropy(COUNTS)(logits, labels)
