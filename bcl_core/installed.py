"""Where this copy of the project lies, and what of it is missing: a checkout, or a wheel with some of its extras."""

from importlib.util import find_spec
from pathlib import Path

# The modules that each extra brings, by the names they are imported under.
EXTRAS = {
    "train": ("torchvision", "kornia", "sklearn", "threadpoolctl", "umap", "pyarrow", "pandas"),
    "app": ("streamlit", "plotly", "segno", "httptools"),
    "tensorboard": ("tensorboard",),
}


def house() -> Path:
    """Return the folder of `streamlit_app.py`, `app`, `docs` and `pretrained`: the checkout, or `bcl_lab` in a wheel.

    A package called `app` would collide with everybody's; so the wheel has it below `bcl_lab`, and `bcl-lab app` puts
    that folder first on the path.
    """
    beside = Path(__file__).parents[1]
    return beside / "bcl_lab" if (beside / "bcl_lab").is_dir() else beside


def lacking(extra: str) -> str | None:
    """Return which of an extra's modules is not installed, in a sentence; None where all are."""
    missing = next((module for module in EXTRAS[extra] if find_spec(module) is None), None)
    return _sentence(missing, extra) if missing else None


def told(error: ModuleNotFoundError) -> str | None:
    """Return what to install for a failed import, in a sentence; None where no extra brings it."""
    missing = (error.name or "").partition(".")[0]
    extra = next((extra for extra, modules in EXTRAS.items() if missing in modules), None)
    return _sentence(missing, extra) if extra else None


def _sentence(missing: str, extra: str) -> str:
    return f"{missing} is not installed: it comes with pip install 'bcl-lab[{extra}]'"
