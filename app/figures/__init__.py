"""Figures: arrays in, Plotly figure or small SVG out. Nothing here knows Streamlit or where the arrays come from."""

from app.figures.bars import per_class_accuracy
from app.figures.curves import Formation, Series, curves, formation
from app.figures.embedding import embedding
from app.figures.flat import flat
from app.figures.heatmaps import angle_heatmap
from app.figures.thumbnail import angle_thumbnail

__all__ = [
    "Formation",
    "Series",
    "angle_heatmap",
    "angle_thumbnail",
    "curves",
    "embedding",
    "flat",
    "formation",
    "per_class_accuracy",
]
