"""Lessons: steps that ask for a prediction before they show what is so. In the browser alone, once they are there."""

from app.components import PREFIX, register
from app.roles import has_class_roles, may, role_here

_mount = register("lessons", html='<div class="bcl-lessons"><p>Opening the lessons …</p></div>')


def lessons(*, key: str) -> None:
    """Show the list of lessons, or what the page's address names: the component writes it, Python leaves it alone."""
    asks = has_class_roles() and may(role_here(), "presenter")
    _mount(key=key, data={"prefix": PREFIX, "app": "", "asks": asks})
