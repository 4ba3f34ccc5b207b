"""Numbers as people say them."""

import pytest

from app import words


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0297, "30 ms"),
        (8.9, "9 s"),
        (89, "89 s"),
        (90, "2 min"),
        (5399, "90 min"),
        (5400, "1.5 h"),
        (86_400, "24 h"),
        (400_000, "4.6 days"),
    ],
)
def test_a_length_of_time_has_a_unit_that_fits(seconds, said):
    assert words.duration(seconds) == said


@pytest.mark.parametrize(("size", "said"), [(48_640, "49 kB"), (939e6, "939 MB"), (83.2e9, "83.2 GB")])
def test_an_amount_of_memory_has_a_unit_that_fits(size, said):
    assert words.memory(size) == said


def test_long_lists_say_how_many_more_there_are():
    assert words.listed(["a", "b"]) == "a, b"
    assert words.listed([str(n) for n in range(1200)], at_most=2) == "0, 1 and 1,198 more"


def test_one_is_no_plural():
    assert [words.plural(n, "class", "classes") for n in (1, 2)] == ["1 class", "2 classes"]
