"""One description of what the routes answer, in Python and in JavaScript."""

import typing

import pytest

from app.routes import contract
from app.routes.about import about, controls
from bcl_core.lab import Lab
from bcl_core.lab.pulse import Pulse
from harness.made_runs import make_runs


def test_the_shapes_in_javascript_are_those_in_python():
    assert contract.JAVASCRIPT.read_text(encoding="utf-8") == contract.javascript(), (
        "run `python -m app.routes.contract`"
    )


def test_a_type_without_a_name_in_javascript_is_refused():
    with pytest.raises(TypeError, match="no name in JavaScript"):
        contract._named(bytes)


def test_what_is_answered_has_the_shapes_that_are_written_down(tmp_path):
    import json

    lab = Lab(tmp_path)
    [made] = make_runs(lab, ["bcl"], 2)
    pulse = Pulse(lab)
    pulse.look([made.id, "nobody-there"])
    told = json.loads(pulse.answer([made.id, "nobody-there"], 0).content)
    check(told, contract.pulse.LabPulse)
    run = lab.run(made.id)
    check(about(lab, run), contract.about.About)
    check(controls(lab, run), contract.about.Controls)


def check(value: object, kind: object) -> None:
    """Fail unless the value has this type, all the way down."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if typing.is_typeddict(kind):
        fields = typing.get_type_hints(kind)
        assert isinstance(value, dict) and value.keys() == fields.keys(), (value, kind)
        for name, of in fields.items():
            check(value[name], of)
    elif origin is list:
        assert isinstance(value, list)
        for item in value:
            check(item, inner[0])
    elif origin is dict:
        assert isinstance(value, dict)
        for item in value.values():
            check(item, inner[1])
    elif origin is typing.Literal:
        assert value in inner, (value, kind)
    elif inner:
        assert any(fits(value, of) for of in inner), (value, kind)
    else:
        assert isinstance(value, (int, float) if kind is float else kind), (value, kind)  # type: ignore[arg-type]


def fits(value: object, kind: object) -> bool:
    try:
        check(value, kind)
    except AssertionError:
        return False
    return True
