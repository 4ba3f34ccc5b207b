"""An epoch's arrays as one file of numpy's own, for whoever goes on with them elsewhere."""

import io
import re
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray
from starlette.responses import Response

from app.routes.answers import IMMUTABLE
from bcl_core.lab import Run, RunFolder

OF_SAMPLES = ("labels", "indices", "split")


def npz(run: Run, folder: RunFolder, epoch: int) -> Response:
    """Return the .npz: the epoch's view, `embeddings` (N, d) where they are kept, and of which samples they are.

    Raises SnapshotError where a part of it is missing or damaged.
    """
    content = io.BytesIO()
    np.savez(content, **_arrays(folder, epoch))  # type: ignore[arg-type]
    headers = {**IMMUTABLE, "Content-Disposition": _attached(f"{run.name}, epoch {epoch}.npz")}
    return Response(content.getvalue(), media_type="application/zip", headers=headers)


def _arrays(folder: RunFolder, epoch: int) -> dict[str, NDArray[Any]]:
    view, samples = folder.arrays(folder.view(epoch)), folder.arrays(folder.samples)
    found = {name: samples[name] for name in OF_SAMPLES}
    if epoch in folder.epochs("embeddings"):
        found["embeddings"] = next(iter(folder.arrays(folder.embeddings(epoch)).values()))
    return dict(sorted({**found, **view}.items()))  # in an order, so that asked again it is the same file


def _attached(name: str) -> str:
    """Return the header that names a download, plainly for browsers of old and as it is for the others."""
    safe = re.sub(r"[/\\:*?\"<>|\x00-\x1f]", "-", name)
    plain = re.sub(r"[^ -~]|%", "-", safe)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(safe, safe='')}"
