"""New race, a dialog: the runs of a race, their switches first, then data and the rest of the recipe.

`new_race` opens it. What is put together is a `races.Draft` in the session's state, since Streamlit drops the state of
controls that are not drawn; controls take their first value from it, and it takes theirs whenever they change.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from html import escape
from itertools import accumulate, cycle, pairwise
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import controls, palette, races
from app.components.drawer import drawer
from app.deeds import train
from app.glossary import GLOSSARY
from app.opened import show
from app.races import MOST_RUNS, Draft, Switches
from app.runs import the_lab
from app.verbs import Refused
from app.words import listed, verbatim
from bcl_core.lab.equal import equal_race
from bcl_core.recipe import RACES, Execution, Recipe, RecipeError, field_names
from bcl_core.registry import DATASETS, LOSSES, PROTOTYPES

_DRAFT, _ASKED, _RACE, _SOURCE, _SEED = "race/draft", "race/asked", "race/race", "race/source", "race/seed"
_OFFERED = "race/offered"
EXPLAINED = (
    *("class-averaging", "class-complement", "anchor", "prototype", "imbalance factor", "τ", "logit adjustment"),
    "warm start",
)


def new_race(race: str | None = None) -> None:
    """Open the dialog; on a race of RACES where one is asked for, else on what was being put together.

    Where runs were queued, or are to be looked at, the Lab is told to show them and the page is run again.
    """
    known = race if race in RACES else None
    if _DRAFT not in st.session_state or (known and known != st.session_state.get(_ASKED)):
        _begin(known or next(iter(RACES)))
    st.session_state[_ASKED] = known
    _dialog()


@st.dialog("New race", width="large")
def _dialog() -> None:
    draft = _current()
    st.session_state[_RACE] = draft.race
    st.selectbox(
        "Start from",
        list(RACES),
        format_func=lambda key: RACES[key].title,
        key=_RACE,
        on_change=lambda: _begin(st.session_state[_RACE]),
        label_visibility="collapsed",
    )
    st.caption(f"{RACES[draft.race].description} {RACES[draft.race].known}")
    with st.container(gap="xsmall"):
        _runs(draft)
    answer = st.container(key="race/answer")
    with st.container(horizontal=True, vertical_alignment="center"):
        _offer_another(draft)
        # What is known of the recipes is drawn last, in a place that is kept: nothing may move below a pointer.
        between = st.container(width="stretch")
        right = st.container(width="content")
    asks = DATASETS[draft.source].needs_path
    with st.expander("Data", icon=":material/photo_library:", key=f"race/data/{draft.race}", expanded=asks):
        draft = _data(draft)
    with st.expander("More", icon=":material/tune:", key="race/more"):
        draft = _more(draft)
    st.session_state[_DRAFT] = draft
    with answer:
        _train(draft, right, between)


def _begin(race: str) -> None:
    before: Draft | None = st.session_state.get(_DRAFT)
    # Its runs take numbers that no control has had, so that none of them remembers another run's value.
    st.session_state[_DRAFT] = Draft.of(race, first=before.next_run if before else 0)


def _current() -> Draft:
    """Return the draft as the controls of its runs stand."""
    draft: Draft = st.session_state[_DRAFT]
    runs = {number: replace(run, **_told(number, run)) for number, run in draft.runs.items()}
    return replace(draft, runs=runs)


def _told(number: int, run: Switches) -> dict[str, Any]:
    found = {name: st.session_state.get(_key(number, name)) for name in asdict(run)}
    return {name: value for name, value in found.items() if value is not None}


def _key(number: int, name: str) -> str:
    return f"race/{number}/{name}"


def _change(draft: Draft) -> None:
    """Take a changed draft, its controls with it."""
    st.session_state[_DRAFT] = draft
    for number, run in draft.runs.items():
        for name, value in asdict(run).items():
            if _key(number, name) in st.session_state:
                st.session_state[_key(number, name)] = value


def _change_seeds() -> None:
    if st.session_state[_SEED] is not None:
        _change(_current().seeded(st.session_state[_SEED]))


def _runs(draft: Draft) -> None:
    recipes, others = draft.plain(), races.other_losses()
    styles = palette.line_styles([recipe.variant for recipe in recipes])
    natural = draft.changed.get("data.imbalance_kind", draft.base.data.imbalance_kind) == "natural"
    for (number, run), name, style in zip(draft.runs.items(), races.names(recipes), styles, strict=True):
        with st.container(
            border=True, horizontal=True, vertical_alignment="center", gap="small", key=f"race/row/{number}"
        ):
            with st.container(width=170, gap=None):
                st.html(_headed(name, LOSSES[run.loss].help, style))
                st.selectbox(
                    f"Loss of {name}",
                    list(others),
                    format_func=others.__getitem__,
                    key=_drawn(number, run, "other"),
                    label_visibility="collapsed",
                    disabled=not run.contrastive,
                )
            _switches(number, run, natural=natural, has_start=draft.base.model.warm)
            st.button(
                f"Remove {name}",
                icon=":material/close:",
                key=_key(number, "remove"),
                type="tertiary",
                disabled=len(recipes) == 1,
                on_click=lambda number: _change(_current().without(number)),
                args=(number,),
            )


def _offer_another(draft: Draft) -> None:
    full = len(draft.runs) >= MOST_RUNS
    st.button(
        "Add a run",
        icon=":material/add:",
        key="race/add",
        disabled=full,
        on_click=lambda: _change(_current().with_run()),
    )
    with st.popover("What the switches mean", type="tertiary"):
        st.markdown("\n".join(f"- **{term}**: {GLOSSARY[term]}" for term in EXPLAINED))
        st.markdown(
            "Anchors *instance*: every image counts alike; *class*: every class does, however many images it has."
        )
        st.markdown("\n".join(f"- **{entry.title} prototypes**: {entry.help}" for entry in PROTOTYPES.values()))


def _headed(name: str, meaning: str, style: palette.LineStyle) -> str:
    """The run's name beside a short line in its colour and dash; the pointer finds what its loss means."""
    ends = pairwise(accumulate(palette.pixels(style.dash), initial=0))
    colours = cycle([style.colour, "transparent"])
    stops = [f"{colour} {start}px {end}px" for colour, (start, end) in zip(colours, ends, strict=False)]
    line = f"repeating-linear-gradient(90deg, {', '.join(stops)})"
    sign = f'<i style="background: {line}"></i>'
    return f'<div class="bcl-run-name" title="{escape(meaning)}">{sign}<b>{escape(name)}</b></div>'


