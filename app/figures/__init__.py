"""Figures: arrays in, Plotly figure or small SVG out. Nothing here knows Streamlit or where the arrays come from."""

from app.figures.bars import class_counts_bars, per_class_accuracy
from app.figures.curves import Formation, Series, curves, formation
from app.figures.embedding import embedding
from app.figures.heatmaps import angle_heatmap
from app.figures.pictures import picture_rows
from app.figures.thumbnail import angle_thumbnail

__all__ = [
    "Formation",
    "Series",
    "angle_heatmap",
    "angle_thumbnail",
    "class_counts_bars",
    "curves",
    "embedding",
    "formation",
    "per_class_accuracy",
    "picture_rows",
]
