"""A class: who presents is followed, everybody answers a question once, and nothing of it is there without a class."""

import csv
import io

import pytest

from app import classroom, guests, roles
from app.classroom import MOST_VISITORS, VISITOR, Room
from app.routes.classroom import _csv
from app.verbs import VERBS, Refused, do
from bcl_core.lab import Lab
from bcl_core.lab import polls as polls_module
from bcl_core.lab.worker.worker import Worker
from bcl_core.recipe import PRESETS, RACES

ANNA, BEN = "a" * 32, "b" * 32
OF_CLASS = {
    "present": {"how": "live"},
    "show": {"search": "runs=digits-scl"},
    "ask": {"question": "Which?", "choices": ["this", "that"]},
    "answer": {"poll": "0123456789abcdef", "choice": 0},
    "reveal": {"poll": "0123456789abcdef"},
    "close": {"poll": "0123456789abcdef"},
    "reset-class": {},
    "open-races": {"open": True},
    "start-race": {"race": "digits"},
}


@pytest.fixture
def room(monkeypatch):
    """The room of a class that has just come in."""
    monkeypatch.setenv(roles.CLASS, "1")
    monkeypatch.setattr(classroom, "ROOM", Room())
    return classroom.ROOM


def present(lab, verb, **arguments):
    return do(lab, verb, arguments, role="presenter")


def answer(lab, poll, choice, who, **more):
    return do(lab, "answer", {"poll": poll, "choice": choice, **more}, role="viewer", visitor=who)["choice"]


def refusal(lab, verb, role="presenter", visitor="", **arguments):
    with pytest.raises(Refused) as refused:
        do(lab, verb, arguments, role=role, visitor=visitor)
    return refused.value.status, str(refused.value)


@pytest.mark.parametrize("verb", OF_CLASS)
def test_without_a_class_its_verbs_do_nothing(lab, verb, monkeypatch):
    monkeypatch.delenv(roles.CLASS, raising=False)
    monkeypatch.setattr("app.verbs.has_class_roles", lambda: False)
    status, said = refusal(lab, verb, role="owner", **OF_CLASS[verb])
    assert status == 422 and "make classroom" in said
    assert not lab.polls.all()


def test_a_viewer_may_answer_and_where_races_are_open_start_one_and_nothing_else():
    assert [name for name, verb in VERBS.items() if verb.least_role == "viewer"] == ["answer", "start-race"]


def test_a_presenter_of_an_earlier_server_is_told_of_the_new_link(lab, room):
    status, said = refusal(lab, "present", role="viewer", how="live")
    assert status == 403 and said.startswith("a viewer may not present here; the presenter may; a server started anew")
    assert said.endswith("another presenter's link, which its terminal prints")


def test_what_is_shown_is_the_presenter_s_address_while_it_is_live_and_held_while_it_is_frozen(lab, room):
    assert present(lab, "show", search="runs=digits-scl&epoch=3") == {"shown": False}
    present(lab, "present", how="live")
    assert present(lab, "show", search="runs=digits-scl&epoch=4") == {"shown": True}
    present(lab, "present", how="frozen")
    assert present(lab, "show", search="runs=digits-scl&epoch=5") == {"shown": False}
    assert b"epoch=4" in room.answer.content
    present(lab, "present", how="live")
    assert b"epoch=4" in room.answer.content
    present(lab, "present", how="off")
    assert b"epoch" not in room.answer.content


@pytest.mark.parametrize(
    "search", ["runs=<script>", "runs=a b", "runs=a#x", "https://school.example/", "x" * 8001, "runs=ä"]
)
def test_only_an_address_s_query_is_shown(lab, room, search):
    present(lab, "present", how="live")
    status, said = refusal(lab, "show", search=search)
    assert status == 422 and "address" in said


def test_showing_and_answering_leave_no_keys_behind(lab, room):
    present(lab, "present", how="live")
    poll = present(lab, "ask", **OF_CLASS["ask"])["poll"]
    do(lab, "show", {"search": "epoch=1"}, role="presenter", key="key-of-one")
    do(lab, "show", {"search": "epoch=2"}, role="presenter", key="key-of-one")
    do(lab, "answer", {"poll": poll, "choice": 0}, role="viewer", key="key-of-one", visitor=ANNA)
    with lab.deeds.claimed("key-of-one", "free", again=False) as before:
        assert before is None


