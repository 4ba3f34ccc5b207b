"""The lessons: as a document for the page in the app, and as a page of their own that needs no server once loaded."""

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from app import lessons
from app.routes.answers import as_json
from app.routes.plain import plain_page

_BODY = '<main><div class="bcl-lessons"></div></main>'


def lesson_routes() -> list[Route]:
    """Return the page, and the document."""
    return [Route("/lessons", _page), Route("/lessons/told", _told)]


def _page(_: Request) -> Response:
    told = {"prefix": ".", "app": "../../", "asks": False, "document": lessons.document()}
    return HTMLResponse(plain_page("BCL Lab: lessons", _BODY, told, sheet="lessons.css", module="page.js"))


def _told(request: Request) -> Response:
    return as_json(request, lessons.document())
