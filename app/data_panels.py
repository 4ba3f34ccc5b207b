"""From what a look at data found to its figures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from app import figures
from app.figures import frame
from bcl_core import geometry
from bcl_core.lab.cache import remembered

VIEW_ROWS = ("the image", "view 1: classifier", "view 2: contrastive", "view 3: contrastive")


@remembered(4 << 20, frame.size_of)
def class_counts(counts: tuple[int, ...], class_names: tuple[str, ...]) -> go.Figure:
    """Training images of each class, coloured by group."""
    return figures.class_counts_bars(
        counts, class_names, geometry.shot_groups(counts), title="Training images of each class"
    )


def sample_images(picture: Path, facts: Mapping[str, Any]) -> go.Figure:
    """A few training images of each class, a row a class."""
    names = [facts["class_names"][k] for k in facts["sampled"]]
    counts = [facts["train_counts"][k] for k in facts["sampled"]]
    return figures.picture_rows(
        picture.read_bytes(),
        frame.class_labels(names, counts),
        columns=8,
        title=None,
        description=f"Sample images: up to eight training images of each of {len(names)} classes, a row a class.",
        axis_titles=("training images, the first eight of each class", "class · training images"),
    )


def views_of_image(picture: Path, image: int) -> go.Figure:
    """A training image above eight draws of each of its views."""
    return figures.picture_rows(
        picture.read_bytes(),
        VIEW_ROWS,
        columns=8,
        title=None,
        description=f"Training image {image}, and eight draws of each of its three views.",
        axis_titles=("eight draws of each view", "view"),
    )
