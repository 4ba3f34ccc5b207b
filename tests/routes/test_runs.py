"""What the lab answers over HTTP: immutable under a rev, from memory where it moves, and in words where it cannot."""

import json
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load

from bcl_core import geometry
from bcl_core.lab import Lab, LabError
from bcl_core.lab.pack import pack
from bcl_core.lab.pulse import LOOK_SECONDS, MOST_ROWS, Pulse
from harness.made_runs import MadeRun, make_runs
from tests.routes.serving import Get, served

LAST = 4
IMMUTABLE = "public, max-age=31536000, immutable"
WHOLE = f"from=0&to={LAST}&step=1"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab(tmp_path_factory.mktemp("routes") / "lab")


@pytest.fixture(scope="module")
def runs(lab: Lab) -> list[MadeRun]:
    return make_runs(lab, ["scl", "bcl"], LAST)


@pytest.fixture(scope="module")
def get(lab: Lab, runs: list[MadeRun]) -> Iterator[Get]:
    with served(lambda: lab) as ask:
        yield ask


@pytest.fixture
def run(runs: list[MadeRun]) -> str:
    return runs[0].id


def test_a_run_s_files_are_served_byte_for_byte_for_good_and_uncompressed(get: Get, lab: Lab, run: str) -> None:
    folder, rev = lab.folder(run), lab.rev(run)
    served = {
        f"samples/{rev}": folder.samples,
        f"predicted/{rev}": folder.predicted,
        f"sprite.png/{rev}": folder.sprite,
        f"view/{rev}/0": folder.view(0),
        f"embeddings/{rev}/{LAST}": folder.embeddings(LAST),
    }
    for path, file in served.items():
        answer = get(f"runs/{run}/{path}")
        assert (answer.status, answer.content) == (200, file.read_bytes()), path
        assert answer.headers["cache-control"] == IMMUTABLE
        assert answer.headers["content-encoding"] == "identity"
        assert answer.headers["content-type"] == ("image/png" if "png" in path else "application/octet-stream")


@pytest.mark.parametrize(
    "path",
    [
        *("view/1/99", "view/1/-1", "view/1/100000", "view/1/1e3", "view/1/%D9%A3", "view/1/", "view/1", "view/0/1"),
        *("recipe.json", "..%2f..%2flab.sqlite", "samples/0", "samples", "state"),
        *("history/1?from=0&to=99&step=1", "history/yesterday?from=0&to=1&step=1"),
    ],
)
def test_what_is_not_there_is_said_in_a_sentence_and_not_remembered(get: Get, run: str, path: str) -> None:
    answer = get(f"runs/{run}/{path}")
    assert answer.status in (404, 422)
    assert len(answer.error) > 10
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("what", ["about", "controls", "samples/1", "view/1/0", "history/1?from=0&to=1&step=1"])
@pytest.mark.parametrize("run_id", ["260101-0123456789", "..%2f", "A" * 300])
def test_an_unknown_run_is_said(get: Get, run_id: str, what: str) -> None:
    answer = get(f"runs/{run_id}/{what}")
    assert answer.status == 404 and "there is no" in answer.error


def test_a_view_can_be_fetched_once_it_is_written(get: Get, lab: Lab) -> None:
    [made] = make_runs(lab, ["bcl"], 1, name="grows")
    assert get(f"runs/{made.id}/view/1/2").status == 404
    made.epoch(2, of=2)
    assert get(f"runs/{made.id}/view/1/2").status == 200


def test_a_history_holds_every_curve_that_the_database_has(get: Get, lab: Lab, runs: list[MadeRun]) -> None:
    made = runs[1]
    answer = get(f"runs/{made.id}/history/{lab.rev(made.id)}?{WHOLE}")
    assert (answer.status, answer.headers["cache-control"]) == (200, IMMUTABLE)
    arrays, names = load(answer.content), names_in(answer.content)
    assert arrays["epochs"].tolist() == list(range(LAST + 1))
    for row in lab.metrics(made.id):
        for name, value in row.items():
            if name != "epoch" and not isinstance(value, list):
                there = arrays["scalars"][names.index(name), row["epoch"]]
                np.testing.assert_allclose(there, np.nan if value is None else value, rtol=1e-6, err_msg=name)
    view = made.folder.arrays(made.folder.view(LAST))
    np.testing.assert_array_equal(arrays["class_means"][-1], view["class_means"])
    assert arrays["scalars"][names.index("angle_tail_tail"), LAST] == pytest.approx(
        geometry.simplex_metrics(view["class_means"], made.samples.class_counts)["angle_tail_tail"], rel=1e-5
    )


