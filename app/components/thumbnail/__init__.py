"""A run's geometry, small: a dot for each pair of classes on an axis of degrees."""

from app import palette
from app.components import PREFIX, register

_mount = register("thumbnail", html='<div class="bcl-thumbnail"></div>')


def thumbnail(run_id: str, *, alt: str) -> None:
    """Show the run's last epoch, the pairs within its rarest classes in orange; `alt` says it to who does not see it.

    Where all classes are equally frequent, none is rare.
    """
    _mount(key=f"thumbnail/{run_id}", data={"prefix": PREFIX, "id": run_id, "alt": alt, "colours": palette.GROUPS})
