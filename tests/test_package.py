"""The wheel, built without a network and installed into a folder of its own, is all that anybody's code needs."""

import json
import os
import re
import subprocess
import sys
import urllib.request
from importlib.metadata import packages_distributions
from pathlib import Path

import numpy as np
import pytest

from bcl_core import installed
from bcl_core.cli import main
from bcl_core.lab import Lab
from harness.serving import free_port, wait_until_up

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
SHELVED = "digits-bcl"  # of the shelf, one run is enough here


def listed(name):
    """The distributions that a list of requirements names."""
    return set(re.findall(r"^[\w-]+", (ROOT / "requirements" / f"{name}.txt").read_text("utf-8"), re.MULTILINE))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the wheel in it, and nothing else."""
    tree, site = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("site")
    for entry in ROOT.iterdir():
        if entry.name != "pretrained" and (not entry.name.startswith(".") or entry.name == ".streamlit"):
            (tree / entry.name).symlink_to(entry)
    (tree / "pretrained").mkdir()
    (tree / "pretrained" / SHELVED).symlink_to(ROOT / "pretrained" / SHELVED)
    run = [sys.executable, "-m"]
    subprocess.run([*run, "hatchling", "build", "-t", "wheel", "-d", tree / "built"], cwd=tree, check=True)
    [wheel] = (tree / "built").glob("*.whl")
    options = ["--quiet", "--no-deps", "--no-index", "--no-compile", "--disable-pip-version-check"]
    subprocess.run([*run, "pip", "install", *options, "--target", site, wheel], check=True)
    return site


@pytest.fixture
def elsewhere(site, tmp_path):
    """How to start something in a folder that knows the wheel and not the checkout, and has its own package `app`."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__init__.py").write_text("raise SystemExit('this is not the app of BCL Lab')")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BCL_LAB")}
    return {"cwd": tmp_path, "env": {**kept, "PYTHONPATH": str(site), "BCL_LAB_WORKER": "off"}}


