"""Addresses of pages that the Lab has taken the place of: links to them lead there, with all that they say."""

from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route

# Of each page: what its addresses meant where they said nothing of it, and the Lab's mean something else.
PAGES: Mapping[str, Mapping[str, str]] = {
    "train": {},
    "inspect": {"panels": "formation.push.tour.angles", "metric": "angle_rms_deviation"},
    "data": {},
}


def moved_routes(root: str) -> list[Route]:
    """Return the routes; `root` is the app's own address, "/" or "/below/it/"."""
    return [Route(f"{root}{page}", _to_the_lab(meant)) for page, meant in PAGES.items()]


def _to_the_lab(meant: Mapping[str, str]) -> Callable[[Request], RedirectResponse]:
    """Name the Lab relative to the page that it replaces, so that a proxy before the app may add a path of its own."""

    def move(request: Request) -> RedirectResponse:
        unsaid = {name: value for name, value in meant.items() if name not in request.query_params}
        query = "&".join(filter(None, [request.url.query, urlencode(unsaid)]))
        address = f"lab?{query}" if query else "lab"
        return RedirectResponse(address, status_code=307, headers={"Cache-Control": "no-store"})

    return move
