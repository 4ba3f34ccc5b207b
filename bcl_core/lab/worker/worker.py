"""The worker: one process a lab that has trained what is queued. `python -m bcl_core worker`.

It trains nothing itself: hands do, a group's runs side by side, an epoch each before the next. It says who goes on, by
what is asked of the runs, and brings their states in line with that; since it computes nothing, it hears at any moment,
also while a hand reads data or torch is imported. A file lock makes it the only one, and is freed however the process
ends; its hands end with it, and a new worker goes on from the last checkpoints. Imports no torch.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import groupby

from bcl_core.lab.run import DiskError, Run, UnknownRun
from bcl_core.lab.store import Lab
from bcl_core.lab.worker.hands import HANDS_A_CORE, LEAST_MEMORY, Hand, Hands, Order, Report, Task
from bcl_core.machine import cores, free_memory
from bcl_core.recipe import Recorded

LOOK_SECONDS = 0.1
# How long a hand may take to let go of a run by itself. An epoch that is being measured is worth waiting for: in
# another hand the run reads its data again, and begins the epoch anew.
GRACE_SECONDS = 2.0
TRAINING_GRACE_SECONDS = 10.0
NOTED_SECONDS = 10.0  # for which it is said that a run's hand was killed, so that somebody can read it
KILLED = "the process that trained {} was killed, perhaps for want of memory"
UNBORN = "the process that was to train {} did not start; the worker's log may say why"
log = logging.getLogger("bcl_core.worker")


class Worker:
    """Has the runs of a lab trained until it is asked to leave or has been idle for long."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self._hands = Hands(lab.home)
        self._cores = cores()
        self._leaving: float | None = None  # since when
        self._unsaid: dict[str, str] = {}  # why runs have failed, where the disk could not take that down yet
        self._killed_at: dict[str, int | None] = {}  # the epoch at which a run's hand was killed
        self._notes: dict[str, tuple[float, str]] = {}  # since when, and what, is said of such a run
        self._fault = ""

    def work(self, idle_seconds: float) -> None:
        """Serve until asked to leave, or until nothing has been trained for `idle_seconds`."""
        with suppress(DiskError):
            self.lab.purge_old()
        last_work = time.monotonic()
        try:
            self._hands.warm_up()
            while not self._has_left() and time.monotonic() - last_work < idle_seconds:
                if self._leaving is None:
                    self.look()
                for hand, report in self._hands.hear(LOOK_SECONDS):
                    self._heard(hand, report)
                if any(hand.busy for hand in self._hands):
                    last_work = time.monotonic()
            with suppress(DiskError):  # who looks at the runs next finds that nobody trains them
                self._put_back()
        finally:
            self._hands.end()

    def leave(self) -> None:
        """Ask it to leave; `work` then returns within seconds."""
        self._leaving = self._leaving or time.monotonic()

    def _has_left(self) -> bool:
        """Whether it was asked to leave, and its hands have let go of their runs, or have had the time to."""
        row = self.lab.worker.read()
        if row is not None and row.leave:
            self.leave()
        if self._leaving is None:
            return False
        now = time.monotonic()
        for hand in self._hands:
            for task in hand.tasks.values():
                _let_go(hand, task, now)
        return now - self._leaving > GRACE_SECONDS or not any(hand.busy for hand in self._hands)

    def look(self) -> None:
        """See what is asked, bring states in line with it, and say who goes on.

        Raises DiskError where the lab cannot be read; where it cannot be written, hands go on, or fail, by themselves.
        """
        runs = {run.id: run for run in self.lab.active_runs()}
        try:
            self._say_why()
            self._bring_in_line(runs)
            self._go_on([run for run in runs.values() if run.wants_to_train and run.id not in self._unsaid])
            self._fault = ""
        except DiskError as error:
            if self._fault != (fault := str(error)):
                log.warning("%s", fault)
            self._fault = fault

    def _bring_in_line(self, runs: Mapping[str, Run]) -> None:
        busy = set()
        for hand in self._hands:
            for task in [*hand.tasks.values()]:
                run = runs.get(task.run_id)
                if task.busy:
                    busy.add(task.run_id)
                    self._mind(hand, task, run)
                elif run is None:
                    hand.tell(Order("close", task.run_id))
                    self._drop(hand, task)
        for run in runs.values():
            if run.id not in busy:
                self._settle(run)

    def _mind(self, hand: Hand, task: Task, run: Run | None) -> None:
        """See whether a hand is to let go of its run, and does; None: the run is no longer active."""
        if run is not None and run.wants_to_train:
            task.told = None
            if run.state in ("paused", "queued") and hand.hello is not None:
                self.lab.settle(run.id, "running")
            return
        now = time.monotonic()
        _let_go(hand, task, now)
        assert task.told is not None
        if now - task.told < (TRAINING_GRACE_SECONDS if task.ready else GRACE_SECONDS):
            return
        if run is None or run.stop:
            held_up = "run %s was asked to stop and its hand is held up by it: the hand is ended"
            log.warning(held_up, task.run_id, extra={"run": task.run_id})
            self._hands.kill(hand)
            self.lab.settle_stop(task.run_id)
        elif run.state != "paused":
            self.lab.settle_hold(run.id)  # what it reads, it will have when it goes on

    def _settle(self, run: Run) -> None:
        """Bring the state of a run that no hand is busy with in line with what was asked: stopped, or paused."""
        if isinstance(run.recipe, Recorded):
            self.lab.settle_dead(run)
        elif run.stop and self._is_ours(run.id):
            self.lab.settle_stop(run.id)
        elif not run.wants_to_train and run.state != "paused" and self._is_ours(run.id):
            self.lab.settle_hold(run.id)

    def _is_ours(self, run_id: str) -> bool:
        """Whether the run is this worker's to settle, or to train: a hand has it, or nobody."""
        if self._holder(run_id) is not None:
            return True
        with suppress(UnknownRun):  # deleted meanwhile
            if (lock := self.lab.lock(run_id)) is not None:
                lock.release()
                return True
        return False

    def _holder(self, run_id: str) -> Hand | None:
        return next((hand for hand in self._hands if run_id in hand.tasks), None)

    def _go_on(self, willing: Sequence[Run]) -> None:
        """Let the group whose turn it is train: of its runs those that are furthest behind, an epoch each."""
        able = sorted((run for run in willing if not run.missing), key=lambda run: run.turn)
        for _, group in groupby(able, key=lambda run: run.group_id):
            if runs := [run for run in group if self._is_ours(run.id)]:
                self._side_by_side(runs)
                return

    def _side_by_side(self, runs: Sequence[Run]) -> None:
        most = self._cores * HANDS_A_CORE if self._cores > 1 else 1
        holders = [self._holder(run.id) for run in runs]
        beside = min(len(runs), most) if None in holders else len({*holders})
        furthest_behind = min(map(_epoch, runs))
        for run in runs:
            if _epoch(run) != furthest_behind:
                continue
            hand = self._holder(run.id) or self._free_hand(run, runs, most)
            if hand is None or hand.busy:
                continue
            hand.tasks.setdefault(run.id, Task(run.id)).busy = True
            hand.tell(Order("epoch", run.id, beside))

    def _free_hand(self, run: Run, group: Sequence[Run], most: int) -> Hand | None:
        """Return the hand that is to take up a run, a new one where there is room; None where it has to wait.

        Where it is to be measured how a group is best trained, the first run is alone at that.
        """
        ids = {one.id for one in group}
        mates = [hand for hand in self._hands if hand.tasks.keys() & ids]
        is_open = run.execution.threads is None or run.execution.precision == "auto"
        if is_open and any(not task.ready for hand in mates for task in hand.tasks.values()):
            return None
        if run.execution.device != "cpu" and any(hand.hello is None for hand in mates):
            return None  # it will say whether there is a GPU, which is one process's
        if not len(self._hands) or (len(mates) < most and self._has_room(mates)):
            return next((hand for hand in self._hands if not hand.tasks), None) or self._hands.new()
        return min(mates or self._hands, key=lambda hand: len(hand.tasks))

    def _has_room(self, mates: Sequence[Hand]) -> bool:
        if any(hand.hello is not None and hand.hello.gpu for hand in self._hands):
            return False
        needed = max(LEAST_MEMORY, *(hand.memory for hand in mates)) if mates else LEAST_MEMORY
        coming = sum(not task.ready for hand in self._hands for task in hand.tasks.values())
        return free_memory() > needed * (1 + coming)

    def _heard(self, hand: Hand, report: Report | None) -> None:
        """Take note of what a hand has done with its run; None: it has died."""
        if report is None:
            self._lost(hand)
            return
        task = hand.tasks[report.run_id]
        news, task.busy, task.told = not task.ready, False, None
        task.ready = True
        if news and not report.keeps and report.failure is None:
            del hand.tasks[task.run_id]  # it was held before the hand took it up, which is as good as new
        elif not report.keeps:
            self._drop(hand, task)
        if report.failure is not None:
            self._fail(report.run_id, report.failure)
        elif report.run_id in self._notes:
            since, note = self._notes[report.run_id]
            over = not report.keeps or time.monotonic() - since > NOTED_SECONDS
            if news or over:  # a run that starts clears what was said of it
                self._note(report.run_id, None if over else note)

    def _drop(self, hand: Hand, task: Task) -> None:
        del hand.tasks[task.run_id]
        if not hand.tasks:
            self._hands.kill(hand)

    def _lost(self, hand: Hand) -> None:
        """See to it that the run by which a hand was killed goes on, unless that has happened before at this epoch."""
        for task in hand.tasks.values():
            with suppress(UnknownRun, DiskError):
                run = self.lab.run(task.run_id)
                why = (UNBORN if hand.hello is None else KILLED).format(repr(run.name))
                at = "before its first epoch" if run.epoch is None else f"after epoch {run.epoch}"
                log.warning("run %s: %s %s", run.id, why, at, extra={"run": run.id})
                if task.busy and self._killed_at.get(run.id, "never") == run.epoch:
                    del self._killed_at[run.id]
                    self._fail(run.id, f"twice {at}, {why}")
                elif run.wants_to_train:
                    self._killed_at |= {run.id: run.epoch} if task.busy else {}
                    start = "begins anew" if run.epoch is None else f"goes on after epoch {run.epoch}"
                    self._note(run.id, f"{why}; it {start}")

    def _note(self, run_id: str, note: str | None) -> None:
        """Say it on the run's pages; None: no more."""
        known = self._notes.pop(run_id, None)
        if note is not None:
            self._notes[run_id] = (time.monotonic() if known is None else known[0], note)
        if note is not None or known is not None:
            with suppress(DiskError):
                self.lab.record_note(run_id, note)

    def _fail(self, run_id: str, why: str) -> None:
        """One run's failure is its own."""
        self._note(run_id, None)
        self._unsaid[run_id] = why
        self._say_why()

    def _say_why(self) -> None:
        """Enter why runs have failed; what the disk cannot take down now is tried again later."""
        for run_id, message in [*self._unsaid.items()]:
            with suppress(DiskError):
                self.lab.record_state(run_id, "failed", message)
                del self._unsaid[run_id]

    def _put_back(self) -> None:
        """Queue again what hands have and is running."""
        for run in self.lab.active_runs():
            if run.state == "running" and self._holder(run.id) is not None:
                self.lab.settle(run.id, "queued")


def _let_go(hand: Hand, task: Task, now: float) -> None:
    """Tell a hand, once, to let go of the run that it is busy with."""
    if task.busy and task.told is None:
        hand.tell(Order("hold", task.run_id))
    task.told = task.told or now


def _epoch(run: Run) -> int:
    return -1 if run.epoch is None else run.epoch
