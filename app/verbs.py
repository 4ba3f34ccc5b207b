"""Everything that changes the lab, by name. Pages and `POST /bcl/v1/do` call the same `do`.

| verb                      | arguments                                      | answer        |
|---------------------------|------------------------------------------------|---------------|
| train                     | name, runs: [{name, recipe}, …], execution     | {group, runs} |
| train-on                  | run: one that came with the project; execution | {group, run}  |
| pause, step, resume, stop | target: a run or a group                       | null          |
| rename                    | run, name                                      | {name}        |
| group                     | runs, name: of an old group or a new one       | {group}       |
| delete                    | runs                                           | null          |
| restore, purge            | runs: deleted ones                             | null          |
| mend                      |                                                | {runs}        |
| start-worker              |                                                | null          |
| stop-worker               |                                                | {was_alive}   |
| look                      | recipe, execution, image (null: all), again    | {job}         |
| project                   | run, epoch, method: pca or umap                | {job}         |
| export                    | runs                                           | {job}         |
| present                   | how: off, live or frozen                       | null          |
| show                      | place: lab or learn; search: of the address    | {shown}       |
| ask                       | question, choices: 2 to 6                      | {poll}        |
| answer                    | poll, choice: from 0; visitor is not asked for | {choice}      |
| reveal, close             | poll                                           | null          |
| reset-class               |                                                | null          |
| open-races                | open: whether viewers may start races          | null          |
| start-race                | race: of `app.guests`; visitor is not asked for| {runs, shared}|

Runs and groups are named by their ids; names have 1 to 80 characters; `execution` may be left out, and so may any field
of a recipe that stands at its default. Over HTTP all is one JSON object that also holds the verb and a key of its own:

    curl localhost:8501/bcl/v1/do -H "Content-Type: application/json" \
        -d '{"verb": "pause", "target": "261111-0123456789", "key": "monday-0001"}'

A deleted run is nowhere to be seen until it is restored; it is purged, with its files and for good, after 30 days, or
at once where that is asked for. Of several runs all are deleted, restored or purged, or none.

`mend` enters the run folders again that the database does not know, since it was lost: see `bcl_core.lab.mending`.

`look`, `project` and `export` start a side job, and answer the key under which `GET jobs/{key}` says how it stands. A
job that was started before is left as it is; `again` lets one that has ended look anew. Two jobs run at a time: beyond
them the state stays "unknown", and whoever asks for the same later, as another deed, starts it.

The last ones are a class's, and are done where the server has class roles. What `show` names the class sees while the
presenter is "live". Two verbs are viewers': `answer`, where of a visitor's answers to a question the first stands, and
is the answer; and `start-race`, where the presenter, or BCL_LAB_CLASS_RACES, lets them, one race of a visitor at a
time. These three change nothing where they are asked for again, so that no key of theirs is remembered.

A key is 8 to 64 letters, digits, "-" and "_". Whoever is not sure that a request arrived sends it again with the same
key: it is done once, and answered alike, for a week. What broke off, since the server was killed, is then done once
more; but for `train`, `train-on`, `step` and `ask`, which would add to what was done: those say that they broke off.
"""

import hashlib
import json
import logging
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, Field, ValidationError

from app import classroom, guests
from app.classroom import SEARCH, VISITOR_ID, How, Place
from app.roles import Role, has_class_roles, may
from app.side_jobs import export, look, project
from app.words import listed
from bcl_core.lab import DiskError, GroupPlan, Lab, LabError, ensure_worker, stop_worker
from bcl_core.lab.checks import check_before_training, check_data
from bcl_core.lab.mending import mend
from bcl_core.lab.names import proper_name
from bcl_core.lab.store import MAX_QUEUED
from bcl_core.recipe import RUN_ID, Execution, Recipe, RecipeError
from bcl_core.recipe.fields import Section, explain

KEY = re.compile(r"[A-Za-z0-9_-]{8,64}")
MOST_RUNS = 1000
MAX_SENTENCE = 1000

logger = logging.getLogger(__name__)


