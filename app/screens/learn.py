"""Learn: lessons, and two spheres to play with."""

from app.components.lessons import lessons

lessons(key="lessons")
