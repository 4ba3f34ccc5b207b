"""`GET runs`: every run with what the Library shows of it, whatever state it is in, looked up once for all who ask."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.routes import library as route
from app.routes.library import Library, library
from bcl_core.lab import GroupPlan, Lab, record
from bcl_core.lab.shelf import shelf_home
from harness.made_runs import make_runs
from tests.conftest import small
from tests.damages import DAMAGES, queue_damaged
from tests.routes.serving import Get, served
from tests.routes.test_contract import check


@pytest.fixture
def get(lab: Lab) -> Iterator[Get]:
    with served(lambda: lab) as ask:
        yield ask


def listed(lab: Lab, run_id: str) -> dict[str, object]:
    [found] = [run for run in library(lab)["runs"] if run["id"] == run_id]
    return dict(found)


def test_own_runs_come_first_the_newest_group_before_the_others_then_the_shelf(lab: Lab) -> None:
    first = lab.enqueue(GroupPlan("one", [("a", small()), ("b", small(seed=1))]))
    second = lab.enqueue(GroupPlan("two", [("c", small(seed=2))]))
    found = library(lab)
    check(found, Library)
    assert [run["id"] for run in found["runs"]] == [*second, *first, *(run.id for run in lab.shelf.runs)]
    assert [run["kind"] for run in found["runs"][:4]] == ["own", "own", "own", "shelf"]


def test_a_run_is_listed_with_what_its_last_epoch_measured(lab: Lab) -> None:
    [made] = make_runs(lab, ["bcl"], 3)
    run, last = listed(lab, made.id), lab.metrics(made.id)[-1]
    assert (run["state"], run["epoch"], run["planned"], run["progress"]) == ("finished", 3, 3, 0.0)
    assert (run["data"], run["imbalance"], run["space"]) == ("Handwritten digits", 50.0, "projection")
    assert run["figures"] == {
        "accuracy": last["accuracy"],
        "nearest_mean": None,
        "many": last["accuracy_many"],
        "medium": last["accuracy_medium"],
        "few": last["accuracy_few"],
        "angle": last["angle_mean"],
        "tail": last["angle_tail_tail"],
    }


def test_a_shelved_run_has_its_seed_in_its_name_and_its_group_a_sentence(lab: Lab) -> None:
    run = listed(lab, "digits-scl")
    assert (run["kind"], run["name"]) == ("shelf", "SCL, seed 0")
    assert "7, 8 and 9" in library(lab)["about"][str(run["group"])]
    assert listed(lab, "digits-balanced-scl")["figures"]["tail"] is None, "where no class is rare"  # type: ignore[index]
    assert not run["lacks_images"] and listed(lab, "cifar10-lt-scl")["lacks_images"]


def test_what_other_code_trained_and_what_cannot_be_read_is_listed_too(lab: Lab) -> None:
    import numpy as np

    run_id = record("mine", lab=lab, embeddings=np.eye(6)[np.arange(12) % 6], labels=np.arange(12) % 3)
    run = listed(lab, run_id)
    assert (run["kind"], run["data"], run["imbalance"], run["seed"]) == ("recorded", "", None, None)
    queue_damaged(lab, *DAMAGES)
    found = library(lab)
    check(found, Library)
    unreadable = [run for run in found["runs"] if run["state"] == "unreadable"]
    assert len(unreadable) == len(DAMAGES) and all(run["error"] for run in unreadable)


def test_what_was_imported_is_told_from_what_was_trained(lab: Lab) -> None:
    [run_id] = lab.enqueue(GroupPlan("race", [("a", small())]))
    lab.record_start(run_id, {"imported": "model.pth"}, 1)
    assert listed(lab, run_id)["kind"] == "imported"


def test_deleted_runs_come_last_and_say_when(lab: Lab) -> None:
    first, second = make_runs(lab, ["bcl", "scl"], 1)
    lab.delete([first.id])
    runs = library(lab)["runs"]
    assert runs[0]["id"] == second.id and runs[0]["deleted"] is None
    assert runs[-1]["id"] == first.id and (runs[-1]["deleted"] or 0) > 1e9


def test_a_folder_of_the_shelf_that_was_not_opened_is_named(lab: Lab, tmp_path: Path, monkeypatch) -> None:
    for name in ("digits-scl", "digits-bcl"):
        shutil.copytree(shelf_home() / name, tmp_path / "shelf" / name)
    (tmp_path / "shelf" / "digits-scl" / "weights.safetensors").write_bytes(b"\0")
    monkeypatch.setenv("BCL_LAB_PRETRAINED", str(tmp_path / "shelf"))
    found = library(lab)
    assert [run["id"] for run in found["runs"]] == ["digits-bcl"]
    assert list(found["faults"]) == ["digits-scl"] and "checksum" in found["faults"]["digits-scl"]
    monkeypatch.setenv("BCL_LAB_PRETRAINED", str(tmp_path / "nowhere"))
    assert library(lab)["runs"] == [] and library(lab)["shelf"] == str(tmp_path / "nowhere")


def test_who_has_the_answer_already_is_told_so(lab: Lab, get: Get) -> None:
    answer = get("runs")
    assert answer.status == 200 and answer.headers["cache-control"] == "no-cache"
    assert get("runs", if_none_match=answer.headers["etag"]).status == 304
    make_runs(lab, ["bcl"], 1)
    changed = get("runs?now", if_none_match=answer.headers["etag"])
    assert changed.status == 200 and len(changed.document["runs"]) == len(answer.document["runs"]) + 1


def test_one_look_at_the_disk_serves_all_who_ask_meanwhile(get: Get, monkeypatch) -> None:
    looked: list[Lab] = []
    monkeypatch.setattr(route, "library", lambda lab: looked.append(lab) or library(lab))
    monkeypatch.setattr(route, "LOOK_SECONDS", 60.0)
    threads = [threading.Thread(target=get, args=("runs",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(looked) == 1
    get("runs?now")
    assert len(looked) == 2, "who has just done something sees it"
