"""Addresses of pages of old: links to them lead to the page that has taken their place, with all that they say."""

from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route

# Of each page: where it went, and what its addresses meant where they said nothing of it, and those there do not mean.
PAGES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "train": ("lab", {}),
    "inspect": ("lab", {"panels": "formation.push.tour.angles", "metric": "angle_rms_deviation"}),
    "data": ("lab", {}),
    "gallery": ("library", {}),
    "runs": ("library", {}),
}


def moved_routes(root: str) -> list[Route]:
    """Return the routes; `root` is the app's own address, "/" or "/below/it/"."""
    return [Route(f"{root}{page}", _to(there, meant)) for page, (there, meant) in PAGES.items()]


def _to(there: str, meant: Mapping[str, str]) -> Callable[[Request], RedirectResponse]:
    """Name the page relative to the one that it replaces, so that a proxy before the app may add a path of its own."""

    def move(request: Request) -> RedirectResponse:
        unsaid = {name: value for name, value in meant.items() if name not in request.query_params}
        query = "&".join(filter(None, [request.url.query, urlencode(unsaid)]))
        address = f"{there}?{query}" if query else there
        return RedirectResponse(address, status_code=307, headers={"Cache-Control": "no-store"})

    return move
