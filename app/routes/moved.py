"""Addresses of pages that the Lab has taken the place of: links to them lead there, with all that they say."""

from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route

PAGES = ("train", "inspect", "data")


def moved_routes(root: str) -> list[Route]:
    """Return the routes; `root` is the app's own address, "/" or "/below/it/"."""
    return [Route(f"{root}{page}", _to_the_lab) for page in PAGES]


def _to_the_lab(request: Request) -> RedirectResponse:
    """Name the Lab relative to the page that it replaces, so that a proxy before the app may add a path of its own."""
    query = request.url.query
    return RedirectResponse(f"lab?{query}" if query else "lab", status_code=307, headers={"Cache-Control": "no-store"})
