"""The web process stays light, whatever page is opened."""

import os
import subprocess
import sys

HEAVY = ("torch", "torchvision", "kornia", "sklearn", "umap", "scipy", "numba")

VISIT_EVERY_PAGE = """
import sys
from streamlit.testing.v1 import AppTest
from tests.app.conftest import MAIN
import app.roles, streamlit_app
app.roles.role_of = lambda *_: "owner"  # Streamlit's own test client says nothing of who is asking
app = AppTest.from_file(str(MAIN), default_timeout=60).run()
for page in ("learn", "lab", "library"):
    app.switch_page(f"screens/{page}.py").run()
    assert not app.exception and not app.error, page
print(sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_no_page_imports_what_only_training_needs(trained):
    """In a process of its own; the test helpers it imports are lazy about torch as well."""
    done = subprocess.run(
        [sys.executable, "-c", VISIT_EVERY_PAGE], capture_output=True, text=True, env={**os.environ}, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    loaded = done.stdout.strip().splitlines()[-1]
    assert "streamlit" in loaded
    for package in HEAVY:
        assert f"'{package}'" not in loaded, package


CHECK_EVERY_DATA_SET = """
import sys
from pathlib import Path
from bcl_core.lab import LabError
from bcl_core.lab.checks import check_data
from bcl_core.recipe import DataPaths, Recipe
from bcl_core.registry import DATASETS
for source in DATASETS:
    try:
        check_data([Recipe.model_validate({"data": {"source": source}})], DataPaths(path=Path("/dev/null")))
        assert source == "digits", source
    except LabError:
        pass
print(sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_no_check_of_a_folder_imports_what_only_training_needs():
    done = subprocess.run([sys.executable, "-c", CHECK_EVERY_DATA_SET], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    for package in HEAVY:
        assert f"'{package}'" not in done.stdout, package