def _switches(number: int, run: Switches, *, natural: bool, has_start: bool) -> None:
    without = not run.contrastive
    other = without or run.other != races.BY_SWITCHES
    with st.container(width=165, gap=None):
        _toggle(number, run, "contrastive", "Contrastive loss")
        _toggle(number, run, "adjusted", "Logit adjustment")
        if has_start:
            _toggle(number, run, "warm", "Warm start")
    with st.container(width=175, gap=None):
        _toggle(number, run, "averaging", "Class-averaging", disabled=other)
        _toggle(number, run, "complement", "Class-complement", disabled=other)
    st.segmented_control(
        "Anchors", ["instance", "class"], key=_drawn(number, run, "anchors"), disabled=without, required=True
    )
    with st.container(width=296, gap="xsmall"):
        with st.container(horizontal=True, gap="small"):
            _number(
                number,
                run,
                "imbalance_factor",
                "Imbalance factor",
                "data.imbalance_factor",
                step=10.0,
                disabled=natural,
            )
            _number(number, run, "temperature", "Temperature τ", "loss.temperature", step=0.1, disabled=without)
        if LOSSES[run.loss].prototypes:
            st.selectbox(
                "Prototypes",
                list(PROTOTYPES),
                format_func=lambda key: f"{PROTOTYPES[key].title} prototypes",
                key=_drawn(number, run, "prototypes"),
                label_visibility="collapsed",
            )
    st.number_input("Seed", step=1, key=_drawn(number, run, "seed"), width=80)


def _toggle(number: int, run: Switches, name: str, label: str, *, disabled: bool = False) -> None:
    st.toggle(label, key=_drawn(number, run, name), disabled=disabled)


def _number(number: int, run: Switches, name: str, label: str, field: str, *, step: float, disabled: bool) -> None:
    # Without limits, since what is beyond them would stay in the field and not be told; the recipe says what is wrong.
    st.number_input(
        label,
        step=step,
        format="%g",
        key=_drawn(number, run, name),
        disabled=disabled,
        width=140,
        help=controls.meaning(field),
    )


def _drawn(number: int, run: Switches, name: str) -> str:
    """Return the key of a run's control, which stands as the draft does where it is drawn for the first time."""
    key = _key(number, name)
    st.session_state.setdefault(key, getattr(run, name))
    return key


def _data(draft: Draft) -> Draft:
    st.session_state[_SOURCE] = draft.source
    st.selectbox(
        "Data set",
        list(DATASETS),
        format_func=lambda key: DATASETS[key].title,
        key=_SOURCE,
        on_change=lambda: _change(_current().on(st.session_state[_SOURCE])),
    )
    st.caption(f"{DATASETS[draft.source].help} {DATASETS[draft.source].guide}")
    draft = replace(draft, paths=controls.data_paths("race", draft.source, draft.paths))
    names = [name for name in field_names(Recipe) if races.of_data(name) and name not in races.SWITCHED]
    draft = _shared(draft, tuple(name for name in names if name != "data.source"), f"race/{draft.race}/{draft.source}")
    _look(draft)
    return draft


