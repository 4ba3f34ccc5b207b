"""Every change of the lab is a verb: checked, done once for a key, refused in a sentence."""

import errno
import json
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import app.verbs
from app.verbs import VERBS, Refused, do
from bcl_core.lab import GroupPlan, Lab, jobs
from bcl_core.lab.checks import check_data
from bcl_core.lab.deeds import KEYS_KEPT_SECONDS
from bcl_core.lab.recording import OpenRun
from bcl_core.lab.store import MAX_QUEUED
from bcl_core.recipe import DataPaths, Recipe
from bcl_core.registry import LOSSES, LossEntry
from tests.conftest import small

KEY = "a-key-of-mine"
UNKNOWN = "261111-0000000000"


@pytest.fixture
def run_id(lab: Lab) -> str:
    return lab.enqueue(GroupPlan("race", [("run", small())]))[0]


def ask(lab, verb, key=None, role="owner", **arguments):
    return do(lab, verb, arguments, role=role, key=key)


def refusal(lab, verb, key=None, role="owner", **arguments):
    with pytest.raises(Refused) as refused:
        ask(lab, verb, key, role, **arguments)
    return refused.value.status, str(refused.value)


def is_free(lab):
    with lab.deeds.claimed(KEY, "another content", again=False) as before:
        return before is None


def race(count=3, **more):
    runs = [{"name": f"run {i}", "recipe": {"seed": i, "epochs": 3}} for i in range(count)]
    return {"name": "race", "runs": runs, **more}


def test_the_table_of_the_docstring_names_every_verb_and_its_arguments():
    for name, verb in VERBS.items():
        rows = [row for row in app.verbs.__doc__.splitlines() if row.startswith("|")]
        [row] = [row for row in rows if name in row.split("|")[1].replace(",", "").split()]
        for argument in verb.schema.model_fields:
            assert argument in row, (name, argument)


def test_train_queues_a_group_in_order(lab, no_worker):
    answer = ask(lab, "train", **race(execution={"threads": 1, "data": {"path": "/photos"}}))
    runs = lab.runs(answer["group"])
    assert [run.id for run in runs] == answer["runs"]
    assert [(run.name, run.recipe.seed, run.group_name) for run in runs] == [(f"run {i}", i, "race") for i in range(3)]
    assert {(run.execution.threads, str(run.execution.data.path)) for run in runs} == {(1, "/photos")}


def test_recipes_themselves_are_as_good_as_their_json(lab, no_worker):
    answer = ask(lab, "train", name="race", runs=[{"name": "run", "recipe": small()}])
    assert lab.run(answer["runs"][0]).recipe == small()


def test_data_that_need_a_folder_are_not_queued_without_it(lab, no_worker):
    recipe = {"data": {"source": "folder"}}
    status, sentence = refusal(lab, "train", name="race", runs=[{"name": "run", "recipe": recipe}])
    assert status == 422 and "needs the folder of the images" in sentence
    assert not lab.runs()


def test_data_that_are_not_registered_here_are_left_to_the_store_to_refuse():
    elsewhere = '{"data": {"source": "theirs"}}'
    assert check_data([Recipe.parse(elsewhere, stored=True)], DataPaths()) is None


@pytest.mark.parametrize(
    ("source", "place", "said"),
    [
        ("folder", "nowhere", "there is no folder {path}"),
        ("folder", "file.txt", "{path} is a file, not a folder"),
        ("folder", "images.zip", "{path} is an archive: unpack it"),
        ("folder", "empty", "{path} has no subfolders"),
        ("folder", "classes", "the class folders in {path} hold no image"),
        ("parquet", "classes", "{path} holds no train*.parquet"),
        ("list-files", "classes", "the training lists in {path} are none"),
        ("imagenet-lt", "nowhere", "there is no folder {path}"),
        ("cifar10", "file.txt", "{path} is a file, not a folder"),
        ("svhn", "file.txt/below", "there is no folder {path}, and none can be made in"),
    ],
)
def test_a_folder_that_holds_nothing_to_read_is_refused_before_anything_is_queued(lab, tmp_path, source, place, said):
    (tmp_path / "empty").mkdir()
    for name in ("cats", "dogs"):
        (tmp_path / "classes" / name).mkdir(parents=True)
    for name in ("file.txt", "images.zip"):
        (tmp_path / name).touch()
    path = tmp_path / place
    recipe, execution = {"data": {"source": source}}, {"data": {"path": str(path)}}
    for verb, arguments in (
        ("train", {"name": "race", "runs": [{"name": "run", "recipe": recipe}]}),
        ("look", {"recipe": recipe}),
    ):
        status, sentence = refusal(lab, verb, **arguments, execution=execution)
        assert status == 422 and said.format(path=path) in sentence
    assert not lab.runs() and not (lab.home / "jobs").exists()