class Refused(Exception):
    """Nothing was done, or not all of it; the message says why, and `status` says so in HTTP."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def _an_id(text: str) -> str:
    if not RUN_ID.fullmatch(text):
        raise ValueError("should be the id of a run or a group: 8 to 64 small letters, digits and hyphens")
    return text


def _an_address(text: str) -> str:
    if not SEARCH.fullmatch(text):
        raise ValueError("should be what stands after the question mark of the Lab's address")
    return text


def _a_text(most: int) -> AfterValidator:
    def check(text: str) -> str:
        line = " ".join(text.split())
        if not 1 <= len(line) <= most or not line.isprintable():
            raise ValueError(f"should have 1 to {most} characters, all of them to be seen")
        return line

    return AfterValidator(check)


Id = Annotated[str, AfterValidator(_an_id)]
Name = Annotated[str, AfterValidator(proper_name)]


class NamedRecipe(Section):
    """A run to be queued."""

    name: Name
    recipe: Recipe


class Train(Section):
    """Runs to queue as one group."""

    name: Name
    runs: Annotated[tuple[NamedRecipe, ...], Field(min_length=1, max_length=MAX_QUEUED)]
    execution: Execution = Execution()


class TrainOn(Section):
    """A run of the shelf whose copy is to train on."""

    run: Id
    execution: Execution = Execution()


class Target(Section):
    """A run or a group."""

    target: Id


class Rename(Section):
    """A run and its new name."""

    run: Id
    name: Name


class Runs(Section):
    """Several runs."""

    runs: Annotated[tuple[Id, ...], Field(min_length=1, max_length=MOST_RUNS)]


class Regroup(Runs):
    """Runs and the group that they come into."""

    name: Name


class LookAt(Section):
    """Data to look at, or one training image whose views are to be drawn."""

    recipe: Recipe
    execution: Execution = Execution()
    image: Annotated[int, Field(ge=0)] | None = None
    again: bool = False


class Project(Section):
    """An epoch to make flat."""

    run: Id
    epoch: Annotated[int, Field(ge=0, le=99_999)]
    method: Literal["pca", "umap"]


class Present(Section):
    """Whether, and how, the class follows the presenter."""

    how: How


class Show(Section):
    """The state of the presenter's Lab or lesson."""

    place: Place = "lab"
    search: Annotated[str, AfterValidator(_an_address)]


class Ask(Section):
    """A question to the class."""

    question: Annotated[str, _a_text(200)]
    choices: Annotated[tuple[Annotated[str, _a_text(80)], ...], Field(min_length=2, max_length=6)]


class OfPoll(Section):
    """A question that was asked."""

    poll: Id


class OfVisitor(Section):
    """Something that a visitor does: which one is filled in by `do`, whatever is said."""

    visitor: str


class AnswerTo(OfPoll, OfVisitor):
    """A choice."""

    choice: Annotated[int, Field(ge=0, le=5)]


class OpenRaces(Section):
    """Whether viewers may start races."""

    open: bool


class StartRace(OfVisitor):
    """A race that viewers may start."""

    race: str


def _train(lab: Lab, wanted: Train) -> dict[str, Any]:
    recipes = [run.recipe for run in wanted.runs]
    check_before_training(recipes, wanted.execution.data, elsewhere=True)
    plan = GroupPlan(wanted.name, [(run.name, run.recipe) for run in wanted.runs])
    ids = lab.enqueue(plan, wanted.execution)
    _see_to_a_worker(lab)
    return {"group": lab.run(ids[0]).group_id, "runs": ids}


def _train_on(lab: Lab, wanted: TrainOn) -> dict[str, Any]:
    check_before_training([lab.run(wanted.run).training_recipe], wanted.execution.data, elsewhere=True)
    run_id = lab.enqueue_copy(wanted.run, wanted.execution)
    lab.resume(run_id)
    _see_to_a_worker(lab)
    return {"group": lab.run(run_id).group_id, "run": run_id}


def _see_to_a_worker(lab: Lab) -> None:
    """Start a worker where none is; where that fails the deed stands all the same, and pages say that none is there."""
    try:
        ensure_worker(lab)
    except LabError:
        logger.exception("the training worker could not be started; runs wait in the queue")


def _steering(verb: str, *, trains: bool = False) -> Callable[[Lab, Target], None]:
    def steer(lab: Lab, wanted: Target) -> None:
        getattr(lab, verb)(wanted.target)
        if trains:
            _see_to_a_worker(lab)

    return steer


