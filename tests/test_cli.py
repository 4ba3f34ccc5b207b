"""The command line: what it prints, what it leaves, and exit code 2 with a sentence for what is wrong."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from bcl_core.cli import _parser, main
from bcl_core.cli.settings import what_to_train
from bcl_core.lab import GroupPlan, Lab, LabError, read
from bcl_core.lab.names import proper_name
from bcl_core.lab.shelf import shelf_home
from tests.conftest import small
from tests.data.small_images import save


def call(*arguments, home):
    """The command line as a shell calls it."""
    return subprocess.run(
        [sys.executable, "-m", "bcl_core", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "BCL_LAB_HOME": str(home)},
        check=False,
    )


@pytest.fixture
def cli(tmp_path, capsys):
    """The same in this process, which has imported torch already: (exit code, stdout, stderr)."""
    Lab(tmp_path)

    def run(*arguments):
        with pytest.raises(SystemExit) as end:
            main(["--home", str(tmp_path), *arguments])
        return end.value.code or 0, *capsys.readouterr()

    return run


SHORT = ("--set", "epochs=1", "--set", "data.test_per_class=10", "--set", "threads=1")


@pytest.mark.slow
def test_train_prints_an_epoch_a_line_and_leaves_a_run_that_the_app_opens(tmp_path, cli):
    done = call("train", "--preset", "digits-bcl-class", "--seed", "3", "--json", *SHORT, home=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["epoch"] for row in rows] == [0, 1]
    for key in (
        "run",
        "loss",
        "accuracy",
        "accuracy_per_class",
        "angle_mean",
        "angle_tail_tail",
        "angle_rms_deviation",
    ):
        assert key in rows[-1]
    run = Lab(tmp_path).run(rows[0]["run"])
    assert (run.state, run.epoch, run.recipe.seed) == ("finished", 1, 3)
    assert Lab(tmp_path).metrics(run.id)[-1]["accuracy"] == rows[-1]["accuracy"]
    assert Lab(tmp_path).folder(run.id).epochs() == [0, 1]
    _, again, _ = cli("train", "--recipe", str(tmp_path / "runs" / run.id / "recipe.json"), *SHORT)
    assert "epoch   1/1" in again


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("train", "--preset", "digits-blc"), "digits-bcl"),
        (("train", "--preset", "digits-bcl", "--set", "epochs"), "KEY=VALUE"),
        (("train", "--preset", "digits-bcl", "--set", "epochs=0"), "epochs"),
        (("train", "--preset", "digits-bcl", "--set", "nonsense=1"), "no setting"),
        (("train", "--preset", "own-images-bcl"), "data.path"),
        (("train", "--preset", "own-images-bcl", "--set", "data.path=/nowhere"), "no folder /nowhere"),
        (("train", "--recipe", "/nowhere.json"), "cannot be read"),
        (("train", "--recipe", str(shelf_home() / "digits-bcl" / "sprite.png")), "no recipe: expected JSON"),
        (("pause", "261111-0000000000"), "no run or group"),
        (("delete", "261111-0000000000"), "no run"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_exit_code_2(cli, arguments, words):
    code, _, errors = cli(*arguments)
    assert code == 2
    assert words in errors
    assert len(errors.strip().splitlines()) == 1


def test_what_is_called_after_a_file_has_as_much_of_its_name_as_a_name_holds(tmp_path):
    file = tmp_path / f"{'a' * 90}.json"
    file.write_text(small("digits-bcl", epochs=1).model_dump_json())
    arguments = _parser().parse_args(["train", "--recipe", str(file)])
    assert proper_name(what_to_train(arguments).name) == f"{'a' * 60}, seed 0"


def test_a_run_is_called_by_what_was_set_the_loss_first():
    settings = ("--set", "epochs=5", "--set", "loss.name=ntce", "--set", "threads=1", "--set", "seed=3")
    arguments = _parser().parse_args(["train", "--preset", "digits-bcl", *settings])
    assert what_to_train(arguments).name == "digits-bcl, loss.name=ntce, epochs=5, seed 3"
    arguments = _parser().parse_args(["train", "--preset", "digits-bcl", *settings, "--seed=2147483647"])
    arguments.set += ["optimiser.weight_decay=0.00051234", "data.imbalance_factor=50"]
    assert proper_name(what_to_train(arguments).name).endswith("…, seed 2147483647")


@pytest.mark.parametrize(
    ("typed", "meant"), [("loss.temprature", "loss.temperature"), ("lr", "optimiser.lr"), ("epocs", "epochs")]
)
def test_a_mistyped_setting_is_met_with_the_one_that_may_be_meant(cli, typed, meant):
    code, _, errors = cli("train", "--preset", "digits-bcl", "--set", f"{typed}=1")
    assert (code, errors) == (2, f"bcl_core: there is no setting '{typed}'; did you mean {meant}?\n")


def test_a_recording_whose_process_has_died_is_listed_as_stopped(tmp_path, cli):
    script = "import os, numpy; from bcl_core.lab import Recorder\n"
    script += "Recorder('m', [0, 0, 1, 1]).epoch(numpy.eye(4)); os._exit(1)"
    environment = {**os.environ, "BCL_LAB_HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", script], env=environment, check=False)
    assert [run.state for run in Lab(tmp_path).runs()] == ["running"]
    assert "  stopped " in cli("runs")[1]


def test_a_shell_sees_the_exit_code_and_no_traceback(tmp_path):
    Lab(tmp_path)
    done = call("pause", "261111-0000000000", home=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "bcl_core: there is no run or group '261111-0000000000'; it may have been deleted\n"


def test_who_reads_only_the_first_lines_sees_no_traceback(tmp_path):
    Lab(tmp_path)
    command = [sys.executable, "-u", "-m", "bcl_core", "--home", str(tmp_path), "runs", "--shelf"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.readline().startswith(b"digits-")
    process.stdout.close()
    assert (process.wait(timeout=60), process.stderr.read()) == (0, b"")


def test_a_run_that_could_not_start_is_kept_as_failed_with_its_reason(tmp_path, cli):
    for name in ("cats", "dogs"):
        save(tmp_path / "photos" / name / "one.png", 0)
    cli("train", "--preset", "own-images-bcl", "--set", f"data.path={tmp_path / 'photos'}")
    [run] = Lab(tmp_path).runs()
    assert run.state == "failed" and "it needs 2" in (run.error or "")


@pytest.mark.parametrize("setting", ["data.path=/nowhere", "model.start=261111-0000000000"])
def test_a_typo_leaves_no_failed_run(tmp_path, cli, setting):
    for name in ("cats", "dogs"):
        save(tmp_path / "photos" / name / "one.png", 0)
    settings = ("--set", f"data.path={tmp_path / 'photos'}", "--set", setting)
    assert cli("train", "--preset", "own-images-bcl", *settings)[0] == 2
    assert not Lab(tmp_path).runs()


@pytest.mark.parametrize(
    "command",
    [
        ["runs"],
        ["runs", "show", "digits-bcl"],
        ["compare", "digits-scl", "digits-bcl"],
        ["export", "digits-bcl", "a.zip"],
        ["evaluate", "digits-bcl"],
        ["pause", "digits-bcl"],
    ],
    ids=" ".join,
)
def test_who_only_reads_makes_no_lab_of_a_mistyped_folder(tmp_path, capsys, monkeypatch, command):
    home = tmp_path / "typo"
    monkeypatch.setenv("BCL_LAB_HOME", str(home))
    for named in (["--home", str(home)], []):
        with pytest.raises(SystemExit) as end:
            main([*named, *command])
        said = capsys.readouterr().err
        assert end.value.code == 2 and said.startswith(f"bcl_core: there is no lab in {home}: ")
        assert said.count("\n") == 1 and not home.exists()
    with pytest.raises(LabError, match="there is no lab in"):
        read("digits-bcl", home)


@pytest.mark.parametrize(
    "mistyped", [["--preset", "digits-BCL"], ["--preset", "digits-bcl", "--set", "epocs=2"], ["--run", "x"]]
)
def test_what_is_mistyped_begins_no_lab(tmp_path, capsys, mistyped):
    with pytest.raises(SystemExit) as end:
        main(["--home", str(tmp_path / "typo"), "train", *mistyped])
    assert end.value.code == 2 and "makes a new lab" not in capsys.readouterr().err
    assert not (tmp_path / "typo").exists()


@pytest.mark.parametrize("command", ["record", "import"])
@pytest.mark.parametrize("holds", [{}, {"embeddings": [[1, 0]] * 3}, {"embeddings": [[1, 0]] * 3, "labels": [1, 2, 3]}])
def test_a_file_that_is_refused_begins_no_lab(tmp_path, capsys, command, holds):
    file = tmp_path / "z.npz"
    if holds:
        np.savez(file, **holds)
    with pytest.raises(SystemExit) as end:
        main(["--home", str(tmp_path / "typo"), command, str(file)])
    assert end.value.code == 2 and capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "typo").exists()


def test_a_file_that_is_recorded_begins_a_lab_and_says_where(tmp_path, capsys):
    np.savez(tmp_path / "z.npz", embeddings=np.eye(4), labels=[0, 0, 1, 1])
    with pytest.raises(SystemExit) as end:
        main(["--home", str(tmp_path / "new"), "record", str(tmp_path / "z.npz")])
    said = capsys.readouterr()
    assert not end.value.code and said.err == f"bcl_core: this makes a new lab in {tmp_path / 'new'}\n"
    [run] = Lab(tmp_path / "new").runs()
    assert said.out == f"run {run.id}: epoch 1\n"


def test_who_needs_no_lab_makes_none_and_who_makes_one_says_where(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BCL_LAB_HOME", raising=False)
    for arguments in (["settings"], ["bench", "--set", "data.path=x"], ["site", __file__]):
        with pytest.raises(SystemExit):
            main(arguments)
    assert not (tmp_path / "lab").exists()
    new = f"bcl_core: this makes a new lab in {tmp_path / 'lab'}\n"
    for expected in (new, ""):
        capsys.readouterr()
        with pytest.raises(SystemExit):
            main(["runs", "--shelf"])
        assert capsys.readouterr().err == expected


def test_runs_are_listed_and_deleted(tmp_path, cli):
    lab = Lab(tmp_path)
    [run_id] = lab.enqueue(GroupPlan("race", [("my run", small())]))
    assert run_id in cli("runs")[1]
    assert "stop it first" in cli("delete", run_id)[2]
    lab.record_state(run_id, "finished")
    assert cli("delete", run_id)[0] == 0
    assert cli("runs")[1] == ""
    assert run_id in cli("runs", "--deleted")[1]
    assert "was deleted and can be restored" in cli("stop", run_id)[2]
    assert cli("restore", run_id)[0] == 0
    assert run_id in cli("runs")[1]
    assert "is not deleted" in cli("purge", run_id)[2]
    assert json.loads(cli("delete", run_id, "--json")[1]) == {"done": "delete", "runs": [run_id]}
    assert cli("purge", run_id)[0] == 0
    assert cli("runs", "--deleted")[1] == "" and "no run" in cli("restore", run_id)[2]


def test_every_command_prints_objects_if_asked_but_those_that_the_app_calls():
    [commands] = [action for action in _parser()._actions if action.choices]
    without = {name for name, parser in commands.choices.items() if "--json" not in parser.format_help()}
    assert without == {"app", "project", "preview"}


def test_the_command_line_imports_no_torch_to_list_runs(tmp_path):
    code = (
        "import sys\nfrom bcl_core.cli import main\ntry: main(['runs'])\nexcept SystemExit: pass\n"
        "assert 'torch' not in sys.modules"
    )
    Lab(tmp_path)
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "BCL_LAB_HOME": str(tmp_path)})


@pytest.mark.slow
def test_a_run_paused_and_resumed_from_elsewhere_is_shown_as_running(tmp_path):
    command = [sys.executable, "-m", "bcl_core", "train", "--preset", "digits-scl", "--set", "epochs=500", *SHORT[2:]]
    environment = {**os.environ, "BCL_LAB_HOME": str(tmp_path)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    lab = Lab(tmp_path)

    def until(state):
        end = time.monotonic() + 60
        while not (lab.runs() and lab.runs()[0].state == state and lab.runs()[0].epoch is not None):
            assert time.monotonic() < end, f"it never was {state}"
            time.sleep(0.05)

    try:
        until("running")
        lab.pause(lab.runs()[0].id)
        until("paused")
        lab.resume(lab.runs()[0].id)
        until("running")
        lab.stop(lab.runs()[0].id)
        until("stopped")
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ask", "code"),
    [(lambda lab, run_id, _: lab.stop(run_id), 0), (lambda _, __, process: process.send_signal(signal.SIGINT), 130)],
    ids=["stop", "Ctrl-C"],
)
def test_training_held_up_by_a_dead_drive_stops_when_asked(lab, on_a_dead_drive, ask, code):
    command = [sys.executable, "-m", "bcl_core", "train", "--run", on_a_dead_drive]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # a shell's background ignores it
    )
    try:
        assert process.stdout.readline().startswith(b"run ")
        end = time.monotonic() + 60
        while lab.run(on_a_dead_drive).state != "running":
            assert time.monotonic() < end, "it never began"
            time.sleep(0.05)
        ask(lab, on_a_dead_drive, process)
        assert process.wait(timeout=30) == code
        assert lab.run(on_a_dead_drive).state == "stopped"
    finally:
        process.kill()
        process.communicate()


def test_site_refuses_a_folder_that_holds_something_or_cannot_be_one(tmp_path, cli):
    (tmp_path / "kept.txt").write_text("mine")
    for folder, why in (
        (tmp_path, "is not empty"),
        (tmp_path / "kept.txt", "is a file"),
        (tmp_path / "kept.txt" / "a", "cannot be written"),
    ):
        code, out, error = cli("site", str(folder))
        assert (code, out) == (2, "") and why in error and "name a" in error and error.count("\n") == 1
