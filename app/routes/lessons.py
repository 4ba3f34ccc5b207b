"""The lessons: as a document for the page in the app, and as a page of their own that needs no server once loaded."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from app import lessons
from app.routes.answers import as_json
from app.routes.plain import Page, plain_page

_BODY = '<main><div class="bcl-lessons"></div></main>'


def lesson_routes() -> list[Route]:
    """Return the page, and the document."""
    return [Route("/lessons", _page), Route("/lessons/told", _told)]


def lessons_page(page: Page, document: Mapping[str, Any], prefix: str | None, app: str | None) -> str:
    """Return the page. `prefix` is where the routes are and `app` where the pages are; None: there are none."""
    told = {"prefix": prefix, "app": app, "asks": False, "document": document}
    return page("BCL Lab: lessons", _BODY, told, sheet="lessons.css", module="page.js")


def _page(_: Request) -> Response:
    return HTMLResponse(lessons_page(plain_page, lessons.document(), ".", "../../"))


def _told(request: Request) -> Response:
    return as_json(request, lessons.document())