def _rename(lab: Lab, wanted: Rename) -> dict[str, Any]:
    lab.rename(wanted.run, wanted.name)
    return {"name": wanted.name}


def _look(lab: Lab, wanted: LookAt) -> dict[str, Any]:
    check_data([wanted.recipe], wanted.execution.data)
    return {"job": look(lab, wanted.recipe, wanted.execution, wanted.image, again=wanted.again)}


def _project(lab: Lab, wanted: Project) -> dict[str, Any]:
    return {"job": project(lab, wanted.run, wanted.epoch, wanted.method)}


def _in_class(act: Callable[[Lab, Any], Any]) -> Callable[[Lab, Any], Any]:
    def acting(lab: Lab, wanted: Any) -> Any:
        if not has_class_roles():
            raise LabError("there is no class here: `make classroom` opens one")
        return act(lab, wanted)

    return acting


def _polling(act: Callable[[Lab, Any], Any]) -> Callable[[Lab, Any], Any]:
    """Do something with questions, and have the class see what came of it."""

    def acting(lab: Lab, wanted: Any) -> Any:
        answer = act(lab, wanted)
        classroom.ROOM.read_poll(lambda: lab)
        return answer

    return _in_class(acting)


def _check_cookie(wanted: OfVisitor) -> None:
    if not VISITOR_ID.fullmatch(wanted.visitor):
        raise LabError("visitors are told apart by a cookie: allow this page to keep one, and load it anew")


def _answer(lab: Lab, wanted: AnswerTo) -> dict[str, Any]:
    _check_cookie(wanted)
    return {"choice": lab.polls.answer(wanted.poll, wanted.visitor, wanted.choice)}


def _start_race(lab: Lab, wanted: StartRace) -> dict[str, Any]:
    if not classroom.ROOM.races:
        raise Refused(403, "viewers start no races here at the moment; the presenter decides that")
    if wanted.race not in (known := guests.offered()):
        raise LabError(f"viewers may start {listed(list(known))}; {wanted.race[:40]!r} is none of them")
    _check_cookie(wanted)
    ids, shared = guests.start_race(lab, wanted.race, wanted.visitor)
    _see_to_a_worker(lab)
    return {"runs": ids, "shared": shared}


def _reset(lab: Lab) -> None:
    classroom.ROOM.reset()
    if poll := lab.polls.current():
        lab.polls.close(poll.id)


class Verb(NamedTuple):
    """Something that can be done."""

    schema: type[Section]
    least_role: Role
    act: Callable[[Lab, Any], Any]  # the lab and the checked arguments; returns what JSON can hold
    once: bool = True  # whether it is remembered by its key; else, asked for again, it changes nothing
    adds: bool = False  # whether, done again, it does more; what broke off of the others is done again


VERBS: Mapping[str, Verb] = {
    "train": Verb(Train, "presenter", _train, adds=True),
    "train-on": Verb(TrainOn, "presenter", _train_on, adds=True),
    "pause": Verb(Target, "presenter", _steering("pause")),
    "step": Verb(Target, "presenter", _steering("step", trains=True), adds=True),
    "resume": Verb(Target, "presenter", _steering("resume", trains=True)),
    "stop": Verb(Target, "presenter", _steering("stop")),
    "rename": Verb(Rename, "presenter", _rename),
    "group": Verb(Regroup, "presenter", lambda lab, wanted: {"group": lab.move_to_group(wanted.runs, wanted.name)}),
    "delete": Verb(Runs, "presenter", lambda lab, wanted: lab.delete(wanted.runs)),
    "restore": Verb(Runs, "presenter", lambda lab, wanted: lab.restore(wanted.runs)),
    "purge": Verb(Runs, "presenter", lambda lab, wanted: lab.purge(wanted.runs)),
    "mend": Verb(Section, "presenter", lambda lab, _: {"runs": mend(lab)}),
    "start-worker": Verb(Section, "presenter", lambda lab, _: ensure_worker(lab)),
    "stop-worker": Verb(Section, "presenter", lambda lab, _: {"was_alive": stop_worker(lab)}),
    "look": Verb(LookAt, "presenter", _look),
    "project": Verb(Project, "presenter", _project),
    "export": Verb(Runs, "presenter", lambda lab, wanted: {"job": export(lab, wanted.runs)}),
    "present": Verb(Present, "presenter", _in_class(lambda _, wanted: classroom.ROOM.present(wanted.how))),
    "show": Verb(
        Show, "presenter", _in_class(lambda _, to: {"shown": classroom.ROOM.show(to.place, to.search)}), once=False
    ),
    "ask": Verb(
        Ask, "presenter", _polling(lambda lab, to: {"poll": lab.polls.ask(to.question, to.choices)}), adds=True
    ),
    "answer": Verb(AnswerTo, "viewer", _in_class(_answer), once=False),
    "reveal": Verb(OfPoll, "presenter", _polling(lambda lab, wanted: lab.polls.reveal(wanted.poll))),
    "close": Verb(OfPoll, "presenter", _polling(lambda lab, wanted: lab.polls.close(wanted.poll))),
    "open-races": Verb(OpenRaces, "presenter", _in_class(lambda _, wanted: classroom.ROOM.open_races(wanted.open))),
    "start-race": Verb(StartRace, "viewer", _in_class(_start_race), once=False),
    "reset-class": Verb(Section, "presenter", _polling(lambda lab, _: _reset(lab))),
}


