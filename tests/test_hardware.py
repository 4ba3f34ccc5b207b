"""Precision is measured once, agreed on by a group, and kept: no clock decides twice."""

from itertools import count

import pytest
import torch

from bcl_core import hardware
from bcl_core.lab import GroupPlan
from bcl_core.lab.recording import OpenRun
from bcl_core.recipe import Execution, RecipeError
from tests.conftest import small

CPU = torch.device("cpu")
ONE_THREAD = Execution(device="cpu", threads=1)
KINDS = count()


class Steps:
    """Steps that take as long as they are told, by a clock of their own; the last of `seconds` goes on for good."""

    def __init__(self, monkeypatch, **seconds):
        self.now, self.taken, self.seconds = 0.0, [], seconds
        monkeypatch.setattr(hardware.time, "perf_counter", lambda: self.now)
        monkeypatch.setattr(hardware, "has_bf16", lambda _: True)

    def __call__(self, device, precision):
        told = self.seconds[precision]
        for step in count():
            self.now += told[min(step, len(told) - 1)]
            self.taken.append(precision)
            yield

    def resolve(self, execution=ONE_THREAD, size=32):
        return hardware.resolve(execution, next(KINDS), self, image_size=size).precision


@pytest.mark.parametrize(
    ("fp32", "bf16", "chosen"),
    [
        ([0.2], [0.1], "bf16"),
        ([0.2], [0.18], "fp32"),  # not worth the digits
        ([0.1], [1.0], "fp32"),  # a processor that imitates it
        ([9.0, 0.2], [0.1], "bf16"),  # the first step warms up
        ([0.1, 0.1, 0.9, 0.1], [0.1], "fp32"),  # a neighbour took the core once
        ([0.2], [0.1, 0.1, 0.9, 0.1], "bf16"),
    ],
)
def test_bf16_is_taken_where_most_rounds_show_a_fifth_more_speed(monkeypatch, fp32, bf16, chosen):
    assert Steps(monkeypatch, fp32=fp32, bf16=bf16).resolve() == chosen


def test_nothing_is_measured_for_small_images_nor_where_it_is_said(monkeypatch):
    steps = Steps(monkeypatch, fp32=[1.0], bf16=[0.1])
    assert steps.resolve(size=31) == "fp32"
    assert steps.resolve(Execution(device="cpu", threads=1, precision="bf16")) == "bf16"
    assert steps.resolve(Execution(device="cpu", threads=1, precision="fp32")) == "fp32"
    assert steps.taken == []


def test_a_processor_without_bf16_refuses_it_in_words_and_is_never_asked(monkeypatch):
    steps = Steps(monkeypatch, fp32=[1.0], bf16=[0.1])
    monkeypatch.setattr(hardware, "has_bf16", lambda _: False)
    assert (steps.resolve(), steps.taken) == ("fp32", [])
    with pytest.raises(RecipeError, match='precision is "bf16" and CPU has no instructions for it; use "fp32"'):
        steps.resolve(Execution(device="cpu", precision="bf16"))


def test_the_first_run_of_a_group_decides_for_all_and_nobody_after_it(lab):
    plan = GroupPlan("two", [("a", small()), ("b", small())])
    first, second = lab.enqueue(plan, ONE_THREAD)
    [other] = lab.enqueue(GroupPlan("another", [("c", small())]), ONE_THREAD)
    assert lab.agree_on_precision(first, "bf16") == "bf16"
    assert lab.agree_on_precision(second, "fp32") == "bf16"
    assert lab.agree_on_precision(first, "fp32") == "bf16"
    assert lab.agree_on_precision(other, "fp32") == "fp32"
    [told] = lab.enqueue(GroupPlan("told", [("d", small())]), Execution(precision="fp32"))
    assert lab.agree_on_precision(told, "bf16") == "fp32"


def trained(lab, run_id):
    lock = lab.lock(run_id)
    opened = OpenRun(lab, run_id, lock)
    while opened.advance(lambda: True) is None:
        pass
    opened.close()
    return lab.run(run_id)


def test_a_run_that_is_taken_up_keeps_its_precision(lab, monkeypatch):
    [run_id] = lab.enqueue(GroupPlan("one", [("one", small())]), ONE_THREAD)
    run = trained(lab, run_id)
    assert (run.execution.precision, run.provenance["precision"]) == ("fp32", "fp32")
    monkeypatch.setattr(hardware, "SMALLEST_MEASURED", 1)
    monkeypatch.setattr(hardware, "gain_of_bf16", lambda *_: 9.0)
    monkeypatch.setattr(hardware, "has_bf16", lambda _: True)
    assert trained(lab, run_id).provenance["precision"] == "fp32"
    # An earlier release left it open.
    lab._database.change("UPDATE runs SET execution = ?", ONE_THREAD.model_dump_json())
    run = trained(lab, run_id)
    assert (run.epoch, run.provenance["precision"]) == (2, "fp32")
