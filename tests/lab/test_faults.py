"""What the disk or the database does wrong is said in a sentence, and what can still be read is read."""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from bcl_core.cli import main
from bcl_core.lab import DiskError, GroupPlan, Lab, LabError, worker_status
from bcl_core.lab.history import history, whole
from bcl_core.lab.pulse import Pulse
from tests.conftest import small
from tests.disks import read_only, small_disk

FIRST_LAB = Path(__file__).parents[1] / "fixtures" / "first_lab"
TRAINED = "261126-98b7d25e22"


def cli(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    told = capsys.readouterr()
    return end.value.code or 0, told.out, told.err


def fill(folder):
    """Leave no byte free on the disk of this folder."""
    for size in (1 << 16, 1):
        with (folder / f"fill-{size}").open("wb", buffering=0) as file:
            try:
                while file.write(b"x" * size):
                    pass
            except OSError:
                pass


@pytest.fixture
def run_id(lab):
    [run_id] = lab.enqueue(GroupPlan("race", [("run", small())]))
    lab.record_epoch(run_id, 0, {"loss": 1.0})
    lab.record_state(run_id, "finished")
    return run_id


def no_database(file):
    file.write_bytes(b"this is no database" * 100)


def damaged_database(file):
    whole = file.read_bytes()
    file.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))


def folder_in_place_of_it(file):
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (no_database, "lab.sqlite is no database: move it aside"),
        (damaged_database, "lab.sqlite is damaged"),
        (folder_in_place_of_it, "lab.sqlite is a folder, and should be the lab's database: move it aside"),
    ],
)
def test_a_database_that_is_none_is_said_by_every_deed_and_by_the_command_line(lab, run_id, capsys, harm, said):
    for beside in ("lab.sqlite-wal", "lab.sqlite-shm"):
        (lab.home / beside).unlink(missing_ok=True)
    harm(lab.home / "lab.sqlite")
    for deed in (lab.runs, lambda: lab.stop(run_id), lambda: lab.rename(run_id, "name"), lambda: lab.delete([run_id])):
        with pytest.raises(DiskError, match=said):
            deed()
    code, _, err = cli(capsys, "runs")
    assert code == 2 and len(err.splitlines()) == 1 and said in err


def test_a_lab_whose_folder_is_a_file_is_said(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BCL_LAB_HOME", str(tmp_path / "file"))
    code, _, err = cli(capsys, "runs")
    assert code == 2 and "in, a file: set BCL_LAB_HOME to a folder" in err and len(err.splitlines()) == 1


def test_a_lab_whose_folder_was_taken_away_is_said(lab, run_id):
    lab.home.rename(lab.home.with_name("elsewhere"))
    with pytest.raises(DiskError, match=r"there is no folder .* any more"):
        lab.runs()


def test_a_database_that_another_process_keeps_locked_is_said(lab, run_id, monkeypatch):
    monkeypatch.setattr("bcl_core.lab.database.PATIENCE_SECONDS", 0.1)
    other = sqlite3.connect(lab.home / "lab.sqlite")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DiskError, match="is locked by another process: try again"):
        lab.rename(run_id, "name")
    assert lab.run(run_id).name == "run"
    other.close()
    lab.rename(run_id, "name")


def test_a_bug_is_not_taken_for_a_fault_of_the_disk(lab, run_id):
    with pytest.raises(sqlite3.IntegrityError):
        lab._database.change("INSERT INTO runs (id) VALUES (?)", run_id)


def test_a_lab_on_a_full_disk_can_be_looked_at_and_says_why_it_is_not_changed(tmp_path, capsys, monkeypatch):
    home = tmp_path / "lab"
    monkeypatch.setenv("BCL_LAB_HOME", str(home))
    with small_disk(home, 1 << 20):
        lab = Lab(home)
        [run_id] = lab.enqueue(GroupPlan("race", [("run", small())]))
        fill(home)
        for again in (lab, Lab(home)):
            assert [run.id for run in again.runs()] == [run_id]
            for deed in (lambda: lab.pause(run_id), lambda: lab.enqueue(GroupPlan("race", [("run", small())]))):
                with pytest.raises(DiskError, match=f"the disk that holds {home}.* is full: free some space"):
                    deed()
        assert cli(capsys, "runs")[0] == 0
        code, _, err = cli(capsys, "pause", run_id)
        assert code == 2 and "is full: free some space" in err and len(err.splitlines()) == 1
        for file in home.glob("fill-*"):
            file.unlink()
        lab.pause(run_id)
        assert len(lab.runs()) == 1 and len(list((home / "runs").iterdir())) == 1