def _more(draft: Draft) -> Draft:
    adjusted = any(run.adjusted for run in draft.runs.values())
    own = (*races.SWITCHED, races.ADJUSTMENT, *[races.START] * draft.base.model.warm)
    names = [name for name in controls.alike(draft.plain(), *own) if not races.of_data(name)]
    parameters = dict.fromkeys(name for run in draft.runs.values() for name in races.parameters_of(run.loss))
    draft = _shared(draft, (*names, *[races.ADJUSTMENT] * adjusted, *parameters), f"race/{draft.race}")
    seeds = {run.seed for run in draft.runs.values()}
    st.session_state[_SEED] = seeds.pop() if len(seeds) == 1 else None
    st.number_input(
        "Seed of every run", 0, 2**31 - 1, None, key=_SEED, on_change=_change_seeds, placeholder="differs", width=200
    )
    return draft


def _shared(draft: Draft, names: tuple[str, ...], key: str) -> Draft:
    """Draw the controls of what all runs share; what is not drawn at this moment stays as it was."""
    kept = {name: value for name, value in draft.changed.items() if name not in names}
    return replace(draft, changed=kept | controls.recipe_controls(draft.base, names, key=key, chosen=draft.changed))


def _look(draft: Draft) -> None:
    """Show the component that looks at the data, of the runs whose imbalance factor is chosen."""
    try:
        recipes, execution = draft.recipes(), draft.execution()
    except RecipeError:
        return  # what is wrong stands beside the button that trains
    named = dict(zip(races.names(recipes), recipes, strict=True))
    # Of each long tail one, rather with a contrastive loss: that is what takes time and memory.
    tails = {recipe.data: name for name, recipe in sorted(named.items(), key=lambda pair: pair[1].loss.contrastive)}
    chosen = next(iter(tails.values()))
    if len(tails) > 1:
        shown = [name for name in named if name in tails.values()]
        chosen = st.selectbox("Look at the data of", shown, key="race/look")
    lacks = DATASETS[draft.source].needs_path and "data.path" not in draft.paths
    drawer(named[chosen], None if lacks else execution, name=chosen, key="race/drawer")


def _train(draft: Draft, where: DeltaGenerator, beside: DeltaGenerator) -> None:
    """Draw the button at `where`, what is to be known `beside` it, and here why the race is not trained."""
    recipes: list[Recipe] = []
    try:
        recipes, execution = draft.recipes(), draft.execution()
    except RecipeError as error:
        st.error(f"This race cannot be trained: {verbatim(str(error))}")
    alike = races.twins(recipes)
    if alike is not None:
        first, second = (place + 1 for place in alike)
        st.info(f"Runs {first} and {second} are the same. Change a switch of one, or remove it.")
    ready = bool(recipes) and alike is None
    pressed = where.button("Train", type="primary", icon=":material/play_arrow:", key="race/train", disabled=not ready)
    full = f"The stage shows up to {MOST_RUNS} runs, so a race has no more. "
    beside.caption(full * (len(draft.runs) >= MOST_RUNS) + (_what_came_with_the_project(recipes) if ready else ""))
    if ready:
        _queue_or_offer(draft, recipes, execution, pressed=pressed)


def _queue_or_offer(draft: Draft, recipes: Sequence[Recipe], execution: Execution, *, pressed: bool) -> None:
    """Queue the race if the button was pressed; one that is there already is offered for as long as nothing changes."""
    wanted = ([recipe.hash for recipe in recipes], execution)
    if not pressed and st.session_state.get(_OFFERED) != wanted:
        return
    there = equal_race(the_lab(), recipes, execution.data)
    if there is None:
        st.session_state.pop(_OFFERED, None)
        if pressed:
            _queue(draft, recipes, execution)
        return
    st.session_state[_OFFERED] = wanted
    states = listed(list(dict.fromkeys(run.state for run in there)))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.info(f"This race is there already: {verbatim(there[0].group_name)}, {states}.")
        if st.button("Open it", type="primary", icon=":material/open_in_full:", key="race/open"):
            _open([run.id for run in there])
        if st.button("Train it again", key="race/again"):
            _queue(draft, recipes, execution)


def _what_came_with_the_project(recipes: Sequence[Recipe]) -> str:
    """Say how many the shelf has as well, and on what those were trained: that may show in the last digits."""
    shelved = {run.recipe.hash: run for run in the_lab().shelf.runs}
    known = [shelved[recipe.hash] for recipe in recipes if recipe.hash in shelved]
    if not known:
        return ""
    made = {name: known[0].provenance.get(name, "unknown") for name in ("torch", "device", "threads")}
    return (
        f"{len(known)} of these came with the project (torch {made['torch']}, {made['device']}, threads "
        f"{made['threads']}); trained here, last digits may differ."
    )


def _queue(draft: Draft, recipes: Sequence[Recipe], execution: Execution) -> None:
    try:
        queued = train(draft, recipes, execution)
    except Refused as error:
        st.error(f"Nothing was queued: {verbatim(str(error))}")
        return
    _open(queued)


def _open(run_ids: Sequence[str]) -> None:
    st.session_state.pop(_OFFERED, None)
    show(run_ids)
    st.rerun()
