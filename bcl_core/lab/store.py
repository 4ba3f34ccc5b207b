"""The store of runs: one SQLite file in WAL mode for what changes, one folder a run for what does not.

Whoever reads may read at any time. A run is trained by the process that holds its lock; everybody else steers it by
`run_until` and `stop`, which that process polls. A run that other code trains is recorded under the same lock, and
nobody steers it.
"""

import json
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from filelock import FileLock

from bcl_core.lab import steering
from bcl_core.lab.database import Database
from bcl_core.lab.deeds import Deeds
from bcl_core.lab.faults import in_words, is_writable
from bcl_core.lab.files import RunFolder, write_once
from bcl_core.lab.locks import is_locked, taken
from bcl_core.lab.names import new_id, proper_name
from bcl_core.lab.polls import Polls
from bcl_core.lab.rows import AMONG, as_run, metrics_of, row_of, where
from bcl_core.lab.run import ACTIVE, DiskError, Held, LabError, QueueFull, Run, RunIsActive
from bcl_core.lab.run_table import RunTable, insert, insert_with_metrics
from bcl_core.lab.seals import seal_arrays
from bcl_core.lab.shelf import Shelf, open_shelf, shelf_home
from bcl_core.lab.starts import check_start
from bcl_core.lab.steering import Order
from bcl_core.lab.worker_row import WorkerRow
from bcl_core.recipe import RUN_ID, Execution, Recipe, Recorded

MAX_QUEUED = 64
PATIENCE_SECONDS = 0.2
DELETED_KEPT_SECONDS = 30 * 24 * 3600
ENTERED_SECONDS = 60  # from the making of a run's folder to its row in the database, at the most
BROUGHT_ASIDE = ".brought-"  # what a folder is called, beside those of runs, that a zip of runs is unpacked into
DATA_FORMAT = 1  # of histories: raised where they are made otherwise, since browsers keep them for good


@dataclass(frozen=True)
class GroupPlan:
    """Runs to queue together: (name, recipe) pairs that will advance side by side, an epoch each before the next."""

    name: str
    runs: Sequence[tuple[str, Recipe]]


