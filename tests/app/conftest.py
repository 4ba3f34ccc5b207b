"""A lab with a race of three short runs, and the app on it without a browser."""

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from bcl_core.lab import GroupPlan, Lab
from bcl_core.recipe import RACES, DataPaths, Execution
from tests.conftest import small

MAIN = Path(__file__).parents[2] / "app" / "main.py"


def train_here(
    lab: Lab,
    name: str = "race",
    epochs: int = 2,
    presets: Sequence[str] = RACES["digits"].presets,
    path: Path | None = None,
    **settings: object,
) -> list[str]:
    """Queue the digits race, or other presets, and train them in this process."""
    from bcl_core.lab.recording import OpenRun  # imports torch, which a test of the web process must not see

    recipes = [small(preset, epochs=epochs, **settings) for preset in presets]
    execution = Execution(threads=1, data=DataPaths(path=path))
    ids = lab.enqueue(GroupPlan(name, [(recipe.title, recipe) for recipe in recipes]), execution)
    for run_id in ids:
        lock = lab.lock(run_id)
        assert lock is not None
        opened = OpenRun(lab, run_id, lock)
        while opened.advance(lambda: True):
            pass
    return ids


@pytest.fixture(scope="session")
def trained_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lab to read, shared: tests that change it must make their own."""
    home = tmp_path_factory.mktemp("trained") / "lab"
    train_here(Lab(home))
    return home


@pytest.fixture
def trained(trained_home: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setenv("BCL_LAB_HOME", str(trained_home))
    return Lab(trained_home)


@pytest.fixture(scope="session", autouse=True)
def components_found_once() -> Iterator[None]:
    """Streamlit looks for components in every installed package, for each app that is opened: most of a test's time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(autouse=True)
def asked_by_the_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit's own test client says nothing of who is asking."""
    monkeypatch.setattr("app.roles.role_of", lambda *_: "owner")


@pytest.fixture
def open_page() -> Callable[..., AppTest]:
    """Open a page by its name, with query parameters, as a link to it does."""

    def start(name: str, **query: str) -> AppTest:
        app = AppTest.from_file(str(MAIN), default_timeout=60)
        if name != "start":
            app.switch_page(f"screens/{name}.py")
        for key, value in query.items():
            app.query_params[key] = value
        return app.run()

    return start


@pytest.fixture
def open_form(open_page: Callable[..., AppTest]) -> Callable[[str], AppTest]:
    """Open the Library and, by its button, one of its forms."""

    def start(title: str) -> AppTest:
        app = open_page("library")
        [button] = [button for button in app.button if button.label == title]
        return button.click().run()

    return start


@pytest.fixture
def jobs_at_once(no_worker: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Side jobs run in this process, to their end, as soon as they are started."""
    from bcl_core.cli import main
    from bcl_core.lab import jobs

    def run(lab: Lab, folder: Path, arguments: Sequence[str]) -> None:
        folder.mkdir(exist_ok=True)
        output, errors = io.StringIO(), io.StringIO()
        with redirect_stdout(output), redirect_stderr(errors), pytest.raises(SystemExit) as end:
            main(["--home", str(lab.home), *arguments])
        (folder / "stdout").write_text(output.getvalue())
        (folder / "stderr").write_text(errors.getvalue())
        (folder / "exit_code").write_text(str(end.value.code or 0))

    monkeypatch.setattr(jobs, "_spawn", run)
