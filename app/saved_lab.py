"""The Lab as a page that needs no server: runs of the shelf at some of their epochs, by the sets that addresses name.

What the routes would answer stands in the page, where `stage/export/saved.js` looks for it, as in a page that the stage
itself saves.
"""

import base64
import gzip
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from app.components.stage import told
from app.routes import plotly
from app.routes.about import about
from app.routes.plain import whole_page
from bcl_core.lab import Lab, SnapshotError
from bcl_core.lab.history import Span, chosen, history
from bcl_core.lab.pulse import Pulse, ranges

STEP = 3  # from a kept epoch to the next one here, as the page says
_BODY = """\
<main>
<p><a href="index.html">Lessons</a></p>
<h1>The lessons’ runs</h1>
<div class="bcl-stage" role="region" aria-label="Stage"><p>Opening the runs …</p></div>
<p>Every third epoch, as it was recorded; what takes full embeddings is shown of the last one. The app has all else,
and trains.</p>
</main>
{held}"""
_HELD = '<script type="text/plain" data-path="{path}">{content}</script>'


def lab_page(sets: Sequence[Sequence[str]]) -> str:
    """Return the page; it opens the first of the sets of ids where its address names none. All are on the shelf.

    What of a run was not recorded, or is damaged, the page says it does not hold.
    """
    run_ids = sorted({run_id for ids in sets for run_id in ids})
    with TemporaryDirectory() as folder:
        lab = Lab(Path(folder) / "lab")  # an empty one, so that no other run is spoken of
        held = [("plotly.js", gzip.decompress(plotly())), *_answers(lab, run_ids)]
        known = {".".join(ids): told([lab.run(run_id) for run_id in ids]) for ids in sets}
    first = next(iter(known))
    saved = {"search": f"runs={first}", "sets": {name: one["runs"] for name, one in known.items()}}
    scripts = "\n".join(_HELD.format(path=path, content=_packed(content)) for path, content in held)
    body = _BODY.format(held=scripts)
    return whole_page("BCL Lab: saved", body, {**known[first], "saved": saved}, sheet="stage.css", module="saved.js")


def _answers(lab: Lab, run_ids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """What the stage may ask for: by the path, without its query."""
    pulse = Pulse(lab)
    pulse.look(run_ids)
    pulses: dict[str, Any] = json.loads(pulse.answer(run_ids, None).content)["runs"]
    for run_id in run_ids:
        folder, rev, kept = lab.folder(run_id), lab.rev(run_id), lab.epochs(run_id)
        span = Span(kept[0], kept[-1], STEP)
        epochs = chosen(kept, span)
        pulses[run_id] = {**pulses[run_id], "epochs": ranges(epochs)}
        yield f"runs/{run_id}/about", json.dumps(about(lab, lab.run(run_id))).encode()
        yield f"runs/{run_id}/history/{rev}", history(lab, run_id, span).content
        files = {"samples": folder.samples, "sprite.png": folder.sprite, "predicted": folder.predicted}
        files = {f"{name}/{rev}": file for name, file in files.items()}
        files[f"embeddings/{rev}/{epochs[-1]}"] = folder.embeddings(epochs[-1])
        files |= {f"view/{rev}/{epoch}": folder.view(epoch) for epoch in epochs}
        for path, file in files.items():
            with suppress(SnapshotError):
                yield f"runs/{run_id}/{path}", folder.content(file)
    yield "pulse", json.dumps({"runs": pulses}).encode()


def _packed(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()
