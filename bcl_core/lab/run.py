"""A run as the lab knows it, and what can be wrong with asking for one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from bcl_core.recipe import Execution, Recipe, Recorded, Unreadable

ACTIVE = ("queued", "running", "paused")
STATES = (*ACTIVE, "finished", "stopped", "failed")


class LabError(ValueError):
    """The lab cannot do what was asked; the message says why."""


class UnknownRun(LabError):
    """There is no run or group of this id. `to_viewers` does not say whether there was one."""

    def __init__(self, what: str, target: str, how: str = "") -> None:
        self.to_viewers = f"there is no {what} {target[:64]!r}; it may have been deleted"
        super().__init__(f"the {what} {target!r} {how}" if how else self.to_viewers)


class DiskError(LabError):
    """The disk, or the database on it, cannot be read or written; the message says what would be right."""


class QueueFull(LabError):
    """Too many unfinished runs."""


class RunIsActive(LabError):
    """The run is queued, running or paused, and must be stopped first."""


class Held(LabError):
    """The run is to train no further than an epoch before this one."""


@dataclass(frozen=True)
class Run:
    """A row of the store, as it was when read. Where it cannot be read, its recipe and its error say what is wrong."""

    id: str
    group_id: str
    group_name: str
    name: str
    recipe: Recipe | Recorded | Unreadable
    state: str  # one of STATES, or "unreadable"
    execution: Execution = field(default_factory=Execution)
    run_until: int | None = None  # train no further than this epoch; None: to the end
    stop: bool = False
    epoch: Annotated[int, Field(ge=0)] | None = None  # last epoch recorded
    progress: Annotated[float, Field(ge=0, le=1)] = 0.0
    seconds: Annotated[float, Field(ge=0, le=1e10)] = 0.0  # spent training
    error: str | None = None
    note: str | None = None  # what it is busy with before its first epoch
    provenance: Mapping[str, str] = field(default_factory=dict)
    created: Annotated[float, Field(ge=0, le=1e10)] = 0.0  # seconds since 1970
    deleted: Annotated[float, Field(ge=0, le=1e10)] | None = None  # when, in seconds since 1970
    rev: Annotated[int, Field(ge=0)] | None = None  # how often what is kept of its epochs became other than it was
    shelved: bool = False  # it came with the project and is never changed

    @property
    def readable(self) -> bool:
        """Whether it can be read; one that cannot can still be renamed and deleted."""
        return not isinstance(self.recipe, Unreadable)

    @property
    def execution_as_begun(self) -> Execution:
        """Its execution, with the precision that its epochs so far were trained in: earlier releases left it open."""
        known = self.provenance.get("precision")
        if self.epoch is None or self.execution.precision != "auto" or known not in ("fp32", "bf16"):
            return self.execution
        return self.execution.model_copy(update={"precision": known})

    @property
    def missing(self) -> str | None:
        """What lacks here to train it, in words: its loss, or backbone, is registered elsewhere; None for nothing."""
        return self.recipe.missing if isinstance(self.recipe, Recipe) else None

    @property
    def active(self) -> bool:
        """Whether it may still train without being asked again."""
        return self.state in ACTIVE

    @property
    def is_measured(self) -> bool:
        """Whether it was imported, is measured, and held before any training."""
        return self.state == "paused" and self.run_until == self.epoch == 0 and "imported" in self.provenance

    @property
    def wants_to_train(self) -> bool:
        """Whether nothing holds it back at this moment; a run that other code trains never does."""
        done = -1 if self.epoch is None else self.epoch
        willing = self.active and not self.stop and isinstance(self.recipe, Recipe)
        return willing and (self.run_until is None or done < self.run_until)

    @property
    def turn(self) -> tuple[bool, float, str]:
        """By which runs are ordered that wait: those that let others go first last, then as they were queued.

        It is that of the run's whole group.
        """
        return self.execution.behind, self.created, self.group_id

    @property
    def training_recipe(self) -> Recipe:
        """The recipe; LabError where it cannot be read, or where other code trained the run, so that there is none."""
        if isinstance(self.recipe, Recipe):
            return self.recipe
        if isinstance(self.recipe, Unreadable):
            raise LabError(f"{self.name!r} cannot be read: {self.recipe.reason}")
        raise LabError(f"{self.name!r} was recorded from other code: there is no recipe and no model of it here")

    @property
    def seconds_left(self) -> float | None:
        """Estimate from the time it took so far; None before there is anything to go by."""
        return self.seconds * (1 - self.progress) / self.progress if self.progress > 0.01 else None
