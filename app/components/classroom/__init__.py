"""A class on every page: what its presenter shows is followed, or not; and the question that is asked."""

from app.components import PREFIX, register
from app.roles import has_class_roles, may, role_here

_mount = register("classroom", html='<div class="bcl-classroom"></div>')


def classroom(*, key: str) -> None:
    """Show, where there is a class, how one follows its presenter; or how one presents, to whom may."""
    if has_class_roles():
        _mount(key=key, data={"prefix": PREFIX, "presents": may(role_here(), "presenter")})
