"""An open run: training's events on their way to disk. Imports torch, so only who trains imports this.

Order on disk: checkpoint, then snapshot, then database. A takeover starts from the last checkpoint that the database
knows, does the epoch after it again if need be, and arrives at the same numbers; what already stands is not rewritten.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from threading import Thread
from typing import Any, Literal, NamedTuple, cast

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from safetensors.torch import load
from torch import Tensor

from bcl_core import geometry
from bcl_core.data.dataset import prepare
from bcl_core.distributed import ALONE, World
from bcl_core.lab import checkpoints
from bcl_core.lab.faults import in_words
from bcl_core.lab.files import CHECKPOINTS_KEPT, RunFolder, read_metadata, write_arrays
from bcl_core.lab.pack import pack_or_leave
from bcl_core.lab.run import Held
from bcl_core.lab.samples import write_samples
from bcl_core.lab.snapshot import write_epoch
from bcl_core.lab.store import Lab
from bcl_core.losses.contract import load_loss, named
from bcl_core.metrics import short
from bcl_core.recipe import Execution, Recipe
from bcl_core.training import Epoch, Event, Started, Step, settle, train

POLL_SECONDS = 0.25
log = logging.getLogger("bcl_core.worker")
PREDICTED_WITH: Mapping[str, Literal["learned", "simplex"]] = {"learned": "learned", "simplex": "simplex"}


class OpenRun:
    """A run that this process trains, from the lock to the last epoch.

    Args:
        lab: where it is.
        run_id: which.
        lock: the right to train it.
        world: the processes that train it together.
        cores: how many this one may use, where the run's execution leaves that open; all that there are where None.
    """

    def __init__(self, lab: Lab, run_id: str, lock: FileLock, world: World = ALONE, cores: int | None = None) -> None:
        self.lab, self.id, self._lock = lab, run_id, lock
        self.reading = True  # until the data are read and the model is built
        self.done = False
        run = lab.run(run_id)
        self.recipe = run.training_recipe
        self.folder = lab.folder(run_id)
        if self.recipe.loss.contrastive:
            load_loss(self.recipe.loss)  # before data are read for one that cannot be
        (state, self._remark), initial = checkpoints.standing(self.folder, run.epoch), self.folder.initial
        weights = load(self.folder.content(initial)) if state is None and initial.exists() else None
        taken = checkpoints.read_start(lab, self.recipe) if state is None and weights is None else None
        known = run.provenance.get("start")  # of a run that is taken up, whose checkpoint has its weights
        self._started_from = f"{self.recipe.model.start}, {taken.digest}" if taken else known
        begun = taken.weights if taken else None
        setting_out = SettingOut(self.recipe, run.execution_as_begun, state, weights, begun)
        agree = partial(lab.agree_on_precision, run_id)
        self._events = world.lead(_events(setting_out, world, lambda note: lab.record_note(run_id, note), agree, cores))
        self._prediction: Future[None] = Future()  # set with what starts the run
        self._held: Epoch | None = None  # trained, but not to be recorded while the run is held before it
        self._since, self._beside = time.monotonic(), 1

    def start(self) -> None:
        """Read the data and build the model; without it, the first `advance` does."""
        self.lab.record_state(self.id, "running")
        self._record(next(self._events))

    def advance(self, may_go_on: Callable[[], bool], beside: int = 1) -> Epoch | None:
        """Pull events until an epoch is recorded and return it.

        Returns None where `may_go_on`, asked a few times a second, said no, or the run is held before the epoch (a
        later call goes on there), and after the last epoch, when the run's state is "finished". Of the time that runs
        take at once on the same cores, `beside` of them, each counts its share.
        """
        self.lab.record_state(self.id, "running")
        self._since, self._beside = (asked := time.monotonic()), beside
        if self._held is not None:
            return self._recorded(self._held)
        for event in self._events:
            if isinstance(event, Epoch):
                return self._recorded(event)
            self._record(event)
            if time.monotonic() - asked > POLL_SECONDS:
                asked = time.monotonic()
                if isinstance(event, Step):
                    self._progress(event.epoch - 1 + event.step / event.steps)
                if not may_go_on():
                    return None
        self._finish()
        return None

    def _recorded(self, epoch: Epoch) -> Epoch | None:
        """Record an epoch and return it; keep it for later where the run was asked meanwhile to stay before it."""
        try:
            self._record(epoch)
        except Held:
            self._held = epoch
            return None
        self._held = None
        if epoch.epoch == self.recipe.epochs:
            self._finish()
        return epoch

    def _finish(self) -> None:
        pack_or_leave(self.lab, self.id)
        self.lab.record_state(self.id, "finished")
        self.done = True
        self.close()

    def close(self) -> None:
        """Give up the iterator and the right to train."""
        self._events = iter(())
        self._lock.release()

    def _record(self, event: Event) -> None:
        with in_words(self.lab.home):
            self._write(event)

    def _write(self, event: Event) -> None:
        if isinstance(event, Started):
            self.reading = False
            self._since = time.monotonic()  # reading data and warming up say nothing of how long epochs take
            self.lab.record_start(self.id, {**event.provenance, **self._origin()}, event.threads)
            if self._remark is not None:
                self._say(self._remark)
            write_samples(self.folder, event.samples)
            # Of a thousand classes it takes a while, which training need not wait for.
            self._prediction = _in_background(
                partial(_write_prediction, self.folder, self.recipe, event.samples.class_counts)
            )
        elif isinstance(event, Epoch):
            self._prediction.result()  # an epoch's figures say how far it is from there
            with named(self.recipe.loss, "has a state that cannot be saved"):  # of models and optimisers all can
                state = checkpoints.written(event.state)
            checkpoints.write(self.folder, event.epoch, state)
            otherwise = write_epoch(
                self.lab, self.id, event.epoch, metrics=event.metrics, view=event.view, embeddings=event.embeddings
            )
            if otherwise:
                self._say(_otherwise(event.epoch, otherwise))
            self._progress(event.epoch)
            for old in self.folder.checkpoints()[:-CHECKPOINTS_KEPT]:
                self.folder.checkpoint(old).unlink(missing_ok=True)

    def _say(self, remark: str) -> None:
        self.lab.record_remark(self.id, remark)
        log.warning("run %s: %s", self.id, remark, extra={"run": self.id})

    def _origin(self) -> dict[str, str]:
        """Say where the weights come from, where they were imported or are those of another run."""
        initial = self.folder.initial
        known = read_metadata(initial) if initial.exists() else {}
        if self._started_from is not None:
            known = {**known, "start": self._started_from}
        return {name: text for name, text in known.items() if name != "format_version"}

    def _progress(self, epochs_done: float) -> None:
        now = time.monotonic()
        self.lab.record_progress(self.id, epochs_done / self.recipe.epochs, (now - self._since) / self._beside)
        self._since = now


class SettingOut(NamedTuple):
    """What a run sets out from, the same on every process that trains it."""

    recipe: Recipe
    execution: Execution
    state: Mapping[str, Any] | None
    weights: Mapping[str, Tensor] | None
    start: Mapping[str, Tensor] | None


def train_along(world: World) -> None:
    """Train what rank 0 records, on another process, until it is done."""
    world.follow(_events(None, world, lambda _: None))


def _events(
    setting_out: SettingOut | None,
    world: World,
    report: Callable[[str], None],
    agree: Callable[[str], str] | None = None,
    cores: int | None = None,
) -> Iterator[Event]:
    """Train; `agree`, on rank 0, takes the precision measured and returns that of the run's group."""
    recipe, execution, state, weights, start = cast(SettingOut, world.share(setting_out))
    dataset = prepare(recipe, execution.data, report)
    if agree is not None:
        hardware = settle(recipe, dataset, execution, cores)
        chosen = {"threads": hardware.threads, "precision": agree(hardware.precision)}
        execution = execution.model_copy(update=chosen)
    execution = world.share(execution)
    yield from train(recipe, execution, dataset=dataset, state=state, weights=weights, start=start, world=world)


