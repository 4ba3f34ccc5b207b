"""Side jobs over HTTP: a verb starts one, its key says how it stands and fetches what it has made, and nothing else."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load

from app.routes.jobs import FILES, JobState
from app.verbs import Refused, do
from bcl_core.lab import Lab, jobs
from bcl_core.lab.projecting import project
from harness.made_runs import make_runs
from tests.routes.serving import Get, served
from tests.routes.test_contract import check

DIGITS = {"recipe": {"epochs": 3}}


class Jobs:
    """Started jobs, which do nothing until they are told to end."""

    def __init__(self) -> None:
        self.started: list[tuple[Path, Sequence[str]]] = []

    def spawn(self, _: Lab, folder: Path, arguments: Sequence[str]) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "stdout").write_text("")
        (folder / "exit_code").unlink(missing_ok=True)
        self.started.append((folder, arguments))

    def end(self, code: int = 0, stderr: str = "", **files: bytes) -> None:
        folder = self.started[-1][0]
        for name, content in files.items():
            (folder / name.replace("_", ".")).write_bytes(content)
        (folder / "stderr").write_text(stderr)
        (folder / "exit_code").write_text(str(code))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Jobs:
    made = Jobs()
    monkeypatch.setattr(jobs, "_spawn", made.spawn)
    return made


@pytest.fixture
def get(lab: Lab) -> Iterator[Get]:
    with served(lambda: lab) as ask:
        yield ask


@pytest.fixture
def ask(lab: Lab) -> Callable[..., Any]:
    return lambda verb, **arguments: do(lab, verb, arguments, role="owner")


def test_a_look_is_started_once_and_told_how_it_stands(get: Get, ask, made: Jobs) -> None:
    key = ask("look", **DIGITS)["job"]
    assert ask("look", **DIGITS, execution={}, image=None)["job"] == key
    [(folder, arguments)] = made.started
    assert list(arguments) == ["preview", str(folder)]
    request = json.loads((folder / "request.json").read_text())
    assert request["recipe"]["epochs"] == 3 and request["image"] is None
    assert ask("look", **DIGITS, image=4)["job"] != key
    assert json.loads((made.started[1][0] / "request.json").read_text())["image"] == 4


def test_the_state_of_a_job_has_its_shape_and_a_browser_keeps_it_while_it_is_the_same(get: Get, ask, made) -> None:
    key = ask("look", **DIGITS)["job"]
    made.end(2, "bcl_core: there is no folder /nowhere")
    answer = get(f"jobs/{key}")
    check(answer.document, JobState)
    assert answer.document == {"state": "failed", "progress": "", "error": "there is no folder /nowhere"}
    assert get(f"jobs/{key}", if_none_match=answer.headers["etag"]).status == 304
    assert get("jobs/preview-never-started").document["state"] == "unknown"


def test_one_that_ended_is_left_as_it_is_unless_it_is_to_look_again(get: Get, ask, made: Jobs) -> None:
    key = ask("look", **DIGITS)["job"]
    made.end(1)
    ask("look", **DIGITS)
    assert len(made.started) == 1 and get(f"jobs/{key}").document["state"] == "failed"
    assert ask("look", **DIGITS, again=True) == {"job": key}
    assert len(made.started) == 2
    made.end(0)
    assert get(f"jobs/{key}").document["state"] == "done"


def test_where_two_run_a_third_stays_unknown_until_it_is_asked_for_later(get: Get, ask, made, monkeypatch) -> None:
    monkeypatch.setattr(jobs, "AT_ONCE", 0)
    key = ask("look", **DIGITS)["job"]
    assert get(f"jobs/{key}").document["state"] == "unknown" and not made.started
    monkeypatch.setattr(jobs, "AT_ONCE", 2)
    assert ask("look", **DIGITS)["job"] == key and len(made.started) == 1


def test_files_of_a_job_are_fetched_by_name_and_asked_for_anew_each_time(get: Get, ask, made: Jobs) -> None:
    key = ask("look", **DIGITS)["job"]
    assert "has made no cost.json yet" in get(f"jobs/{key}/cost.json").error
    made.end(preview_json=b'{"a": 1}', views_png=b"\x89PNG")
    for name, content in (("preview.json", b'{"a": 1}'), ("views.png", b"\x89PNG")):
        kind = FILES[name]
        answer = get(f"jobs/{key}/{name}")
        assert (answer.status, answer.content) == (200, content)
        assert answer.headers["content-type"] == kind and answer.headers["cache-control"] == "no-cache"
        assert get(f"jobs/{key}/{name}", if_none_match=answer.headers["etag"]).status == 304
    ask("look", **DIGITS, again=True)
    made.end(preview_json=b'{"a": 2}')
    assert get(f"jobs/{key}/preview.json").content == b'{"a": 2}'


@pytest.mark.parametrize(
    "path", ["request.json", "stdout", "stderr", "lock", "..%2f..%2flab.sqlite", "preview.json%00", "a/b", ""]
)
def test_nothing_else_of_a_job_is_fetched(get: Get, ask, made: Jobs, path: str) -> None:
    key = ask("look", **DIGITS)["job"]
    answer = get(f"jobs/{key}/{path}")
    assert answer.status == 404 and len(answer.error) > 10


@pytest.mark.parametrize("key", ["short", "..", "UPPER-CASE-KEY", "a" * 81, "..%2f..%2fruns", "preview-%00000000"])
def test_a_key_that_is_none_is_said(get: Get, lab: Lab, key: str) -> None:
    for path in (f"jobs/{key}", f"jobs/{key}/preview.json"):
        answer = get(path)
        assert answer.status == 404 and len(answer.error) > 10


def test_a_projection_is_fitted_by_a_job_and_served_for_good(get: Get, lab: Lab, ask, made: Jobs) -> None:
    [run] = make_runs(lab, ["bcl"], 2)
    address = f"runs/{run.id}/projection/{lab.rev(run.id)}/pca/2"
    assert "has not been fitted by PCA" in get(address).error
    key = ask("project", run=run.id, epoch=2, method="pca")["job"]
    assert get(f"jobs/{key}").document["state"] in ("failed", "running")
    assert list(made.started[0][1][:6]) == ["project", run.id, "--epoch", "2", "--method", "pca"]
    project(lab, run.id, 2, "pca")
    made.end()
    assert ask("project", run=run.id, epoch=2, method="pca") == {"job": key} and len(made.started) == 1
    answer = get(address)
    assert answer.headers["cache-control"].endswith("immutable")
    samples = lab.folder(run.id).arrays(lab.folder(run.id).samples)
    assert load(answer.content)["coordinates"].shape == (len(samples["labels"]), 2)
    assert get(address.replace("/pca/", "/tsne/")).status == get(address.replace("/1/", "/2/")).status == 404
    lab.folder(run.id).projection("pca", 2).unlink()
    ask("project", run=run.id, epoch=2, method="pca")
    assert len(made.started) == 2, "what it had made is gone, so it is made anew"


def test_runs_are_exported_by_a_job_and_handed_over_by_a_name_of_their_own(get: Get, lab: Lab, ask, made) -> None:
    run, other = make_runs(lab, ["bcl", "scl"], 1)
    lab.rename(run.id, "Größe /../ 1")
    key = ask("export", runs=[run.id])["job"]
    folder, arguments = made.started[0]
    assert list(arguments) == ["export", run.id, str(folder / "runs.zip")]
    assert "has made no runs.zip yet" in get(f"jobs/{key}/runs.zip").error
    made.end(runs_zip=b"PK of one")
    answer = get(f"jobs/{key}/runs.zip")
    assert (answer.content, answer.headers["content-type"]) == (b"PK of one", "application/zip")
    assert f"Gr%C3%B6%C3%9Fe-..-1-{run.id}.zip" in answer.headers["content-disposition"]
    assert ask("export", runs=[run.id]) == {"job": key} and len(made.started) == 1
    both = ask("export", runs=[run.id, other.id])["job"]
    made.end(runs_zip=b"PK of two")
    assert 'filename="2-runs.zip"' in get(f"jobs/{both}/runs.zip").headers["content-disposition"]
    (jobs.folder(lab, key) / "runs.zip").unlink()
    ask("export", runs=[run.id])
    assert len(made.started) == 3, "what it had made is gone, so it is made anew"


@pytest.mark.parametrize(
    ("verb", "arguments", "said"),
    [
        ("project", {"epoch": 99, "method": "pca"}, "embeddings of epoch 99 are not kept"),
        ("project", {"epoch": 1, "method": "tsne"}, "method"),
        ("project", {"epoch": -1, "method": "pca"}, "epoch"),
        ("look", {"recipe": {"epochs": 0}}, "epochs"),
        ("look", {"recipe": {}, "image": -1}, "image"),
        ("look", {"recipe": {"data": {"source": "folder"}}}, "needs the folder of the images"),
    ],
)
def test_what_cannot_be_asked_of_a_job_is_refused_in_words(lab: Lab, ask, made: Jobs, verb, arguments, said) -> None:
    if verb == "project":
        arguments = {"run": make_runs(lab, ["bcl"], 1)[0].id, **arguments}
    with pytest.raises(Refused, match=said) as refused:
        ask(verb, **arguments)
    assert refused.value.status == 422 and not made.started
