"""Figures: arrays in, Plotly figure out. Nothing here knows Streamlit or where the arrays come from."""

from app.figures.bars import per_class_accuracy
from app.figures.curves import Formation, Series, curves, formation
from app.figures.embedding import embedding
from app.figures.flat import flat
from app.figures.heatmaps import angle_heatmap

__all__ = [
    "Formation",
    "Series",
    "angle_heatmap",
    "curves",
    "embedding",
    "flat",
    "formation",
    "per_class_accuracy",
]