def allowed(role: Role) -> list[str]:
    """Return the verbs of this role, for pages that offer no more; `do` refuses the others whatever they offer."""
    return [name for name, verb in VERBS.items() if may(role, verb.least_role)]


def do(
    lab: Lab, verb: str, arguments: Mapping[str, Any], *, role: Role, key: str | None = None, visitor: str = ""
) -> Any:
    """Do what the verb of VERBS says, once for a key, or each time where there is none; return its answer.

    Arguments may be plain as they come from JSON, or recipes and executions themselves. `visitor` is by which cookie
    the browser that asks is known.

    Raises:
        Refused: 422 there is no such verb, the arguments do not fit, the lab cannot do it, or the key has served for
            something else; 403 the role is too low; 409 begun under this key and not ended yet, or broken off; 503 the
            disk is full, say; 500 it broke off.
    """
    known = VERBS.get(verb)
    if known is None:
        raise Refused(422, f"there is no verb {verb[:40]!r}; the verbs are {', '.join(VERBS)}")
    if not may(role, known.least_role):
        anew = "; a server started anew has another presenter's link, which its terminal prints"
        who = f"the {known.least_role} may{anew if has_class_roles() else ''}"
        raise Refused(403, f"a {role} may not {verb} here; {who}")
    if key is not None and not KEY.fullmatch(key):
        raise Refused(422, f'a key is 8 to 64 letters, digits, "-" and "_"; {key[:80]!r} is not')
    try:
        told = {"visitor": visitor} if "visitor" in known.schema.model_fields else {}
        wanted = known.schema.model_validate({**arguments, **told})
        return _once(lab, key, verb, wanted) if key is not None and known.once else known.act(lab, wanted)
    except ValidationError as error:
        sentence = explain(error)
        raise Refused(422, sentence if len(sentence) <= MAX_SENTENCE else f"{sentence[:MAX_SENTENCE]} …") from error
    except DiskError as error:
        raise Refused(503, str(error)) from error
    except (LabError, RecipeError) as error:
        raise Refused(422, str(error)) from error
    except OSError as error:
        raise Refused(500, f"{verb} broke off ({error}); look at what was done before you ask again") from error


def _once(lab: Lab, key: str, verb: str, wanted: Section) -> Any:
    content = hashlib.sha256(f"{verb} {wanted.model_dump_json()}".encode()).hexdigest()
    with lab.deeds.claimed(key, content, again=not VERBS[verb].adds) as before:
        if before is None:
            try:
                answer = VERBS[verb].act(lab, wanted)
            except DiskError:  # nobody can say what was done
                raise
            except (LabError, RecipeError):
                lab.deeds.free(key)
                raise
            lab.deeds.keep_answer(key, json.dumps(answer))
            return answer
    if before.content != content:
        raise Refused(422, f"the key {key} has served for something else; each deed has a key of its own")
    if before.answer is None:
        begun = f"{verb} was begun under this key and"
        if before.is_underway:
            raise Refused(409, f"{begun} has not ended: ask again in a moment")
        raise Refused(409, f"{begun} broke off, as where a server is killed: look at what was done, and take a new key")
    return json.loads(before.answer)
