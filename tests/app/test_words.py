"""Text for people."""

from app import words


def test_long_lists_say_how_many_more_there_are():
    assert words.listed(["a", "b"]) == "a, b"
    assert words.listed([str(n) for n in range(1200)], at_most=2) == "0, 1 and 1,198 more"