class Lab:
    """A lab on disk. Opening it makes it; any number of processes may have it open."""

    def __init__(self, home: Path) -> None:
        self.home = home.resolve()
        self.is_new = not _is_lab(self.home)
        with in_words(self.home):
            (self.home / "runs").mkdir(parents=True, exist_ok=True)
        self._database = Database(self.home)
        self._runs = RunTable(self._database)
        self.deeds = Deeds(self._database, self.home / "deeds")
        self.polls = Polls(self._database)
        self.worker = WorkerRow(self._database)

    @classmethod
    def open(cls, home: Path | None = None) -> Self:
        """Open the lab in `home`, else in BCL_LAB_HOME, else in ./lab."""
        return cls(home or Path(os.environ.get("BCL_LAB_HOME") or "lab"))

    @classmethod
    def open_existing(cls, home: Path | None = None) -> Self:
        """Open the lab as `open` does, for who only reads: a folder that somebody named is to be a lab already.

        Raises:
            LabError: it is none.
        """
        named = home or os.environ.get("BCL_LAB_HOME")
        if named and not _is_lab(Path(named)) and not Path(named).is_file():  # of a file, open says what is wrong
            raise LabError(
                f"there is no lab in {Path(named).absolute()}: name another folder, by --home or BCL_LAB_HOME, or let "
                "train, record or import begin one there"
            )
        return cls.open(home)

    @property
    def writable(self) -> bool:
        """Whether it can be changed; else it can be looked at."""
        return is_writable(self.home)

    # Reading

    def runs(self, group_id: str | None = None) -> list[Run]:
        """Return all runs of the lab's own, or a group's, newest group first, in the order they were queued."""
        if group_id is None:
            return self._runs.select()
        return self._runs.select("group_id = ?", group_id) or self._runs.damaged(group_id)

    def active_runs(self) -> list[Run]:
        """Return the runs that are queued, running or paused."""
        return [run for run in self._runs.select(f"state IN {AMONG}", json.dumps(ACTIVE)) if run.active]

    def deleted_runs(self) -> list[Run]:
        """Return the runs that were deleted and can be restored, those that were deleted last first."""
        return sorted(self._runs.select(deleted=True), key=lambda run: run.deleted or 0.0, reverse=True)

    def watched_runs(self, run_ids: Collection[str]) -> dict[str, Run]:
        """Return, by their ids, those of these runs that there are, and all that are queued, running or paused."""
        own = [run_id for run_id in run_ids if RUN_ID.fullmatch(run_id)]
        found = self._runs.select(f"(id IN {AMONG} OR state IN {AMONG})", json.dumps(own), json.dumps(ACTIVE))
        shelved = [known.run for run_id in own if (known := self.shelf.get(run_id))]
        return {run.id: run for run in [*found, *shelved]}

    def run(self, run_id: str) -> Run:
        """Return a run of the lab or of the shelf; UnknownRun if there is none."""
        if shelved := self.shelf.get(run_id):
            return shelved.run
        return self._runs.found([run_id])[0]

    @property
    def shelf(self) -> Shelf:
        """The runs that come with the project. They are opened like the lab's own, and refuse to be changed."""
        return open_shelf(shelf_home())

    def _own(self, run_ids: Iterable[str], *, deleted: bool = False) -> list[Run]:
        """Return runs that may be changed, in the order of their ids."""
        ids = list(dict.fromkeys(run_ids))
        for run_id in ids:
            self._refuse_shelved(run_id)
        return self._runs.found(ids, deleted=deleted)

    def _refuse_shelved(self, run_id: str) -> None:
        if shelved := self.shelf.get(run_id):
            raise LabError(f"{shelved.run.name!r} came with the project and is never changed; train a copy instead")

    def folder(self, run_id: str) -> RunFolder:
        """Return the run's folder; UnknownRun if there is no such run."""
        run = self.run(run_id)
        if run.shelved:
            return RunFolder(self.shelf.home / run.id, made_later=self.home / "shelved" / run.id)
        return self.own_folder(run.id)

    def own_folder(self, run_id: str) -> RunFolder:
        """Return the folder of a run of the lab's own, which may be deleted, or not be there."""
        return RunFolder(self.home / "runs" / run_id)

    def unknown_folders(self) -> list[str]:
        """Return the ids of the run folders that the database does not know, in order; `mending.mend` enters them.

        One without an epoch, made a moment ago, is about to be entered, and not among them.
        """
        return [name for name in self.strange_folders() if RUN_ID.fullmatch(name) and self._is_left(name)]

    def strange_folders(self) -> list[str]:
        """Return the names of all folders among those of runs that are none's, in order."""
        with self._database.reading() as db:
            known = {run_id for (run_id,) in db.execute("SELECT id FROM runs")}
        with in_words(self.home):
            return sorted(path.name for path in (self.home / "runs").iterdir() if path.name not in known)

    def _is_left(self, name: str) -> bool:
        folder = self.own_folder(name)
        try:
            return bool(folder.epochs()) or time.time() - folder.recipe.stat().st_mtime > ENTERED_SECONDS
        except OSError:
            return False

    def epochs(self, run_id: str) -> list[int]:
        """Return the epochs that are kept, in order: those that are recorded, whether or not that can be read."""
        if shelved := self.shelf.get(run_id):
            return [row["epoch"] for row in shelved.metrics]
        with self._database.reading() as db:
            rows = db.execute("SELECT epoch FROM metrics WHERE run = ? ORDER BY epoch", (run_id,))
            return [epoch for (epoch,) in rows if isinstance(epoch, int)]

    def metrics(self, run_id: str, epochs: Collection[int] | None = None) -> list[dict[str, Any]]:
        """Return the metrics of the recorded epochs, or of some, in order, each with its "epoch".

        Those that cannot be read are left out.
        """
        wanted = None if epochs is None else set(epochs)
        if shelved := self.shelf.get(run_id):
            return [dict(row) for row in shelved.metrics if wanted is None or row["epoch"] in wanted]
        among = "" if wanted is None else f"AND epoch IN {AMONG}"
        with self._database.reading() as db:
            statement = f"SELECT epoch, metrics FROM metrics WHERE run = ? {among} ORDER BY epoch"
            rows = db.execute(statement, (run_id, *(() if wanted is None else (json.dumps([*wanted]),)))).fetchall()
        read = (metrics_of(epoch, text) for epoch, text in rows if isinstance(epoch, int))
        return [metrics for metrics in read if metrics is not None]

    def last_metrics(self, run_ids: Collection[str] | None = None) -> dict[str, dict[str, Any]]:
        """Return the metrics of the last epoch of every run, or of some, by the runs' ids.

        The shelf's are among them, and those that were deleted and can be restored. Runs without an epoch, or whose
        metrics cannot be read, are left out.
        """
        ended = {run.id: run.epoch for run in self.shelf.runs if run.epoch is not None}
        shelved = {run_id: self.metrics(run_id, [epoch])[0] for run_id, epoch in ended.items()}
        condition, values = ("1", ()) if run_ids is None else where(run_ids)
        with self._database.reading() as db:
            rows = db.execute(
                "SELECT id, metrics.epoch, metrics FROM runs JOIN metrics ON run = id AND metrics.epoch = runs.epoch "
                f"WHERE {condition}",
                values,
            ).fetchall()
        read = {run_id: metrics_of(epoch, text) for run_id, epoch, text in rows}
        found = {**shelved, **{run_id: metrics for run_id, metrics in read.items() if metrics is not None}}
        return found if run_ids is None else {run_id: found[run_id] for run_id in run_ids if run_id in found}

    def rev(self, run: Run | str) -> str:
        """Return what the addresses of a run's data carry: another one where other bytes may lie there."""
        run = self.run(run) if isinstance(run, str) else run
        shelved = self.shelf.get(run.id)
        of_its_own = shelved.digest if shelved else run.rev
        return f"{DATA_FORMAT}-{of_its_own}" if of_its_own else str(DATA_FORMAT)

    # Steering

    def enqueue(self, plan: GroupPlan, execution: Execution | None = None) -> list[str]:
        """Queue runs as one group; return their ids.

        Raises:
            QueueFull: more than MAX_QUEUED runs would be unfinished. Nothing is queued then.
            LabError: one of them cannot be trained here. Nothing is queued then.
        """
        with self._new_folders() as make_folder:
            ids = [make_folder(recipe) for _, recipe in plan.runs]
            self._insert(ids, plan.name, plan.runs, execution or Execution())
        return ids

    def enqueue_model(self, name: str, recipe: Recipe, execution: Execution, weights: bytes) -> str:
        """Queue a run that starts from these weights (safetensors): it is measured as it is, and then held."""
        with self._new_folders(fresh=False) as make_folder:
            run_id = make_folder(recipe)
            write_once(self.own_folder(run_id).initial, seal_arrays(weights))
            self._insert([run_id], name, [(name, recipe)], execution, run_until=0)
        return run_id

    def enqueue_copy(self, run_id: str, execution: Execution) -> str:
        """Queue a copy of a shelved run that starts from its last weights, with a new optimiser and schedule.

        It is measured as it is, and then held. Raises LabError where the run is not on the shelf.
        """
        run = self.run(run_id)
        if not run.shelved:
            raise LabError(f"{run.name!r} is the lab's own: resume it, or export it and import that")
        name = proper_name(f"{run.name[:66]}, trained on")
        return self.enqueue_model(name, run.training_recipe, execution, self.folder(run_id).weights.read_bytes())

    def enqueue_here(self, name: str, recipe: Recipe, execution: Execution) -> tuple[str, FileLock]:
        """Enter a run that this process will train itself; it is locked before any worker can see it."""
        with self._new_folders() as make_folder:
            run_id = make_folder(recipe)
            lock = self._locked(run_id)
            self._insert([run_id], name, [(name, recipe)], execution)
        return run_id, lock

    def enter_recorded(self, name: str, recorded: Recorded, provenance: Mapping[str, str]) -> tuple[str, FileLock]:
        """Enter a run that this process records while other code trains it; it is running, and locked, from the start.

        It waits for nothing, so that the queue may be full.
        """
        with self._new_folders() as make_folder:
            run_id = make_folder(recorded)
            lock = self._locked(run_id)
            self._insert([run_id], name, [(name, recorded)], Execution(), state="running", provenance=provenance)
        return run_id, lock

    def enter_found(self, row: Mapping[str, Any], metrics: Mapping[int, Mapping[str, Any]]) -> None:
        """Enter a run that the database has lost, with the metrics of its epochs; one that it knows is left as it is.

        Args:
            row: columns by their names.
            metrics: by epoch.
        """
        with self._database.writing() as db:
            if not db.execute("SELECT 1 FROM runs WHERE id = ?", (row["id"],)).fetchone():
                insert_with_metrics(db, row, metrics)

    def enter(self, runs: Sequence[tuple[Run, Sequence[Mapping[str, Any]], Path]]) -> None:
        """Enter runs that have ended, each with the metrics of its epochs and its folder, which becomes the lab's.

        All of them are entered or none; their ids are free.
        """
        with ExitStack() as undo:
            with self._database.writing() as db:
                for position, (run, metrics, folder) in enumerate(runs):
                    row = {**row_of(run), "position": position}
                    by_epoch = {known["epoch"]: {k: v for k, v in known.items() if k != "epoch"} for known in metrics}
                    insert_with_metrics(db, row, by_epoch)
                    undo.callback(folder.replace(self.own_folder(run.id).path).replace, folder)
            undo.pop_all()

    def take_up(self, run_id: str) -> tuple[str, FileLock]:
        """Go on in this process with a run that is not finished; RunIsActive where another process trains it."""
        [run] = self._own([run_id])
        self._steerable(run.id, trains=True)
        lock = self.lock(run_id)
        if lock is None:
            raise RunIsActive(f"{run.name!r} is trained by another process: stop or pause it there first")
        if run.state == "finished":
            lock.release()
            raise LabError(f"{run.name!r} is finished")
        taken_up = "UPDATE runs SET state = 'queued', stop = 0, error = NULL, run_until = NULL"
        if not self._database.change(f"{taken_up} WHERE id = ? AND deleted IS NULL", run_id):
            lock.release()
            raise self._runs.unknown("run", run_id)
        return run_id, lock

    @contextmanager
    def _new_folders(self, *, fresh: bool = True) -> Iterator[Callable[[Recipe | Recorded], str]]:
        """Hand out what makes a run's folder and returns its id; the folders are gone again where the block fails.

        A run that is not `fresh` brings weights of its own, wherever its recipe starts.
        """
        made: list[str] = []

        def make(recipe: Recipe | Recorded) -> str:
            if isinstance(recipe, Recipe) and recipe.missing:
                raise LabError(f"the run cannot be trained here: {recipe.missing}")
            if isinstance(recipe, Recipe) and fresh:
                check_start(self, recipe)
            made.append(run_id := new_id())
            write_once(self.own_folder(run_id).recipe, recipe.model_dump_json(indent=2).encode())
            return run_id

        try:
            with in_words(self.home):
                yield make
        except BaseException:
            for run_id in made:
                shutil.rmtree(self.home / "runs" / run_id, ignore_errors=True)
            raise

    def _locked(self, run_id: str) -> FileLock:
        lock = FileLock(self.own_folder(run_id).lock)
        lock.acquire()
        return lock

    def _insert(
        self,
        ids: Sequence[str],
        group_name: str,
        runs: Sequence[tuple[str, Recipe | Recorded]],
        execution: Execution,
        *,
        run_until: int | None = None,
        state: str = "queued",
        provenance: Mapping[str, str] | None = None,
    ) -> None:
        shared = {
            "group_id": new_id(),
            "group_name": proper_name(group_name),
            "execution": execution.model_dump_json(),
            "created": time.time(),
            "run_until": run_until,
            "state": state,
            "provenance": json.dumps(dict(provenance or {})),
        }
        rows = [
            {
                "id": run_id,
                "name": proper_name(name),
                "position": position,
                "recipe": recipe.model_dump_json(),
                "recipe_hash": recipe.hash,
                **shared,
            }
            for position, (run_id, (name, recipe)) in enumerate(zip(ids, runs, strict=True))
        ]
        with self._database.writing() as db:
            unfinished = len(self.active_runs())
            if state == "queued" and unfinished + len(rows) > MAX_QUEUED:
                raise QueueFull(
                    f"{unfinished} runs are unfinished and {len(rows)} more would pass the limit of {MAX_QUEUED}: "
                    "let some finish, or stop some"
                )
            for row in rows:
                insert(db, "runs", row)

    def pause(self, target: str) -> None:
        """Hold a run where it is, in the middle of an epoch if need be; of a group all that move at one epoch.

        That is the furthest that one of them has recorded: the others come up to it. A run that is held stays where it
        is, and so does each of a group that nobody trains.
        """
        self._steer(target, steering.pause)

    def step(self, target: str) -> None:
        """Let a run finish one more epoch, then hold; a group all the one after the furthest epoch among its runs."""
        self._steer(target, steering.step, trains=True)

    def resume(self, target: str) -> None:
        """Let a run or a group go on to its end; a stopped or failed one is queued again from its last checkpoint."""
        self._steer(target, steering.resume, trains=True)

    def stop(self, target: str) -> None:
        """End a run or a group for good, keeping what it has."""
        self._steer(target, steering.stop)

    def _steer(
        self,
        target: str,
        rule: Callable[[Sequence[Run], steering.Circumstances], Iterable[Order]],
        *,
        trains: bool = False,
    ) -> None:
        ids = self._steerable(target, trains=trains)
        worker = is_locked(self.worker_lock)
        # Who looks whether a run is trained holds its lock for a moment; a worker puts right what that hides.
        patience = 0.0 if worker else PATIENCE_SECONDS
        with in_words(self.home), self._locked_by_nobody(ids, patience) as nobodys, self._database.writing() as db:
            db.row_factory = sqlite3.Row
            which = f"id IN {AMONG} AND deleted IS NULL"
            rows = db.execute(f"SELECT rowid, * FROM runs WHERE {which}", (json.dumps(ids),)).fetchall()
            if not rows:
                raise self._runs.unknown("run or group", target)
            for run_id, columns in rule(list(map(as_run, rows)), steering.Circumstances(nobodys, worker)):
                assignments = ", ".join(f"{column} = ?" for column in columns)
                db.execute(f"UPDATE runs SET {assignments} WHERE id = ?", (*columns.values(), run_id))

    @contextmanager
    def _locked_by_nobody(self, run_ids: Collection[str], patience: float) -> Iterator[set[str]]:
        """Find the runs that nobody trains, and see that nobody takes one up in the block."""
        locks: dict[str, FileLock] = {}
        try:
            for run_id in run_ids:
                if (lock := taken(self.own_folder(run_id).lock, patience)) is not None:
                    locks[run_id] = lock
            yield set(locks)
        finally:
            for lock in locks.values():
                lock.release()

    @property
    def worker_lock(self) -> Path:
        """Held by the lab's worker for as long as it lives."""
        return self.home / "worker.lock"

    def _steerable(self, target: str, *, trains: bool = False) -> tuple[str, ...]:
        """Return the ids of a run, or of the runs of a group that are trained here; with `trains` that can be."""
        found = self._runs.select("(id = ? OR group_id = ?)", target, target) or self._runs.damaged(target)
        if not found:
            self._refuse_shelved(target)
            raise self._runs.unknown("run or group", target)
        ours = [run for run in found if isinstance(run.recipe, Recipe)]
        if not ours:
            if not found[0].readable:
                raise LabError(f"{found[0].name!r} cannot be read: {found[0].error}")
            raise LabError(f"{found[0].name!r} is recorded from other code, which alone can train, pause or stop it")
        ids = tuple(run.id for run in ours if not (trains and run.missing))
        if not ids:
            raise LabError(f"{ours[0].name!r} cannot be trained here: {ours[0].missing}")
        return ids

    def rename(self, run_id: str, name: str) -> None:
        """Give a run another name, 1 to 80 characters."""
        [run] = self._own([run_id])
        condition, values = where([run.id])
        rename = f"UPDATE runs SET name = ? WHERE deleted IS NULL AND {condition}"
        if not self._database.change(rename, proper_name(name), *values):
            raise self._runs.unknown("run", run_id)

    def move_to_group(self, run_ids: Sequence[str], name: str) -> str:
        """Put runs into the group of this name, or a new one; return its id. Raises RunIsActive where one trains."""
        name = proper_name(name)
        known = (run.group_id for run in self.runs() if run.group_name == name and run.readable)
        group_id = next(known, None) or new_id()
        with self._at_rest(run_ids) as db:
            for position, run_id in enumerate(run_ids):
                condition, values = where([run_id])
                db.execute(
                    f"UPDATE runs SET group_id = ?, group_name = ?, position = ? WHERE {condition}",
                    (group_id, name, position, *values),
                )
        return group_id

    def delete(self, run_ids: Collection[str]) -> None:
        """Set runs aside, with their files: nobody sees them until they are restored, for DELETED_KEPT_SECONDS.

        Raises:
            UnknownRun: one of them is not there, or was deleted before. Nothing is deleted then.
            RunIsActive: some of them are queued, running or paused. Nothing is deleted then.
        """
        condition, values = where(run_ids)
        with self._at_rest(run_ids) as db:
            db.execute(f"UPDATE runs SET deleted = ? WHERE {condition}", (time.time(), *values))

    def drop_epochs(self, run_id: str, epochs: Collection[int]) -> None:
        """Forget the figures of some epochs, which then are not kept any more. Raises as `delete`."""
        with self._at_rest([run_id]) as db:
            among = json.dumps([*epochs])
            db.execute(f"DELETE FROM metrics WHERE run = ? AND epoch IN {AMONG}", (run_id, among))
            db.execute("UPDATE runs SET rev = coalesce(rev, 0) + 1 WHERE id = ?", (run_id,))

    def drop_orphans(self) -> int:
        """Remove figures of runs that there are no more; return of how many epochs."""
        return self._database.change("DELETE FROM metrics WHERE run NOT IN (SELECT id FROM runs)")

    def restore(self, run_ids: Collection[str]) -> None:
        """Take back that runs were deleted. UnknownRun where one of them was not; nothing is restored then."""
        condition, values = where(run_ids)
        with self._database.writing() as db:
            self._own(run_ids, deleted=True)
            db.execute(f"UPDATE runs SET deleted = NULL WHERE {condition}", values)

    def purge(self, run_ids: Collection[str]) -> None:
        """Remove deleted runs for good, with their files. UnknownRun where one is not deleted; all stay then."""
        for run in self._own(run_ids, deleted=True):
            condition, values = where([run.id])
            with self._database.writing() as db:  # so that nobody restores it meanwhile
                if not db.execute(f"SELECT 1 FROM runs WHERE deleted IS NOT NULL AND {condition}", values).fetchone():
                    continue
                # Files first: whoever breaks off in between leaves a deleted run, which can be purged again.
                with suppress(FileNotFoundError):
                    shutil.rmtree(self.home / "runs" / run.id)
                db.execute(f"DELETE FROM metrics WHERE run IN (SELECT id FROM runs WHERE {condition})", values)
                db.execute(f"DELETE FROM runs WHERE {condition}", values)

    def purge_old(self) -> None:
        """Remove for good what was deleted more than DELETED_KEPT_SECONDS ago."""
        long_ago = time.time() - DELETED_KEPT_SECONDS
        self.purge([run.id for run in self.deleted_runs() if (run.deleted or time.time()) < long_ago])

    @contextmanager
    def _at_rest(self, run_ids: Collection[str]) -> Iterator[sqlite3.Connection]:
        """Let runs be changed in the block that nobody trains, nor takes up meanwhile.

        Raises UnknownRun where one of them is not there, and RunIsActive, which names those that are queued, running
        or paused.
        """
        for run in self._own(run_ids):
            self.settle_dead(run)
        with self._database.writing() as db:
            runs = self._own(run_ids)
            if active := [f"{run.name!r} is {run.state}" for run in runs if run.active]:
                more = f" and {len(active) - 3} more are active" if active[3:] else ""
                raise RunIsActive(f"{', '.join(active[:3])}{more}: stop {'them' if active[1:] else 'it'} first")
            for run in runs:
                if not run.readable and is_locked(self.own_folder(run.id).lock):
                    it = f"{run.name!r} is trained by another process, which can read it"
                    raise RunIsActive(f"{it}: stop it there first")
            yield db

    # Writing, by the process that trains

    def lock(self, run_id: str) -> FileLock | None:
        """Take the right to train a run; None if another process has it. Freed by release or by the process's end."""
        with in_words(self.home):
            return taken(self.folder(run_id).lock)

    def record_start(self, run_id: str, provenance: Mapping[str, str], threads: int) -> None:
        """Enter what the run is made with; a takeover will use as many threads again, and so do others of its group."""
        run = self.run(run_id)
        remarks = {"remarks": run.provenance["remarks"]} if "remarks" in run.provenance else {}
        mates = [mate for mate in self.runs(run.group_id) if mate.active and mate.execution.threads is None]
        with self._database.writing() as db:
            for one in {mate.id: mate for mate in [*mates, run]}.values():
                execution = one.execution.model_copy(update={"threads": threads})
                db.execute("UPDATE runs SET execution = ? WHERE id = ?", (execution.model_dump_json(), one.id))
            db.execute(
                "UPDATE runs SET provenance = ?, note = NULL WHERE id = ?",
                (json.dumps({**provenance, **remarks}), run_id),
            )

    def agree_on_precision(self, run_id: str, measured: str) -> str:
        """Enter a precision for all runs of a group that leave it open and have not begun; return what the run's is.

        So the first of them decides, and all of a group are trained alike, by whatever processes.
        """
        of = "CASE WHEN json_valid(execution) THEN coalesce(json_extract(execution, '$.precision'), 'auto') END"
        group = "(SELECT group_id FROM runs WHERE id = ?)"
        with self._database.writing() as db:
            db.execute(
                "UPDATE runs SET execution = json_set(execution, '$.precision', ?) "
                f"WHERE epoch IS NULL AND {of} = 'auto' AND group_id = {group}",
                (measured, run_id),
            )
            found = db.execute(f"SELECT {of} FROM runs WHERE id = ?", (run_id,)).fetchone()
        return measured if found is None or found[0] == "auto" else str(found[0])

    def record_plan(self, run_id: str, recorded: Recorded) -> None:
        """Enter that a recorded run has more epochs than were known of."""
        self._database.change("UPDATE runs SET recipe = ? WHERE id = ?", recorded.model_dump_json(), run_id)

    def settle_dead(self, run: Run) -> None:
        """Bring in line a run that is said to be running though who trained or recorded it has died: its lock is free.

        One that was recorded has stopped; another waits for a worker. Where nothing can be written, who looks at the
        run next does it.
        """
        recorded = not isinstance(run.recipe, Recipe)
        if not (run.active and self.writable and (recorded or run.state == "running")):
            return
        with suppress(DiskError), in_words(self.home):
            if not recorded and is_locked(self.worker_lock):
                return  # it is about to take the run up, or to say how that ended
            if (lock := self.lock(run.id)) is not None:
                state = "stopped" if recorded or run.stop else "queued" if run.wants_to_train else "paused"
                self.settle(run.id, state, "TRUE" if recorded else "state = 'running'")
                lock.release()

    def settle(self, run_id: str, state: str, condition: str = "TRUE") -> None:
        """Set the state of a run, unless it has ended since it was read."""
        statement = f"UPDATE runs SET state = ? WHERE id = ? AND state IN {AMONG} AND {condition}"
        self._database.change(statement, state, run_id, json.dumps(ACTIVE))

    def settle_hold(self, run_id: str) -> None:
        """Set a run to "paused", unless it has ended, or may train again, since it was read."""
        self.settle(run_id, "paused", "coalesce(epoch, -1) >= run_until")

    def settle_stop(self, run_id: str) -> None:
        """Set a run to "stopped", unless it has ended, or the stop was taken back, since it was read."""
        self.settle(run_id, "stopped", "stop = 1")

    def record_state(self, run_id: str, state: str, error: str | None = None) -> None:
        """Set the run's state."""
        self._database.change("UPDATE runs SET state = ?, error = ? WHERE id = ?", state, error, run_id)

    def record_note(self, run_id: str, note: str | None) -> None:
        """Say what the run is busy with while it cannot train yet."""
        self._database.change("UPDATE runs SET note = ? WHERE id = ?", note, run_id)

    def record_progress(self, run_id: str, progress: float, seconds: float) -> None:
        """Set how much is done (0 … 1) and add to the seconds that it took."""
        self._database.change(
            "UPDATE runs SET progress = ?, seconds = seconds + ? WHERE id = ?", *(min(progress, 1.0), seconds, run_id)
        )

    def record_remark(self, run_id: str, remark: str) -> None:
        """Say what happened to a run: in its provenance for good, and as its note until it is taken up again."""
        provenance = dict(self.run(run_id).provenance)
        provenance["remarks"] = "; ".join(filter(None, (provenance.get("remarks"), remark)))
        self._database.change(
            "UPDATE runs SET provenance = ?, note = ? WHERE id = ?", json.dumps(provenance), remark, run_id
        )

    def record_epoch(self, run_id: str, epoch: int, metrics: Mapping[str, Any]) -> list[str]:
        """Add an epoch's metrics; one that stands is left as it is, unless it cannot be read.

        Returns the names of the metrics that stand otherwise. Then, and where it could not be read, the run's `rev`
        rises. Raises Held where the run was asked to stay before this epoch.
        """
        text = json.dumps(metrics, allow_nan=False)
        with self._database.writing() as db:
            if db.execute("SELECT 1 FROM runs WHERE id = ? AND run_until < ?", (run_id, epoch)).fetchone():
                raise Held(f"run {run_id} is held before epoch {epoch}")
            found = db.execute("SELECT metrics FROM metrics WHERE run = ? AND epoch = ?", (run_id, epoch)).fetchone()
            stands, new = found and metrics_of(epoch, found[0]), json.loads(text)
            otherwise = sorted(name for name in new if stands and name in stands and stands[name] != new[name])
            if stands is None:
                db.execute("INSERT OR REPLACE INTO metrics VALUES (?, ?, ?)", (run_id, epoch, text))
            rises = bool(otherwise) or (found is not None and stands is None)
            db.execute(
                "UPDATE runs SET epoch = max(coalesce(epoch, 0), ?), rev = coalesce(rev, 0) + ? WHERE id = ?",
                (epoch, rises, run_id),
            )
        return otherwise


def _is_lab(home: Path) -> bool:
    """Whether somebody has opened a lab in this folder before."""
    return (home / "runs").is_dir()