def test_a_history_of_some_epochs_has_both_ends(get: Get, run: str) -> None:
    for query, expected in {
        "from=0&to=4&step=3": [0, 3, 4],
        "from=1&to=3&step=1": [1, 2, 3],
        "from=2&to=2&step=9": [2],
    }.items():
        assert load(get(f"runs/{run}/history/1?{query}").content)["epochs"].tolist() == expected


@pytest.mark.parametrize(
    "query", ["", "from=0", "from=3&to=1&step=1", "from=0&to=4&step=0", "from=a&to=4&step=1", "from=0&to=-4&step=1"]
)
def test_a_history_of_nonsense_is_refused(get: Get, run: str, query: str) -> None:
    assert get(f"runs/{run}/history/1?{query}").status == 422


def test_the_pulse_tells_how_far_runs_are_and_what_their_curves_have_gained(get: Get, runs: list[MadeRun]) -> None:
    ids = [made.id for made in runs]
    told = get(f"pulse?runs={','.join(ids)}&since=2").document["runs"]
    assert list(told) == ids
    for made in runs:
        one = told[made.id]
        assert (one["state"], one["rev"], one["epochs"], one["planned"]) == ("finished", "1", [[0, LAST, 1]], LAST)
        assert [row["epoch"] for row in one["rows"]] == [3, 4]
        recorded = made.lab.metrics(made.id)[-1]
        assert one["rows"][-1]["scalars"]["angle_mean"] == recorded["angle_mean"]
        assert not any(isinstance(value, list) for value in one["rows"][-1]["scalars"].values())


@pytest.mark.parametrize("query", ["", "since=3", "runs=", "runs=,,"])
def test_a_pulse_of_no_run_is_empty(get: Get, query: str) -> None:
    assert get(f"pulse?{query}").document["runs"] == {}


def test_unknown_runs_have_their_sentence_beside_those_that_are_there(get: Get, run: str) -> None:
    told = get(f"pulse?runs=260101-0123456789,{run},..%2f,%00&since={LAST + 1}").document["runs"]
    assert [one.get("state") for one in told.values()] == [None, "finished", None, None]
    assert "there is no run" in told["260101-0123456789"]["error"]
    assert told[run]["rows"] == []  # since is beyond the end


@pytest.mark.parametrize("query", [f"runs={','.join(f'unknown-{i}' for i in range(1000))}", "since=x", "since=1.5"])
def test_a_pulse_of_nonsense_is_refused_in_words(get: Get, query: str) -> None:
    answer = get(f"pulse?{query}")
    assert answer.status == 422 and len(answer.error) > 10


@pytest.mark.parametrize("path", ["pulse?runs={run}", "runs/{run}/about", "runs/{run}/controls"])
def test_where_nothing_has_changed_nothing_is_sent(get: Get, run: str, path: str) -> None:
    first = get(path.format(run=run))
    assert first.headers["cache-control"] == "no-cache"
    again = get(path.format(run=run), If_None_Match=first.headers["etag"])
    assert (again.status, again.content) == (304, b"")


def test_about_tells_what_no_epoch_changes(get: Get, runs: list[MadeRun]) -> None:
    made = runs[1]
    told = get(f"runs/{made.id}/about").document
    assert (told["variant"], told["planned"], told["faults"], told["siblings"]) == ("bcl", LAST, {}, [])
    classes, counts = told["classes"], made.samples.class_counts
    assert classes["counts"] == counts.tolist()
    head, tail = geometry.head_and_tail(counts)
    assert classes["groups"] == {"head": head.tolist(), "medium": [3, 4, 5, 6], "tail": tail.tolist()}
    assert classes["regular"] == geometry.simplex_angle(10)
    predicted = made.folder.arrays(made.folder.predicted)["class_means"]
    assert classes["predicted"]["tail"] == geometry.simplex_metrics(predicted, counts)["angle_tail_tail"]
    np.testing.assert_allclose(
        geometry.pairwise_angles(classes["predicted"]["coordinates"]), geometry.pairwise_angles(predicted), atol=0.5
    )