@pytest.mark.parametrize("left", ["nothing", "a journal"])
def test_a_read_only_lab_can_be_looked_at_and_says_why_it_is_not_changed(lab, run_id, capsys, left):
    held = None
    if left == "a journal":  # by a process that was killed
        held = sqlite3.connect(lab.home / "lab.sqlite")
        held.execute("UPDATE runs SET name = 'not in the file yet'")
        held.commit()
        saved = {name: (lab.home / name).read_bytes() for name in ("lab.sqlite", "lab.sqlite-wal")}
        held.close()
        for name, content in saved.items():
            (lab.home / name).write_bytes(content)
    with read_only(lab.home):
        for again in (lab, Lab(lab.home)):
            assert not again.writable
            assert [run.name for run in again.runs()] == ["run" if left == "nothing" else "not in the file yet"]
            assert again.metrics(run_id) == [{"epoch": 0, "loss": 1.0}]
            pulse = Pulse(again)
            pulse.look([run_id])
            assert b'"finished"' in pulse.answer([run_id], None).content
            assert not worker_status(again).alive
            for deed in (
                lambda: lab.rename(run_id, "name"),
                lambda: lab.delete([run_id]),
                lambda: lab.resume(run_id),
                lambda: lab.enqueue(GroupPlan("race", [("run", small())])),
            ):
                with pytest.raises(DiskError, match=r"cannot be written|may not be"):
                    deed()
        assert run_id in cli(capsys, "runs")[1]
        for arguments in (("delete", run_id), ("resume", run_id), ("worker",), ("train", "--preset", "digits-bcl")):
            code, _, err = cli(capsys, *arguments)
            assert code == 2 and "BCL_LAB_HOME" in err and len(err.splitlines()) == 1, arguments
    lab.rename(run_id, "name")
    assert [run.name for run in lab.runs()] == ["name"]


@pytest.mark.parametrize("version", [0, 1, 3])
def test_a_read_only_lab_of_an_older_version_can_be_looked_at(tmp_path, version):
    home = tmp_path / "lab"
    shutil.copytree(FIRST_LAB, home)
    with sqlite3.connect(home / "lab.sqlite") as db:
        if version == 1:
            db.execute("ALTER TABLE runs DROP COLUMN note")
        db.execute(f"PRAGMA user_version={version}")
    db.close()
    if version == 0:
        (home / "lab.sqlite").write_bytes(b"")
    with read_only(home):
        lab = Lab(home)
        assert len(lab.runs()) == (2 if version else 0)
        if version:
            assert len(history(lab, TRAINED, whole(lab.epochs(TRAINED))).content)
            assert lab.last_metrics()[TRAINED]["epoch"] == 2
            assert lab.run(TRAINED).note is None and not lab.deleted_runs()
    assert len(Lab(home).runs()) == (2 if version else 0)


def test_another_user_who_may_not_write_looks_at_a_lab_while_its_owner_changes_it(lab, run_id, tmp_path_factory):
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    basetemp = tmp_path_factory.getbasetemp()
    for folder in (lab.home, *lab.home.parents):
        if folder.is_relative_to(basetemp) or folder.name.startswith(("pytest-", "popen-")):
            folder.chmod(0o755)
    program = f"""
import os, sys
from pathlib import Path
from bcl_core.lab import Lab, LabError
os.setgid(65534); os.setuid(65534)
lab = Lab(Path({str(lab.home)!r}))
for name in sys.stdin:
    print([run.name for run in lab.runs()], lab.writable, flush=True)
    try:
        lab.rename({run_id!r}, "theirs")
    except LabError as error:
        print(error, flush=True)
"""
    other = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    owner = sqlite3.connect(lab.home / "lab.sqlite")  # so that its journal stays
    for name in ("first", "second"):
        lab.rename(run_id, name)
        other.stdin.write("look\n")
        other.stdin.flush()
        assert other.stdout.readline() == f"['{name}'] False\n"
        assert "cannot be written: its runs can be looked at" in other.stdout.readline()
    owner.close()
    other.stdin.write("look\n")
    assert other.communicate()[0].startswith("['second'] False\n")


def test_a_lab_that_may_not_be_read_is_said():
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    program = """
import os, sys
from pathlib import Path
from tempfile import mkdtemp
from bcl_core.lab import Lab, LabError
home = Path(mkdtemp())
home.chmod(0o755)
Lab(home)
(home / "lab.sqlite").chmod(0o600)
os.setgid(65534); os.setuid(65534)
try:
    Lab(home)
except LabError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "lab.sqlite may not be read by this user: change its permissions" in done.stdout


def test_what_the_command_line_is_told_wrong_is_no_fault_of_the_lab(lab, capsys, tmp_path):
    code, _, err = cli(capsys, "record", str(tmp_path / "nowhere.npz"))
    assert code == 2 and "nowhere.npz" in err and "BCL_LAB_HOME" not in err
    with pytest.raises(LabError):
        lab.run("261111-0000000000")
