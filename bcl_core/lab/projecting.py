"""Flat pictures of one epoch, PCA and UMAP: each fitted to that epoch alone, so no two epochs can be compared.

They stand beside the aligned picture that every epoch has. Slow to import and to fit: for a process of its own.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bcl_core.lab.files import write_arrays
from bcl_core.lab.run import LabError
from bcl_core.lab.store import Lab

NEIGHBOURS = 15
SEED = 0
Floats = NDArray[np.float32]


def project(lab: Lab, run_id: str, epoch: int, method: str, report: Callable[[str], None] = lambda _: None) -> None:
    """Write the run's `projection(method, epoch)` file: coordinates (N, 2) of its kept images, unless it stands.

    The method is one of `METHODS`; `report` is told in words what is going on.

    Raises:
        LabError: there is no such run or method.
        SnapshotError: the epoch's embeddings are missing or damaged.
    """
    if method not in METHODS:
        raise LabError(f"there is no projection {method!r}; choose one of {', '.join(METHODS)}")
    folder = lab.folder(run_id)
    target = folder.projection(method, epoch)
    if target.exists():
        return
    features = folder.arrays(folder.embeddings(epoch))["projection"].astype(np.float32)
    coordinates, about = METHODS[method](features, report)
    write_arrays(target, {"coordinates": coordinates.astype(np.float32)}, method=method, **about)


def _pca(features: Floats, report: Callable[[str], None]) -> tuple[Floats, dict[str, str]]:
    report("Fitting PCA")
    centred = features - features.mean(axis=0)
    _, lengths, axes = np.linalg.svd(centred, full_matrices=False)
    kept = float((lengths[:2] ** 2).sum() / max(float((lengths**2).sum()), 1e-30))
    signs = np.where(np.abs(axes).max(axis=1) == axes.max(axis=1), 1, -1)  # an axis has no side of its own: choose one
    return centred @ (axes * signs[:, None])[:2].T, {"variance_kept": f"{kept:.4f}"}


def _umap(features: Floats, report: Callable[[str], None]) -> tuple[Floats, dict[str, str]]:
    """McInnes, Healy and Melville 2018, on angles between embeddings, with a fixed seed."""
    report("Loading UMAP, which compiles itself the first time")
    from umap import UMAP

    neighbours = min(NEIGHBOURS, len(features) - 1)
    report(f"Fitting UMAP to {len(features)} images")
    fitted = UMAP(n_neighbors=neighbours, metric="cosine", random_state=SEED, n_jobs=1).fit_transform(features)
    return fitted, {"neighbours": str(neighbours), "seed": str(SEED)}


METHODS: Mapping[str, Callable[[Floats, Callable[[str], None]], tuple[Any, dict[str, str]]]] = {
    "pca": _pca,
    "umap": _umap,
}