OWN = {
    "raise OSError('gone')": "cannot be imported: OSError: gone",
    "print('hello'); Other = 1": "cannot be imported: AttributeError: module 'my_code' has no attribute 'Mine'",
    "Mine = 3": "is a int; it should be a class or function",
    "import os; os._exit(7)": "importing it ended the process (exit code 7)",
    "class Mine: pass": None,
}


@pytest.mark.parametrize("line", OWN)
def test_own_code_is_imported_elsewhere_before_a_run_that_names_it_is_queued(lab, tmp_path, monkeypatch, line):
    (tmp_path / "my_code.py").write_text(f"{line}\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("BCL_LAB_LOSSES", "mine=my_code:Mine")  # which the other process reads; here it was too late
    monkeypatch.setitem(LOSSES, "mine", LossEntry("Mine", "Of a test.", "my_code:Mine"))
    monkeypatch.setattr(app.verbs, "ensure_worker", lambda _: None)
    arguments = {"name": "race", "runs": [{"name": "run", "recipe": {"loss": {"name": "mine"}}}]}
    if OWN[line] is None:
        assert len(ask(lab, "train", **arguments)["runs"]) == 1
    else:
        status, sentence = refusal(lab, "train", **arguments)
        assert status == 422 and OWN[line] in sentence and "mine" in sentence
        assert not lab.runs()
    assert "my_code" not in sys.modules


def test_one_image_is_enough_to_be_queued_and_the_rest_is_not_walked(lab, tmp_path, no_worker, monkeypatch):
    for name in ("cats", "dogs"):
        (tmp_path / name).mkdir()
    (tmp_path / "cats" / "1.png").touch()
    entered = []
    iterdir = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda path: (entered.append(path.name), iterdir(path))[1])
    recipe = {"data": {"source": "folder"}}
    runs = [{"name": "run", "recipe": recipe}] * 2
    ask(lab, "train", name="race", runs=runs, execution={"data": {"path": str(tmp_path)}})
    assert entered.count("cats") == 1 and "dogs" not in entered


def test_a_folder_into_which_a_download_goes_need_not_be_there(lab, tmp_path, no_worker):
    recipe, execution = {"data": {"source": "cifar10"}}, {"data": {"path": str(tmp_path / "new" / "place")}}
    ask(lab, "train", name="race", runs=[{"name": "run", "recipe": recipe}], execution=execution)
    assert not (tmp_path / "new").exists()


def test_a_full_queue_is_said_and_takes_nothing(lab, no_worker):
    lab.enqueue(GroupPlan("many", [(f"run {i}", small(seed=i)) for i in range(MAX_QUEUED)]))
    status, sentence = refusal(lab, "train", KEY, **race(1))
    assert status == 422 and f"limit of {MAX_QUEUED}" in sentence
    assert len(lab.runs()) == MAX_QUEUED


def test_a_copy_of_a_shelved_run_trains_on(lab, no_worker):
    answer = ask(lab, "train-on", run="digits-scl")
    copy = lab.run(answer["run"])
    assert copy.wants_to_train and copy.group_id == answer["group"]
    assert copy.name.endswith("trained on") and lab.folder(copy.id).initial.exists()
    opened = OpenRun(lab, *lab.take_up(copy.id))
    opened.advance(lambda: True)
    opened.close()
    there = lab.metrics("digits-scl")[-1]["accuracy"]
    assert lab.metrics(copy.id)[0]["accuracy"] == pytest.approx(there, abs=0.001)