def test_of_a_visitor_s_answers_the_first_stands_whatever_name_is_given(lab, room):
    poll = present(lab, "ask", **OF_CLASS["ask"])["poll"]
    assert answer(lab, poll, 1, ANNA) == 1
    assert answer(lab, poll, 0, ANNA) == 1
    assert answer(lab, poll, 0, ANNA, visitor="c" * 32) == 1  # who asks is told by the cookie alone
    assert answer(lab, poll, 0, BEN) == 0
    assert lab.polls.current().counts == (1, 1)


def test_nobody_answers_without_a_cookie_or_what_is_no_choice_or_too_late_or_too_often(lab, room, monkeypatch):
    poll = present(lab, "ask", **OF_CLASS["ask"])["poll"]
    for visitor in ("", "anna", "A" * 32):
        assert "cookie" in refusal(lab, "answer", "viewer", visitor, poll=poll, choice=0)[1]
    assert "no choice 3" in refusal(lab, "answer", "viewer", ANNA, poll=poll, choice=2)[1]
    monkeypatch.setattr(polls_module, "MOST_ANSWERS", 1)
    answer(lab, poll, 0, ANNA)
    assert refusal(lab, "answer", "viewer", BEN, poll=poll, choice=0)[0] == 422
    assert answer(lab, poll, 0, ANNA) == 0
    present(lab, "reveal", poll=poll)
    assert "no answers any more" in refusal(lab, "answer", "viewer", BEN, poll=poll, choice=0)[1]
    assert lab.polls.current().counts == (1, 0)


@pytest.mark.parametrize(
    "arguments",
    [
        {"question": " ", "choices": ["a", "b"]},
        {"question": "x" * 201, "choices": ["a", "b"]},
        {"question": "bell \a", "choices": ["a", "b"]},
        {"question": "Which?", "choices": ["a"]},
        {"question": "Which?", "choices": list("abcdefg")},
        {"question": "Which?", "choices": ["a", "x" * 81]},
    ],
)
def test_a_question_has_words_and_two_to_six_choices(lab, room, arguments):
    assert refusal(lab, "ask", **arguments)[0] == 422
    assert not lab.polls.all()


def test_counts_are_nobody_s_before_they_are_revealed_and_a_new_question_takes_the_old_one_s_place(lab, room):
    first = present(lab, "ask", **OF_CLASS["ask"])["poll"]
    answer(lab, first, 0, ANNA)
    assert b'"counts": null' in room.answer.content
    present(lab, "reveal", poll=first)
    assert b'"counts": [1, 0]' in room.answer.content
    second = present(lab, "ask", question="And now?", choices=["yes", "no"])["poll"]
    assert second.encode() in room.answer.content and first.encode() not in room.answer.content
    assert "not before the class" in refusal(lab, "reveal", poll=first)[1]
    present(lab, "reset-class")
    assert b'"poll": null' in room.answer.content
    table = list(csv.reader(io.StringIO(_csv(lab).body.decode())))
    assert [row[1:] for row in table[1:]] == [
        ["Which?", "this", "1"],
        ["Which?", "that", "0"],
        ["And now?", "yes", "0"],
        ["And now?", "no", "0"],
    ]


