"""An export or an import that meets with a disk that fails ends in a sentence and leaves nothing half done."""

import pytest
import torch

from bcl_core.lab import DiskError, GroupPlan, Lab
from bcl_core.lab.bringing import bring
from bcl_core.lab.checkpoints import write, written
from bcl_core.lab.export import export_runs
from bcl_core.lab.faults import in_words
from bcl_core.lab.verifying import verify
from harness.faulty_disk import ERRORS, failing, has_struck, here
from tests.conftest import small
from tests.lab.test_pulse import make_runs

WORDS = {"ENOSPC": "is full: free some space", "EIO": "did not do its work", "EROFS": "is mounted read-only"}


@pytest.fixture(autouse=True)
def control(tmp_path, monkeypatch):
    monkeypatch.setenv("BCL_LAB_PRETRAINED", str(tmp_path / "shelf"))
    with here(tmp_path / "control"):
        yield tmp_path / "control"


def test_exports_and_imports_that_fail_say_why_and_can_be_done_again(lab, tmp_path, control):
    [made] = make_runs(lab, ["bcl"], 1)
    write(lab.folder(made.id), 1, written({"epoch": 1, "model": {"backbone.weight": torch.ones(3)}}))
    file, other = tmp_path / "exported.zip", Lab(tmp_path / "other")
    for error in ERRORS:
        with failing("export", error, control), pytest.raises(DiskError, match=WORDS[error]), in_words(lab.home):
            export_runs(lab, [made.id], file)
        assert has_struck(control) and not list(tmp_path.glob("*.zip*"))
    export_runs(lab, [made.id], file)
    for error in ERRORS:
        with failing("import", error, control), pytest.raises(DiskError, match=WORDS[error]), in_words(other.home):
            bring(other, file)
        assert has_struck(control) and not other.runs() and not list((other.home / "runs").iterdir())
    bring(other, file)
    assert [found.faults for found in verify(other)] == [()]


@pytest.mark.parametrize("error", ERRORS)
def test_a_change_that_the_database_cannot_take_is_refused_in_words_and_made_whole_later(lab, control, error):
    [run_id] = lab.enqueue(GroupPlan("race", [("run", small())]))
    with failing("database", error, control), pytest.raises(DiskError):
        lab.rename(run_id, "other")
    assert has_struck(control) and lab.run(run_id).name == "run"
    lab.rename(run_id, "other")
    assert lab.run(run_id).name == "other"
