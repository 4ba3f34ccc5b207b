"""What the guides say is run, as it stands there."""

import contextlib
import html
import io
import json
import os
import pkgutil
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app import lessons
from bcl_core.cli import main
from bcl_core.recipe import all_settings
from tests.app import test_lessons
from tests.test_javascript import NODE

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
FENCE = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.DOTALL | re.MULTILINE)
PYTHON = ["tutorial", "how-to/own-loop", "how-to/scripts"]
REGISTERED = ["loss", "dataset", "view", "metric"]


def blocks(page):
    """The code of a page in order: (language, title or "", text)."""
    return FENCE.findall((DOCS / f"{page}.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PYTHON)
def test_python_of_a_guide_runs_and_prints_what_stands_below_it(page, lab, monkeypatch):
    monkeypatch.chdir(lab.home)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    names, found = {}, blocks(page)
    assert any(language == "python" for language, _, _ in found)
    for (language, _, code), (following, _, expected) in zip(found, [*found[1:], ("", "", "")], strict=True):
        if language == "python":
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(compile(code, f"{page}.md", "exec"), names)
            if following == "text":
                assert out.getvalue() == expected


def test_the_loop_of_the_guide_leaves_a_run(lab):
    [recording] = [code for language, _, code in blocks("how-to/own-loop") if "Recorder" in code]
    exec(recording, {})
    [run] = lab.runs()
    assert (run.name, run.state, run.epoch) == ("my model", "finished", 3)


@pytest.mark.slow
def test_what_the_guides_add_from_outside_trains_together(tmp_path):
    """A loss, a data set, views and a metric: each by its page's file, variable and command, all in one run."""
    variables, settings = {}, ["epochs=1", "threads=1", "data.test_per_class=10"]
    for page in REGISTERED:
        [(_, name, module)] = [block for block in blocks(f"how-to/{page}") if block[1]]
        (tmp_path / name).write_text(module)
        [shell] = [code for language, _, code in blocks(f"how-to/{page}") if language == "bash"]
        variables |= dict(re.findall(r'^export (BCL_LAB_\w+)="(.*)"$', shell, re.MULTILINE))
        [command] = re.findall(r"^bcl-lab train --preset digits-bcl\b.*$", shell, re.MULTILINE)
        settings += re.findall(r"--set (\S+)", command)
    assert len(variables) == len(REGISTERED) and len(settings) > 6
    places = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}", "BCL_LAB_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "bcl_core", "train", "--preset", "digits-bcl", "--json"]
    command += [f"--set={setting}" for setting in settings]
    done = subprocess.run(
        command, env={**os.environ, **variables, **places}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    last = json.loads(done.stdout.splitlines()[-1])
    assert 0 < last["evenness"] <= 1 and len(last["accuracy_per_class"]) == 4
    [recipe] = (tmp_path / "runs").glob("*/recipe.json")
    chosen = json.loads(recipe.read_text())
    assert (chosen["loss"]["name"], chosen["data"]["source"], chosen["views"]) == ("prototypical", "stripes", "dimmed")


LENS = """
globalThis.document = { createElement: () => ({ append() {}, appendChild: (child) => child, setAttribute() {} }) };
globalThis.matchMedia = () => ({ matches: false, addEventListener() {} });
const { Closest } = await import(process.argv[1]);
const { LENSES } = await import(process.argv[2]);
const taken = LENSES.map(({ key }) => key);
const run = { told: { label: "BCL" }, classes: { names: ["a", "b", "c"] } };
let part = null;
const content = { appendChild: (child) => child };
const lens = Object.assign(Object.create(Closest.prototype), {
  words: {},
  addColumns: (make) => (part = make(content, run)),
});
lens.build();
const snapshot = { epoch: 7, angles: () => [0, 90, 40.5, 90, 0, 120, 40.5, 120, 0] };
lens.drawn = () => [{ part, snapshot }];
lens.epoch();
console.log(JSON.stringify({ free: !taken.includes(Closest.key), said: part.line.textContent, rows: lens.rows() }));
"""


def test_the_lens_of_the_guide_finds_the_closest_classes(tmp_path):
    [(_, title, code)] = [block for block in blocks("how-to/lens") if block[1]]
    folder = (ROOT / title).parent
    assert folder.is_dir() and not (ROOT / title).exists()
    absolute = re.sub(r'from "(\.[^"]+)"', lambda found: f'from "{(folder / found[1]).resolve().as_uri()}"', code)
    (tmp_path / "closest.mjs").write_text(absolute)
    modules = [(tmp_path / "closest.mjs").as_uri(), (folder / "lenses.js").as_uri()]
    command = [NODE, "--input-type=module", "-e", LENS, *modules]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["free"] and found["said"] == "a and c: 40.5°"
    [row] = found["rows"]
    assert (row["class"], row["other class"], row["epoch"]) == ("a", "c", 7)
    [entry] = [code for language, title, code in blocks("how-to/lens") if "LENSES" in code and not title]
    listed = re.search(r"LENSES = \[(.*)\]", (folder / "lenses.js").read_text("utf-8"))[1]
    assert f"LENSES = [{listed}, Closest];" in entry


def test_the_lesson_of_the_guide_is_whole_and_its_numbers_are_right(tmp_path, monkeypatch):
    folder = tmp_path / "lessons"
    shutil.copytree(lessons.FOLDER, folder)
    files = {Path(title): json.loads(text) for _, title, text in blocks("how-to/lesson")}
    for file, content in files.items():
        place = folder / file.relative_to("app/lessons")
        assert place.parent.is_dir() and not place.exists()
        place.write_text(json.dumps(content))
    state = next(iter(files.values()))
    assert state["key"] not in test_lessons.STATES
    monkeypatch.setattr(lessons, "FOLDER", folder)
    monkeypatch.setattr(test_lessons, "STATES", {state["key"]: state})
    for name in state["numbers"]:
        test_lessons.test_a_number_is_what_its_source_says(state["key"], name)
    test_lessons.test_a_step_is_whole_in_every_language("en", state["key"], 0)


@pytest.mark.slow
def test_the_site_is_built_without_a_warning_and_lists_every_setting(tmp_path):
    """Pages in the menu, links, headings and docstrings: what is wrong with one is a warning, and ends the build."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "WARNING" not in done.stderr, done.stderr
    text = html.unescape((tmp_path / "site" / "reference" / "settings.html").read_text("utf-8"))
    rows = re.findall(r"<td><code>([\w.]+)</code></td>\s*<td>(.*)</td>\s*<td>(.*)</td>\s*<td>(.*)</td>", text)
    assert rows == [tuple(one) for one in all_settings()]


def test_every_setting_says_what_it_takes_where_it_stands_and_what_it_does(capsys):
    assert not [one.name for one in all_settings() if not all(one)]
    known = {one.name: one for one in all_settings()}
    for name, takes, default in (
        ("loss.temperature", "a number, at least 0.01, at most 10", "0.3"),
        ("loss.anchors", "instance, class", "instance"),
        ("data.max_per_class", "a whole number, at least 1, or none", "130"),
        ("optimiser.milestones", "whole numbers with commas between, or none", "none"),
        ("optimiser.nesterov", "true or false", "true"),
        ("data.path", "a path, or none", "none"),
    ):
        assert (known[name].takes, known[name].default) == (takes, default)
    with pytest.raises(SystemExit):
        main(["settings", "--json"])
    assert [json.loads(line)["name"] for line in capsys.readouterr().out.splitlines()] == list(known)


def test_the_members_that_the_reference_names_are_there():
    named = []
    for page in (DOCS / "reference").glob("*.md"):
        for path, options in re.findall(r"^::: (\S+)\n((?:    .*\n)*)", page.read_text("utf-8"), re.MULTILINE):
            listed = re.findall(r"^ {8,}- (\w+)$", options, re.MULTILINE)
            listed += re.findall(r"members: \[(.*)\]", options)[0].split(", ") if "members: [" in options else []
            named += [f"{path}.{member}" for member in listed]
    assert len(named) > 10
    for path in named:
        pkgutil.resolve_name(path)


def settings_told():
    """The variables that the table of settings names."""
    return re.findall(r"^\| `(BCL_LAB_\w+)` \|", (DOCS / "reference" / "settings.md").read_text("utf-8"), re.MULTILINE)


def test_the_table_of_settings_names_every_variable_that_the_code_reads():
    files = [file for house in ("app", "bcl_core") for end in ("py", "js") for file in (ROOT / house).rglob(f"*.{end}")]
    read = {name for file in files for name in re.findall(r"\bBCL_LAB_[A-Z]+(?:_[A-Z]+)*", file.read_text("utf-8"))}
    assert len(read) > 10 and sorted(settings_told()) == sorted(read)