def test_pause_step_resume_and_stop_steer_a_run_or_its_group(lab, run_id, no_worker):
    for target in (run_id, lab.run(run_id).group_id):
        ask(lab, "pause", target=target)
        assert not lab.run(run_id).wants_to_train
        ask(lab, "step", target=target)
        assert lab.run(run_id).run_until == 1
        ask(lab, "resume", target=target)
        assert lab.run(run_id).run_until is None
    ask(lab, "stop", target=run_id)
    assert lab.run(run_id).stop


def test_rename_group_and_delete(lab, run_id):
    lab.record_state(run_id, "finished")
    assert ask(lab, "rename", run=run_id, name="  my   best run ") == {"name": "my best run"}
    answer = ask(lab, "group", runs=[run_id], name="seeds")
    run = lab.run(run_id)
    assert (run.name, run.group_id, run.group_name) == ("my best run", answer["group"], "seeds")
    ask(lab, "delete", runs=[run_id])
    assert not lab.runs()
    ask(lab, "restore", runs=[run_id])
    assert lab.runs() == [run]
    ask(lab, "delete", runs=[run_id])
    ask(lab, "purge", runs=[run_id])
    assert not lab.deleted_runs()


def test_the_worker_is_started_and_stopped(lab, monkeypatch):
    started = []
    monkeypatch.setattr(app.verbs, "ensure_worker", started.append)
    assert ask(lab, "start-worker") is None
    assert started == [lab]
    assert ask(lab, "stop-worker") == {"was_alive": False}


def test_runs_are_queued_though_no_worker_can_be_started(lab, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EAGAIN, "no more processes")

    monkeypatch.setattr(subprocess, "Popen", fail)
    assert ask(lab, "train", KEY, **race())["runs"] == [run.id for run in lab.runs()]
    assert refusal(lab, "start-worker") == (422, "the worker cannot be started: no more processes")


def test_a_verb_that_is_none_is_answered_with_those_that_are(lab):
    status, sentence = refusal(lab, "explode")
    assert status == 422 and "'explode'" in sentence and "train-on" in sentence


@pytest.mark.parametrize("verb", [verb for verb, known in VERBS.items() if known.least_role != "viewer"])
def test_who_only_looks_may_change_nothing(lab, verb):
    assert refusal(lab, verb, role="viewer") == (403, f"a viewer may not {verb} here; the presenter may")


@pytest.mark.parametrize(
    ("verb", "arguments", "said"),
    [
        ("pause", {}, "target is missing"),
        ("pause", {"target": UNKNOWN, "hard": True}, "hard"),
        ("pause", {"target": 7}, "target is 7"),
        ("pause", {"target": "../../lab.sqlite"}, "should be the id of a run"),
        ("delete", {"runs": ["a"]}, "runs.0"),
        ("rename", {"run": UNKNOWN, "name": " "}, "1 to 80 characters"),
        ("rename", {"run": UNKNOWN, "name": "x" * 81}, "1 to 80 characters"),
        ("rename", {"run": UNKNOWN, "name": "bell \a"}, "control characters"),
        ("group", {"runs": [], "name": "seeds"}, "runs is []"),
        ("train", {"name": "race", "runs": []}, "runs is []"),
        ("train", race(MAX_QUEUED + 1), "at most 64"),
        ("train", {"name": "race", "runs": [{"name": "run", "recipe": {"epochs": 0}}]}, "runs.0.recipe.epochs is 0"),
        ("train", {"name": "race", "runs": [{"name": "run", "recipe": {"epoch": 1}}]}, "runs.0.recipe.epoch is 1"),
        ("train", race(1, execution={"device": "abacus"}), "execution.device"),
        ("train", race(1, execution={"data": {"path": "~nobody-of-this-name/x"}}), "execution.data.path"),
        ("train", race(1, execution={"data": {"path": "photos\0"}}), "null character"),
        ("train", {"name": "race", "runs": [{str(i): i for i in range(5000)}]}, "runs.0.0"),
        ("start-worker", {"threads": 8}, "threads"),
    ],
)
def test_arguments_that_do_not_fit_are_named_and_change_nothing(lab, verb, arguments, said):
    status, sentence = refusal(lab, verb, KEY, **arguments)
    assert status == 422 and said in sentence and len(sentence) < 1100
    assert not lab.runs()
    assert is_free(lab)


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        *((verb, {"target": UNKNOWN}) for verb in ("pause", "step", "resume", "stop")),
        ("rename", {"run": UNKNOWN, "name": "name"}),
        ("group", {"runs": [UNKNOWN], "name": "name"}),
        *((verb, {"runs": [UNKNOWN]}) for verb in ("delete", "restore", "purge")),
        ("train-on", {"run": UNKNOWN}),
    ],
)
def test_a_run_that_is_not_there_is_said(lab, verb, arguments):
    status, sentence = refusal(lab, verb, **arguments)
    assert status == 422 and f"'{UNKNOWN}'" in sentence