def test_runs_that_differ_in_the_seed_alone_know_each_other(get: Get, lab: Lab) -> None:
    from bcl_core.lab import GroupPlan
    from harness.made_runs import recipe_of

    recipes = [recipe_of("bcl", 1).model_copy(update={"seed": seed}) for seed in (0, 1)] + [recipe_of("scl", 1)]
    ids = lab.enqueue(GroupPlan("seeds", [("one", recipe) for recipe in recipes]))
    for run_id in ids:
        made = MadeRun(lab, run_id)
        made.begin()
        made.epoch(0, of=1)
    siblings = [get(f"runs/{run_id}/about").document["siblings"] for run_id in ids]
    assert siblings == [[ids[1]], [ids[0]], []]


def test_a_run_that_waits_is_told_what_is_before_it(get: Get, lab: Lab) -> None:
    from bcl_core.lab import GroupPlan
    from harness.made_runs import recipe_of

    before = [run.id for run in lab.active_runs()]
    for run_id in before:
        lab.record_state(run_id, "stopped")
    [first], [second] = (lab.enqueue(GroupPlan(name, [(name, recipe_of("bcl", 3))])) for name in ("first", "second"))
    lab.record_state(first, "running")
    lab.record_progress(first, 0.25, 30)
    told = get(f"pulse?runs={first},{second}").document["runs"]
    assert (told[first]["queue"], told[first]["seconds_left"]) == (None, 90)
    assert told[second]["queue"] == {"races": 1, "seconds": 90}
    assert told[second]["rows"] == [] and told[second]["epochs"] == []


def test_more_epochs_than_a_pulse_tells_are_left_to_the_history(get: Get, lab: Lab) -> None:
    [made] = make_runs(lab, ["bcl"], 1, name="long", per_class=2)
    for number in range(2, MOST_ROWS + 3):
        lab.record_epoch(made.id, number, {"loss": 1.0})
    rows = lambda since: get(f"pulse?runs={made.id}&since={since}").document["runs"][made.id]["rows"]  # noqa: E731
    assert rows(1) == []
    assert [row["epoch"] for row in rows(2)] == list(range(3, MOST_ROWS + 3))
    assert rows(2)[0]["class_means"] is None  # there is no view of it


def test_a_lab_that_cannot_be_opened_is_said_by_every_route() -> None:
    def lab_of() -> Lab:
        raise LabError("the lab was made by a newer version")

    with served(lab_of) as get:
        for path in ("pulse?runs=digits-bcl", "runs/digits-bcl/about", "runs/digits-bcl/view/1/0"):
            answer = get(path)
            assert (answer.status, answer.error) == (503, "the lab was made by a newer version")


@pytest.mark.parametrize("damage", ["flipped", "truncated", "missing"])
@pytest.mark.parametrize("file", ["samples", "predicted", "sprite.png", "view/{rev}/2", "embeddings/{rev}/2"])
def test_damage_is_told_by_name_and_siblings_go_on(tmp_path: Path, file: str, damage: str) -> None:
    lab = Lab(tmp_path)
    broken, whole = make_runs(lab, ["scl", "bcl"], 2)
    folder = broken.folder
    of = {"samples": folder.samples, "predicted": folder.predicted, "sprite.png": folder.sprite}
    path = of.get(file) or (folder.view(2) if "view" in file else folder.embeddings(2))
    break_file(path, damage)
    address = file.format(rev=1) if "{rev}" in file else f"{file}/1"
    with served(lambda: lab) as get:
        answer = get(f"runs/{broken.id}/{address}")
        assert answer.status == 404 and answer.headers["cache-control"] == "no-store"
        assert path.name in answer.error and ("missing" if damage == "missing" else "damaged") in answer.error
        assert get(f"runs/{whole.id}/{address}").status == 200
        told = get(f"runs/{broken.id}/about").document
        assert list(told["faults"]) == ([file] if file == "samples" or (file, damage) in PREDICTED_FAULTS else [])
        history = get(f"runs/{broken.id}/history/1?from=0&to=2&step=1")
        assert history.status == 200
        faults = json.loads(metadata_of(history.content)["faults"])
        assert list(faults) == (["2"] if "view" in file else [])
        assert history.headers["cache-control"] == (
            "no-store" if faults or file == "samples" else IMMUTABLE  # it may be mended
        )
        assert get(f"pulse?runs={broken.id},{whole.id}&since=1").document["runs"][broken.id]["rows"]


