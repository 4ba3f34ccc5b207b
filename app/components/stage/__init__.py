"""The stage: runs side by side over all their epochs, live or stored, every picture hung on one bar."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from app import lessons, names, palette
from app.components import COMPONENTS, PLOTLY_FILE, PREFIX, register
from app.glossary import GLOSSARY
from app.roles import role_here, shared_origin
from app.runs import the_lab
from app.verbs import allowed
from bcl_core.lab import Run
from bcl_core.metrics import METRICS, metric, own, short

OFFERED = re.compile(r"[a-z0-9_]{1,40}")  # as addresses have metrics: METRIC of lenses/curves.js

_mount = register(
    "stage", html='<div class="bcl-stage" role="region" aria-label="Stage"><p>Opening the runs …</p></div>'
)


def stage(runs: Sequence[Run], *, chosen_times: int = 0, key: str) -> None:
    """Show the runs, which the reader has chosen for the nth time, or an address.

    It asks the routes for all that it shows and tells nothing back: scrubbing and playing stay in the browser, and so
    does what a run in training brings. The component keeps the page's query parameters, but for those that it does
    not know.
    """
    known = the_lab().last_metrics([run.id for run in runs])
    others = dict.fromkeys(name for row in known.values() for name in own(row) if OFFERED.fullmatch(name))
    _mount(
        key=key,
        data=told(runs, others, may=allowed(role_here()), origin=shared_origin(), chosen_times=chosen_times),
    )


def told(
    runs: Sequence[Run],
    others: Iterable[str] = (),
    *,
    may: Sequence[str] = (),
    origin: str | None = None,
    chosen_times: int = 0,
) -> dict[str, Any]:
    """Return what the stage cannot ask for, ready for JSON: where to ask, and the runs' names and colours.

    `others` are metrics that the runs recorded and nobody registered, `may` the verbs that are offered, `origin` is
    where others reach the page, and `chosen_times` how often the reader has chosen runs.
    """
    words = lessons.words(lessons.DEFAULT)
    styles = palette.line_styles([run.recipe.variant for run in runs])
    return {
        "prefix": PREFIX,
        "components": COMPONENTS,
        "plotly": f"{PREFIX}/{PLOTLY_FILE}",
        "groups": palette.GROUPS,
        "neutral": palette.NEUTRAL,
        "deviation": palette.DEVIATION,
        "amount": palette.loss_style("bcl").colour,
        "metrics": {
            name: {"title": known.title, "unit": known.unit, "spread": known.band, "short": short(name)}
            for name, known in {**METRICS, **{name: metric(name) for name in others}}.items()
            if known.curve
        },
        "glossary": GLOSSARY,
        "words": {name: words[name] for name in ("formula", "joining")},
        "may": list(may),
        "origin": origin,
        "chosen_times": chosen_times,
        "runs": [
            {"id": run.id, "label": label, "colour": style.colour, "dash": style.dash}
            for run, label, style in zip(runs, names.labels(runs), styles, strict=True)
        ],
    }