def _otherwise(epoch: int, names: Sequence[str]) -> str:
    listed = ", ".join(map(short, names[:3])) + (f" and {len(names) - 3} more" if names[3:] else "")
    return f"epoch {epoch}, made again, came out otherwise than it is recorded ({listed}): what is recorded stays"


def _in_background(work: Callable[[], None]) -> "Future[None]":
    """Start work in a thread that no process waits for at its end."""
    done: Future[None] = Future()

    def run() -> None:
        try:
            work()
            done.set_result(None)
        except BaseException as error:
            done.set_exception(error)

    Thread(target=run, daemon=True).start()
    return done


def _write_prediction(folder: RunFolder, recipe: Recipe, class_counts: NDArray[np.int64]) -> None:
    """Write where the contrastive loss alone would leave means and prototypes in this recipe's batches, if it is known.

    It is not without weights over pairs, with a self term, or with running means as prototypes, which training takes as
    constants; nor where dimensions are too few for a regular simplex.
    """
    if folder.predicted.exists():
        return  # by who trained the run before; it takes a while
    loss, images = recipe.loss, int(class_counts.sum())
    dim, batch = recipe.model.projection_dim, min(recipe.batch_size, images)
    prototypes = PREDICTED_WITH.get(loss.prototypes)
    if loss.switches is None or loss.self_term or prototypes is None or dim < len(class_counts) - 1:
        return
    if len(np.unique(class_counts)) > geometry.MAX_DISTINCT_COUNTS:
        return
    found = geometry.optimal_configuration(
        class_counts,
        class_averaging=loss.switches["class_averaging"],
        class_complement=loss.switches["class_complement"],
        temperature=loss.temperature,
        anchors=loss.anchors,
        compositions=geometry.enough_compositions(class_counts, for_few=1_000),
        batch_size=batch,
        prototypes=prototypes,
        dim=dim,
    )
    write_arrays(
        folder.predicted,
        {"class_means": found.means, **({} if found.prototypes is None else {"prototypes": found.prototypes})},
        batch=str(batch),  # images; files of earlier releases lack it and are of one batch of everything
        gap=repr(found.gap),
        value=repr(found.value),
        unique=json.dumps(found.unique),
    )
