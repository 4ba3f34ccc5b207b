"""Old addresses lead to pages of today on the app as it is served, below a path of its own too, and no others do."""

from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlencode, urljoin, urlsplit

import pytest

from app.routes.moved import PAGES
from harness.serving import APP, start

QUERY = "race=Digits&seed=0&name=%C3%BCber%20a%2Bb&seed=1&empty="


@pytest.fixture(scope="module", params=["", "behind/a/proxy"])
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("moved")
    env = {"BCL_LAB_HOME": str(home / "lab"), "BCL_LAB_WORKER": "off", "STREAMLIT_SERVER_BASE_URL_PATH": request.param}
    server = start(APP, Path(home / "log"), env)
    yield server.url
    server.process.terminate()
    server.process.wait()


def asked(url: str, method: str = "GET") -> HTTPResponse:
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=20)
    connection.request(method, f"{parts.path}?{parts.query}" if parts.query else parts.path)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


@pytest.mark.parametrize("page", ["train", "inspect", "data", "gallery", "runs"])
def test_an_old_address_leads_to_its_successor_with_its_whole_query(address: str, page: str) -> None:
    for method in ("GET", "HEAD"):
        for query in (f"?{QUERY}", ""):
            answer = asked(f"{address}{page}{query}", method)
            assert answer.status == 307
            there = urljoin(f"{address}{page}", answer.headers["Location"])
            successor, meant = PAGES[page]
            unsaid = urlencode(meant)
            assert there == f"{address}{successor}{query}" + (f"{'&' if query else '?'}{unsaid}" if unsaid else "")


def test_what_an_old_address_says_itself_stands(address: str) -> None:
    there = asked(f"{address}inspect?panels=curves&metric=loss").headers["Location"]
    assert there == "lab?panels=curves&metric=loss"


def test_streamlit_s_own_files_and_other_pages_are_untouched(address: str) -> None:
    for path in ("_stcore/health", "_stcore/host-config", "", "library?look=rows", "theory", "training"):
        assert asked(address + path).status == 200, path