PREDICTED_FAULTS = [("predicted", "flipped"), ("predicted", "truncated")]  # many runs have none at all


@pytest.mark.parametrize("size", [0, 4, 8, 60])
@pytest.mark.parametrize("file", ["view/1/1", "samples/1", "history/1?from=0&to=1&step=1"])
def test_a_file_that_is_empty_or_zeros_as_after_a_power_cut_is_not_served(tmp_path: Path, file: str, size: int) -> None:
    lab = Lab(tmp_path)
    [made] = make_runs(lab, ["bcl"], 1)
    folder = made.folder
    if "history" in file:
        lab.record_state(made.id, "finished")
        pack(lab, made.id)
    path = {"v": folder.view(1), "s": folder.samples, "h": folder.history}[file[0]]
    whole = path.read_bytes()
    for content in (whole[:size], bytes(len(whole)), whole[:7] + bytes([whole[7] ^ 0x80]) + whole[8:]):
        path.write_bytes(content)
        with served(lambda: lab) as get:
            answer = get(f"runs/{made.id}/{file}")
            if "history" in file:  # it can be made anew
                assert answer.status == 200 and load(answer.content)["epochs"].tolist() == [0, 1]
            else:
                assert (answer.status, answer.headers["cache-control"]) == (404, "no-store")
                assert path.name in answer.error and "damaged" in answer.error


def test_a_database_that_breaks_under_the_server_is_said_in_words_and_mended_it_goes_on(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    [made] = make_runs(lab, ["bcl"], 1)
    paths = (f"pulse?runs={made.id}", f"runs/{made.id}/about", f"runs/{made.id}/view/1/1")
    with served(lambda: lab) as get:
        assert [get(path).status for path in paths] == [200] * 3
        lab._database.change("PRAGMA user_version=99")
        time.sleep(LOOK_SECONDS)
        for path in paths:
            answer = get(path)
            assert answer.status == 503 and "newer version" in answer.error
        with sqlite3.connect(tmp_path / "lab.sqlite") as database:
            database.execute("PRAGMA user_version=3")
        database.close()
        whole = (tmp_path / "lab.sqlite").read_bytes()
        (tmp_path / "lab.sqlite").write_bytes(bytes(range(256)) * 64)
        for path in paths:
            answer = get(path)
            assert answer.status == 503 and "database" in answer.error
        (tmp_path / "lab.sqlite").write_bytes(whole)
        assert [get(path).status for path in paths] == [200] * 3


def test_many_who_ask_for_runs_that_nobody_follows_share_a_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = Lab(tmp_path)
    looks: list[int] = []
    look = Pulse.look
    monkeypatch.setattr(Pulse, "look", lambda self, ids: (looks.append(1), look(self, ids))[1])
    with served(lambda: lab) as get, ThreadPoolExecutor(40) as viewers:
        get("pulse?runs=somebody")
        answers = viewers.map(lambda i: get(f"pulse?runs=newcomer-{i:03}"), range(40))
        assert all("there is no run" in next(iter(answer.document["runs"].values()))["error"] for answer in answers)
    assert len(looks) < 20


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    gone, whole = make_runs(lab, ["scl", "bcl"], 1)
    gone.folder.path.rename(tmp_path / "elsewhere")
    with served(lambda: lab) as get:
        assert "missing" in get(f"runs/{gone.id}/about").document["faults"]["folder"]
        assert "folder" in get(f"runs/{gone.id}/view/1/1").error
        assert get(f"runs/{whole.id}/about").document["faults"] == {}


def break_file(path: Path, damage: str) -> None:
    content = bytearray(path.read_bytes())
    if damage == "missing":
        path.unlink()
        return
    if damage == "flipped":
        for place in np.random.default_rng(0).integers(len(content) // 2, len(content), 40):
            content[place] ^= 0x40
    path.write_bytes(content if damage == "flipped" else content[: len(content) // 2])


def names_in(content: bytes) -> list[str]:
    names: list[str] = json.loads(metadata_of(content)["scalars"])
    return names


def metadata_of(content: bytes) -> dict[str, str]:
    header: dict[str, dict[str, str]] = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return header["__metadata__"]
