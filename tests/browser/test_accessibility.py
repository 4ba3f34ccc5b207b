"""axe-core finds no serious violation on any page, in light and dark; parts of others aside, which are named."""

import itertools
import time

import pytest
from axe_playwright_python.sync_playwright import Axe

from bcl_core.lab import Lab
from harness.made_runs import make_runs
from harness.serving import APP, new_page
from tests.browser.conftest import PATIENCE

SIZES = ((1280, 900), (390, 844))
PAGES = ("", "learn", "library", "library?look=rows", "lab", "predict", "theory", "report")

# Streamlit parts the sections of its navigation by divs in their list. KaTeX draws formulas in the text's own colour,
# in more elements than all else of Theory together.
ASIDE = [["[data-testid=stSidebarNavItems]"], [".katex-html"]]
# What is right need not be described, and text outside of landmarks, which takes long to find, is never serious. Nor
# do all rules ask for colours: what a page is made of is the same in the dark.
OPTIONS = {
    "light": {"resultTypes": ["violations"], "rules": {"region": {"enabled": False}}},
    "dark": {"resultTypes": ["violations"], "runOnly": ["color-contrast", "link-in-text-block"]},
}
# Nothing is a placeholder, fades, or loads; and what our components draw is drawn.
STANDS = """() => document.fonts.status === "loaded"
  && !document.querySelector("[data-testid=stSkeleton], [data-stale=true], .bcl-stage:not([data-settled=true])")
  && !document.querySelector(".bcl-library:not([data-laid=true])")
  && document.getAnimations().every((one) => one.timeline !== document.timeline
    || one.playState !== "running" || one.effect.getTiming().iterations > 1)"""
IS_IN = """(scheme) => {
  const [red] = getComputedStyle(document.querySelector("[data-testid=stApp]")).backgroundColor.match(/\\d+/);
  return (red < 128) === (scheme === "dark");
}"""


@pytest.fixture(scope="module")
def server(serve, tmp_path_factory):
    home = tmp_path_factory.mktemp("accessible") / "lab"
    make_runs(Lab(home), ["scl", "bcl", "bcl-class"], 2)
    return serve(APP, {"BCL_LAB_HOME": str(home), "BCL_LAB_WORKER": "off"})


@pytest.mark.parametrize("page_name", PAGES)
def test_no_serious_violation(visitor, server, page_name):
    page = new_page(visitor, color_scheme="light", reduced_motion="reduce")
    page.goto(server.url + page_name)
    page.wait_for_selector("h1")
    for scheme, (width, height) in itertools.product(("light", "dark"), SIZES):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function(IS_IN, arg=scheme)
        page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
        page.wait_for_function(STANDS, timeout=PATIENCE)
        serious, end = serious_violations(page, scheme), time.monotonic() + 5
        while serious and time.monotonic() < end:  # styles may still be on their way; what is wrong stays
            serious = serious_violations(page, scheme)
        assert not serious, "\n".join([f"{scheme}, {width}×{height}", *serious])
    page.close()


def serious_violations(page, scheme):
    return [
        f"{violation['id']}: {node['html'][:200]} — {node['failureSummary'][:300]}"
        for violation in Axe().run(page, context={"exclude": ASIDE}, options=OPTIONS[scheme]).response["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