def test_a_key_is_done_once_and_answered_alike_also_by_a_lab_opened_later(lab, no_worker):
    first = ask(lab, "train", KEY, **race())
    assert ask(lab, "train", KEY, **race()) == first
    assert ask(Lab(lab.home), "train", KEY, **race()) == first
    assert len(lab.runs()) == 3
    assert ask(lab, "train", "another-key", **race()) != first
    assert len(lab.runs()) == 6


def test_a_step_that_is_asked_for_twice_is_one_step(lab, run_id, no_worker):
    ask(lab, "step", KEY, target=run_id)
    lab.record_epoch(run_id, 0, {})
    lab.record_epoch(run_id, 1, {})
    ask(lab, "step", KEY, target=run_id)
    assert lab.run(run_id).run_until == 1


def test_a_key_serves_for_one_thing_only(lab, run_id, no_worker):
    ask(lab, "pause", KEY, target=run_id)
    for verb, target in (("stop", run_id), ("pause", lab.run(run_id).group_id)):
        status, sentence = refusal(lab, verb, KEY, target=target)
        assert status == 422 and "something else" in sentence
    assert not lab.run(run_id).stop


@pytest.mark.parametrize("key", ["", "short", "x" * 65, "with spaces", "ümlaut-key", "line\nbreak", "trailing-\n"])
def test_a_key_that_is_none_is_refused(lab, run_id, key):
    status, sentence = refusal(lab, "stop", key, target=run_id)
    assert status == 422 and "8 to 64" in sentence
    assert not lab.run(run_id).stop


def test_what_the_lab_refused_can_be_asked_again_under_the_same_key(lab, run_id):
    assert refusal(lab, "delete", KEY, runs=[run_id])[0] == 422
    lab.record_state(run_id, "finished")
    assert ask(lab, "delete", KEY, runs=[run_id]) is None
    assert ask(lab, "delete", KEY, runs=[run_id]) is None


def test_what_a_killed_server_had_begun_is_not_begun_again(lab):
    program = f"""
import os, signal, app.verbs
from pathlib import Path
from bcl_core.lab import Lab
app.verbs.ensure_worker = lambda lab: os.kill(os.getpid(), signal.SIGKILL)
app.verbs.do(Lab(Path({str(lab.home)!r})), "train", {race()!r}, role="owner", key={KEY!r})
"""
    assert subprocess.run([sys.executable, "-c", program]).returncode == -signal.SIGKILL
    status, sentence = refusal(lab, "train", KEY, **race())
    assert status == 409 and "broke off" in sentence
    assert len(lab.runs()) == 3


def test_what_a_killed_server_had_begun_and_adds_nothing_is_done_under_the_same_key(lab, run_id):
    program = f"""
import os, signal
from pathlib import Path
from app.verbs import do
from bcl_core.lab import Lab
Lab.rename = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
do(Lab(Path({str(lab.home)!r})), "rename", {{"run": {run_id!r}, "name": "after"}}, role="owner", key={KEY!r})
"""
    assert subprocess.run([sys.executable, "-c", program]).returncode == -signal.SIGKILL
    assert ask(lab, "rename", KEY, run=run_id, name="after") == {"name": "after"}
    assert lab.run(run_id).name == "after" and not [*(lab.home / "deeds").iterdir()]