def output_of(command, elsewhere):
    done = subprocess.run(command, **elsewhere, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


RECORD = """
import sys
import bcl_core.geometry, bcl_core.losses, bcl_core.installed
print(bcl_core.__file__)
print(*{name.partition(".")[0] for name in sys.modules})
sys.path.insert(0, str(bcl_core.installed.house() / "examples"))
import record_own_loop
record_own_loop.main(epochs=2)
print(*{name.partition(".")[0] for name in sys.modules})
"""


def listed_among(modules):
    """Which of the listed distributions some modules belong to."""
    distributions = packages_distributions()
    loaded = {name for module in modules for name in distributions.get(module, ())}
    return loaded & (listed("core") | listed("train") | listed("app"))


@pytest.mark.slow
def test_losses_and_geometry_load_torch_and_numpy_alone_and_a_loop_of_the_examples_records_a_run(site, elsewhere):
    where, losses, _, recording = output_of([sys.executable, "-P", "-c", RECORD], elsewhere).splitlines()
    assert Path(where).is_relative_to(site)
    assert listed_among(losses.split()) == {"torch", "numpy"}
    assert listed_among(recording.split()) <= listed("core")
    printed = output_of([site / "bin" / "bcl-lab", "runs", "--json"], elsewhere)
    runs = [json.loads(line) for line in printed.splitlines()]
    assert [run["name"] for run in runs if run["epochs"] == 2] == ["my loop"]
    assert (elsewhere["cwd"] / "lab" / "lab.sqlite").is_file()


BARE = """
import sys
from bcl_core.installed import EXTRAS
sys.modules |= dict.fromkeys(sum(EXTRAS.values(), ()))  # none of them can be imported
from bcl_core.cli import main
main()
"""


@pytest.mark.slow
def test_where_no_extra_is_installed_the_command_reads_runs_and_says_what_training_and_the_app_lack(elsewhere):
    bare = [sys.executable, "-P", "-c", BARE]
    for command in (["settings"], ["runs", "--shelf"], ["runs", "show", SHELVED], ["export", SHELVED, "run.zip"]):
        assert output_of([*bare, *command], elsewhere)
    for command, lacking, extra in (
        (["app"], "streamlit", "app"),
        (["train", "--preset", SHELVED], "threadpoolctl", "train"),
    ):
        done = subprocess.run([*bare, *command], **elsewhere, capture_output=True, text=True, check=False)
        sentence = f"bcl_core: {lacking} is not installed: it comes with pip install 'bcl-lab[{extra}]'\n"
        assert (done.returncode, done.stderr) == (2, sentence)


@pytest.mark.slow
def test_the_app_comes_up_from_any_folder_with_its_shelf_its_documents_and_its_settings(site, elsewhere, tmp_path):
    port, log = free_port(), tmp_path / "log"
    elsewhere["env"]["STREAMLIT_SERVER_HEADLESS"] = "true"
    with log.open("wb") as output:
        command = [site / "bin" / "bcl-lab", "app", "--port", str(port)]
        process = subprocess.Popen(command, **elsewhere, stdout=output, stderr=output)
    try:
        wait_until_up(process, f"http://localhost:{port}/", log)
        with urllib.request.urlopen(f"http://localhost:{port}/bcl/v1/runs", timeout=20) as answer:
            assert [run["id"] for run in json.load(answer)["runs"]] == [SHELVED]
    finally:
        process.kill()
        process.wait()
    assert f"http://localhost:{port}" in log.read_text()  # streamlit/config.toml is read: not on all interfaces
    for name in ("theory.md", "reproduction.md", "geometry_study.png"):
        assert (site / "bcl_lab" / "docs" / name).is_file()
    assert {file.name for file in EXAMPLES.glob("*.py")} == {f.name for f in (site / "bcl_lab" / "examples").iterdir()}
    assert not (site / "app").exists() and (site / "bcl_core" / "py.typed").is_file()


@pytest.mark.slow
def test_lessons_are_written_as_files_which_say_what_runs_they_lack(site, elsewhere, tmp_path):
    command = [site / "bin" / "bcl-lab", "site", "--json", "lessons"]
    told = [json.loads(line) for line in output_of(command, elsewhere).splitlines()]
    lacking = {line["lacking"]: line["lessons"] for line in told if "lacking" in line}
    assert lacking["digits-scl"] == ["B", "D", "E", "F", "demo"] and SHELVED not in lacking
    sizes = {Path(line["written"]).name: line["bytes"] for line in told if "written" in line}
    assert sizes == {file.name: file.stat().st_size for file in (tmp_path / "lessons").iterdir()}
    assert {"index.html", "sphere.html"} <= sizes.keys() and sum(sizes.values()) < 12e6


@pytest.fixture
def no_pyarrow(monkeypatch):
    """A plain wheel has none; what of ours needs it is imported anew."""
    monkeypatch.delitem(sys.modules, "bcl_core.lab.record_parquet", raising=False)
    monkeypatch.setitem(sys.modules, "pyarrow", None)


@pytest.mark.usefixtures("no_pyarrow")
def test_arrays_of_numpy_are_recorded_without_pyarrow(tmp_path):
    draw = np.random.default_rng(0)
    embeddings, labels = draw.normal(size=(20, 3)), np.repeat([0, 1], 10)
    np.save(tmp_path / "z.npy", embeddings)
    np.save(tmp_path / "labels.npy", labels)
    np.savez(tmp_path / "both.npz", embeddings=embeddings, labels=labels)
    for name in ("z.npy", "both.npz"):
        with pytest.raises(SystemExit) as end:
            main(["--home", str(tmp_path), "record", str(tmp_path / name)])
        assert end.value.code == 0
    assert len(Lab(tmp_path).runs()) == 2


@pytest.mark.usefixtures("no_pyarrow")
def test_a_missing_extra_is_one_sentence_that_says_which_to_install(tmp_path, monkeypatch, capsys):
    (tmp_path / "arrays.parquet").write_bytes(b"PAR1")
    Lab(tmp_path)
    with pytest.raises(SystemExit) as end:
        main(["--home", str(tmp_path), "record", str(tmp_path / "arrays.parquet")])
    assert end.value.code == 2
    assert capsys.readouterr().err == "bcl_core: pyarrow is not installed: it comes with pip install 'bcl-lab[train]'\n"
    monkeypatch.setattr(installed, "find_spec", lambda module: None if module == "segno" else module)
    assert installed.lacking("train") is None
    assert installed.lacking("app") == "segno is not installed: it comes with pip install 'bcl-lab[app]'"


@pytest.mark.parametrize("extra", ["train", "app"])
def test_each_module_of_an_extra_is_known_by_the_name_it_is_imported_under(extra):
    distributions = packages_distributions()
    assert {name for module in installed.EXTRAS[extra] for name in distributions[module]} == listed(extra) - listed(
        "core"
    )
