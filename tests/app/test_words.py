"""Text for people."""

import re

import pytest

from app import words
from bcl_core.geometry import shot_groups
from bcl_core.metrics import METRICS


def test_long_lists_say_how_many_more_there_are():
    assert words.listed(["a", "b"]) == "a, b"
    assert words.listed([str(n) for n in range(1200)], at_most=2) == "0, 1 and 1,198 more"


def test_a_half_per_cent_is_rounded_up_as_in_the_library():
    assert [words.percent(share) for share in (0.9625, 0.2875, 1.0)] == ["96.3 %", "28.8 %", "100.0 %"]


def test_what_was_drawn_is_said_with_its_factor():
    assert words.drawn([130, 84, 2]) == "drawn: 130 to 2 training images a class, factor 65"
    assert words.drawn([36, 36]) == "drawn: 36 training images a class, factor 1"


def test_groups_of_classes_are_called_what_they_are():
    for name, members in shot_groups([101, 100, 20, 19]).items():
        numbers = [count for count, is_in in zip((101, 100, 20, 19), members, strict=True) if is_in]
        assert {"many": [101], "medium": [100, 20], "few": [19]}[name] == numbers
        told = [int(word) for word in words.SHOTS[name].split() if word.isdigit()]
        assert told == {"many": [100], "medium": [20, 100], "few": [20]}[name]
        assert all(str(number) in METRICS[f"accuracy_{name}"].title for number in told)


@pytest.mark.parametrize(
    "name", ["![x](http://host/y.png)", "$x$ and $y$", "**bold** `code` <b>", ":red[x] ~~y~~ 1. #"]
)
def test_text_from_people_is_no_markdown(name):
    assert re.sub(r"\\(.)", r"\1", words.verbatim(name)) == name
    assert not re.search(r"(?<!\\)[!\[\](){}*_`$~#:<>|]", words.verbatim(name))


def test_what_is_written_from_right_to_left_turns_nothing_around_it():
    hebrew = "\N{HEBREW LETTER ALEF}\N{HEBREW LETTER BET}"
    assert words.verbatim(hebrew) == f"\N{FIRST STRONG ISOLATE}{hebrew}\N{POP DIRECTIONAL ISOLATE}"
    assert words.verbatim("a\N{RIGHT-TO-LEFT OVERRIDE}b\N{POP DIRECTIONAL ISOLATE}c") == "abc"
    assert words.verbatim("two\nlines \N{GRINNING FACE}") == "two lines \N{GRINNING FACE}"


def test_a_class_s_name_is_one_line_that_is_not_turned_and_not_long():
    assert words.plain("abc\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe") == "abcgpj.exe"
    assert words.plain("W" * 10_000) == "W" * 59 + "…"
