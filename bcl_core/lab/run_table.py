"""The table of a lab's own runs: which there are, and what is said of one that is not there."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from bcl_core.lab.database import Database
from bcl_core.lab.rows import as_run, where
from bcl_core.lab.run import Run, UnknownRun


class RunTable:
    """Reads the rows of runs; what changes them is in transactions of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def select(self, condition: str = "1", *values: Any, deleted: bool = False) -> list[Run]:
        """Return the runs of which the condition holds, the newest group first, in the order they were queued."""
        which = f"WHERE deleted IS {'NOT' * deleted} NULL AND {condition} ORDER BY created DESC, group_id, position"
        with self._database.reading() as db:
            db.row_factory = sqlite3.Row
            return [as_run(row) for row in db.execute(f"SELECT rowid, * FROM runs {which}", values)]

    def found(self, run_ids: Sequence[str], *, deleted: bool = False) -> list[Run]:
        """Return the lab's own runs of these ids; UnknownRun where one of them is not there, or not deleted."""
        condition, values = where(run_ids)
        found = {run.id: run for run in self.select(condition, *values, deleted=deleted)}
        for run_id in run_ids:
            if run_id not in found:
                raise self.unknown("run", run_id)
        return [found[run_id] for run_id in run_ids]

    def unknown(self, what: str, target: str) -> UnknownRun:
        """Return what says that there is no run, or group, of this id, and whether there was.

        It goes by the id that is asked for: a name, a viewer who asks is not to learn from what was deleted.
        """
        condition, values = where([target])
        for deleted, how in ((True, "was deleted and can be restored"), (False, "is not deleted")):
            known = self.select(f"({condition} OR group_id = ?)", *values, target, deleted=deleted)
            if any(target in (run.id, run.group_id) for run in known):
                return UnknownRun(what, target, how)
        return UnknownRun(what, target)

    def damaged(self, target: str) -> list[Run]:
        """Return the runs that are known by this id, or as this group, though their rows do not hold it."""
        return [run for run in self.select() if not run.readable and target in (run.id, run.group_id)]


def insert(db: sqlite3.Connection, table: str, row: Mapping[str, Any]) -> None:
    """Add a row, its columns by their names."""
    values = ", ".join(f":{column}" for column in row)
    db.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({values})", dict(row))


def insert_with_metrics(
    db: sqlite3.Connection, row: Mapping[str, Any], metrics: Mapping[int, Mapping[str, Any]]
) -> None:
    """Add a run's row, and the metrics of its epochs."""
    insert(db, "runs", row)
    for epoch, figures in metrics.items():
        insert(db, "metrics", {"run": row["id"], "epoch": epoch, "metrics": json.dumps(figures)})
