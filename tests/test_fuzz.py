"""What comes from outside breaks nothing: a few hundred broken inputs, and all that once did."""

import json
import subprocess
import sys

import pytest

from benchmarks.fuzz.trying import CORPUS
from harness.serving import ROOT

LIGHT = ("recipes", "settings", "list files", "npz", "query strings", "do")
IN_ONE_PROCESS = """
import json, sys, tempfile
from pathlib import Path
from benchmarks.fuzz.trying import fuzz, replay
home = Path(tempfile.mkdtemp(dir=sys.argv[1]))
rows = {}
for name in sys.argv[2:]:
    (home / name).mkdir()
    rows[name] = fuzz(name, 50, 7, home / name)
(home / "corpus").mkdir()
print(json.dumps([rows, replay(home / "corpus")]))
"""


@pytest.mark.slow
def test_broken_inputs_are_refused_in_words_and_what_once_gave_way_is_too(tmp_path):
    """In a process of its own, which may hold a gigabyte and notes what files it opens."""
    command = [sys.executable, "-c", IN_ONE_PROCESS, str(tmp_path), *LIGHT]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    rows, again = json.loads(done.stdout.splitlines()[-1])
    assert {name: row["gave way"] for name, row in rows.items()} == {name: [] for name in LIGHT}
    assert all(row["refused"] > 20 and row["peak"] < 1e9 for row in rows.values())
    assert again == [] and any(CORPUS.rglob("*"))
