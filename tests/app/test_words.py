"""Text for people."""

import re

import pytest

from app import words


def test_long_lists_say_how_many_more_there_are():
    assert words.listed(["a", "b"]) == "a, b"
    assert words.listed([str(n) for n in range(1200)], at_most=2) == "0, 1 and 1,198 more"


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
