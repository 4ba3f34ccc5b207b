"""Figures: arrays in, Plotly figure out. Nothing here knows Streamlit or where the arrays come from."""

from app.figures.bars import class_counts_bars, per_class_accuracy
from app.figures.curves import Formation, Series, curves, formation
from app.figures.embedding import embedding
from app.figures.flat import flat
from app.figures.heatmaps import angle_heatmap
from app.figures.pictures import picture_rows

__all__ = [
    "Formation",
    "Series",
    "angle_heatmap",
    "class_counts_bars",
    "curves",
    "embedding",
    "flat",
    "formation",
    "per_class_accuracy",
    "picture_rows",
]