def test_what_broke_off_is_said_and_done_again_unless_it_would_add_to_what_was_done(lab, run_id, monkeypatch):
    def fail(*_: object) -> None:
        raise OSError("the wires are cut")

    for verb in ("stop", "step"):
        with monkeypatch.context() as cut:
            cut.setattr(Lab, verb, fail)
            status, sentence = refusal(lab, verb, f"{KEY}-{verb}", target=run_id)
        assert status == 500 and "the wires are cut" in sentence
    assert ask(lab, "stop", f"{KEY}-stop", target=run_id) is None and lab.run(run_id).stop
    status, sentence = refusal(lab, "step", f"{KEY}-step", target=run_id)
    assert status == 409 and "broke off" in sentence


def test_what_is_not_ended_yet_is_said_and_not_begun_twice(lab, run_id, monkeypatch):
    said = []
    monkeypatch.setattr(Lab, "stop", lambda *_: said.append(refusal(Lab(lab.home), "stop", KEY, target=run_id)))
    assert ask(lab, "stop", KEY, target=run_id) is None
    [(status, sentence)] = said
    assert status == 409 and "has not ended" in sentence


def test_of_many_who_ask_at_once_exactly_one_does_it(lab, no_worker):
    def one(_: int) -> object:
        try:
            return ask(Lab(lab.home), "train", KEY, **race())["group"]
        except Refused as refused:
            return refused.status

    with ThreadPoolExecutor(16) as many:
        answers = set(many.map(one, range(32)))
    [group] = {run.group_id for run in lab.runs()}
    assert len(lab.runs()) == 3
    assert group in answers and answers <= {group, 409}
    assert ask(lab, "train", KEY, **race())["group"] == group


def test_of_two_processes_exactly_one_does_it(lab):
    """Each queues the same forty groups under the same forty keys, in the same order."""
    program = f"""
import sys, app.verbs
from pathlib import Path
from app.verbs import Refused, do
from bcl_core.lab import Lab
app.verbs.ensure_worker = lambda lab: None
lab = Lab(Path({str(lab.home)!r}))
race = {{"name": "race", "runs": [{{"name": "run", "recipe": {{}}}}]}}
print("ready", flush=True)
sys.stdin.readline()
for i in range(40):
    try:
        do(lab, "train", race, role="owner", key=f"key-{{i:04}}")
    except Refused as refused:
        assert refused.status == 409, refused
"""
    both = [
        subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in both:
        assert process.stdout.readline() == "ready\n"
    for process in both:
        process.stdin.write("\n")
        process.stdin.flush()
    for process in both:
        process.communicate()
        assert process.returncode == 0
    assert len(lab.runs()) == 40


def test_a_key_is_forgotten_after_a_week(lab, run_id):
    ask(lab, "pause", KEY, target=run_id)
    lab._database.change("UPDATE deeds SET entered = ?", time.time() - KEYS_KEPT_SECONDS - 1)
    assert is_free(lab)


def test_a_lab_that_had_no_keys_gets_them_when_it_is_opened(lab):
    with sqlite3.connect(lab.home / "lab.sqlite") as db:
        db.execute("DROP TABLE deeds")
    assert is_free(Lab(lab.home))


def test_every_answer_is_one_that_json_can_hold(lab, run_id, no_worker):
    answers = [
        ask(lab, "train", **race()),
        ask(lab, "train-on", run="digits-bcl"),
        ask(lab, "pause", target=run_id),
        ask(lab, "stop-worker"),
    ]
    assert json.loads(json.dumps(answers)) == answers


def test_a_look_reads_the_data_and_measures_a_step(lab, jobs_at_once):
    key = ask(lab, "look", recipe={"epochs": 3}, execution={"threads": 1})["job"]
    job = jobs.look(lab, key)
    assert job.state == "done", job.error
    assert len(json.loads((job.folder / "preview.json").read_text())["train_counts"]) == 10
    assert json.loads((job.folder / "cost.json").read_text())["step_seconds"] > 0
    assert {"samples.png", "views.png"} <= {file.name for file in job.folder.iterdir()}
