"""What is kept in memory is bounded by bytes, and made once however many ask."""

import threading

import pytest

from bcl_core.lab.cache import Cache


def test_the_least_recently_used_is_forgotten_first_and_the_bytes_stay_below_the_limit():
    made: list[int] = []
    cache: Cache[int, int] = Cache(30)

    def get(key: int) -> int:
        return cache.get(key, lambda: (made.append(key) or 10 * key, 10))

    assert [get(key) for key in (1, 2, 3, 1, 4, 1, 2)] == [10, 20, 30, 10, 40, 10, 20]
    assert made == [1, 2, 3, 4, 2]  # 2 was the oldest when 4 came
    assert cache.size == 30


def test_what_is_larger_than_the_limit_is_handed_out_and_not_kept():
    cache: Cache[str, str] = Cache(10)
    assert cache.get("a", lambda: ("large", 11)) == "large"
    assert cache.size == 0


def test_many_who_ask_at_once_wait_for_one_who_makes_it():
    cache: Cache[str, int] = Cache(100)
    made, start = [], threading.Barrier(8)

    def make() -> tuple[int, int]:
        made.append(threading.get_ident())
        threading.Event().wait(0.05)
        return 7, 1

    def ask() -> None:
        start.wait()
        found.append(cache.get("key", make))

    found: list[int] = []
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [7] * 8 and len(made) == 1


def test_what_could_not_be_made_is_tried_again():
    cache: Cache[str, int] = Cache(100)
    with pytest.raises(ZeroDivisionError):
        cache.get("key", lambda: (1 // 0, 1))
    assert cache.get("key", lambda: (3, 1)) == 3