def test_viewers_start_races_where_they_are_let_small_ones_behind_the_presenter_s_and_the_same_one_is_shared(
    lab, room, no_worker, monkeypatch
):
    def start(race="digits", who=ANNA):
        return do(lab, "start-race", {"race": race}, role="viewer", visitor=who)

    assert refusal(lab, "start-race", "viewer", race="digits")[0] == 403
    assert refusal(lab, "open-races", "viewer", open=True)[0] == 403
    present(lab, "open-races", open=True)
    first = start()
    assert not first["shared"] and lab.run(first["runs"][0]).name == "SCL, seed 0"
    assert start() == {**first, "shared": True}
    own = present(lab, "train", name="own", runs=[{"name": "run", "recipe": {}}])["runs"]
    waiting = sorted(lab.active_runs(), key=lambda run: run.turn)
    assert [run.id for run in waiting] == [*own, *first["runs"]]
    other = next(race for race in guests.offered() if race != "digits")
    assert "has not ended: one race at a time" in refusal(lab, "start-race", "viewer", ANNA, race=other)[1]
    assert "told apart by a cookie" in refusal(lab, "start-race", "viewer", race=other)[1]
    theirs = start(other, BEN)["runs"]
    assert [run.id for run in sorted(lab.active_runs(), key=lambda run: run.turn)] == [*own, *first["runs"], *theirs]
    assert start(other) == {"runs": theirs, "shared": True}, "what is there anyway, anybody may have shown"
    gone_on = []
    monkeypatch.setattr(Worker, "_side_by_side", lambda _, runs: gone_on.append([run.id for run in runs]))
    Worker(lab).look()
    assert gone_on == [own]
    for race in ("cifar10-paper", "own-images", "imagenet-lt", "../digits"):
        assert "viewers may start digits" in refusal(lab, "start-race", "viewer", race=race)[1]
    assert all(PRESETS[name].recipe.epochs <= 60 for race in guests.offered() for name in RACES[race].presets)
    for run_id in first["runs"]:
        lab.stop(run_id)
    assert not start()["shared"], "another one once it has ended"
    present(lab, "reset-class")
    assert refusal(lab, "start-race", "viewer", race="digits")[0] == 403
    monkeypatch.setenv(classroom.RACES, "1")
    assert Room().races


def test_a_viewer_is_offered_races_where_they_are_open_and_sees_the_one_that_was_started(
    lab, room, no_worker, open_page, monkeypatch
):
    monkeypatch.setattr("app.roles.role_of", lambda *_: "viewer")
    monkeypatch.setattr("streamlit.runtime.context.ContextProxy.cookies", {VISITOR: ANNA})
    assert not open_page("lab").menu_button
    assert "Train it now" not in [button.label for button in open_page("start").button]
    room.open_races(True)
    page = open_page("lab")
    page.menu_button(key="lab/start").click("SCL vs BCL, digits, imbalance 50").run()
    runs = [run.id for run in lab.runs()]
    assert len(runs) == 3 and page.multiselect(key="lab/runs").value == runs
    next(button for button in open_page("start").button if button.label == "Train it now").click().run()
    assert [run.id for run in lab.runs()] == runs


def test_answers_outlive_the_server_and_cannot_be_told_to_be_one_person_s(lab, room):
    for _ in range(2):
        answer(lab, present(lab, "ask", **OF_CLASS["ask"])["poll"], 0, ANNA)
    anew = Room()
    anew.read_poll(lambda: Lab(lab.home))
    assert b"Which?" in anew.answer.content
    with lab._database.reading() as db:
        voters = [voter for (voter,) in db.execute("SELECT voter FROM answers")]
    assert len(set(voters)) == 2 and not any(ANNA in voter for voter in voters)


def test_who_is_here_is_who_has_asked_lately(room, monkeypatch):
    now = 100.0
    monkeypatch.setattr(classroom.time, "monotonic", lambda: now)
    room.meet(ANNA, following=True)
    room.meet(BEN, following=True)
    room.meet(BEN, following=False)
    assert room.here() == (1, 1)
    now += classroom.GONE_SECONDS - 1
    room.meet(ANNA, following=True)
    now += 2
    assert room.here() == (1, 0)
    for i in range(2 * MOST_VISITORS):
        room.meet(f"{i:032x}", following=True)
    assert sum(room.here()) == MOST_VISITORS
    room.reset()
    assert room.here() == (0, 0)


def test_the_same_bytes_are_told_to_all_until_something_changes(lab, room):
    before = room.answer
    present(lab, "present", how="off")
    assert room.answer is before
    present(lab, "present", how="live")
    assert room.answer.etag != before.etag
