"""The queue of the videos."""

from __future__ import annotations

import threading

import pytest

from mask_app.video.turns import Turns


@pytest.mark.parametrize(
    ("at_once", "places"), [(1, [0, 1, 2, 3]), (2, [0, 0, 1, 2]), (9, [0, 0, 0, 0])]
)
def test_jobs_run_in_the_order_in_which_they_came(at_once: int, places: list[int]) -> None:
    turns: Turns[str] = Turns(at_once)
    jobs = ["a", "b", "c", "d"]
    for job in jobs:
        turns.join(job)
    assert [turns.place(job) for job in jobs] == places
    assert [turns.wait(job, 0) for job in jobs] == [place == 0 for place in places]
    assert turns.before("c") == ["a", "b"]
    turns.leave("a")
    turns.leave("a")
    assert [turns.place(job) for job in jobs[1:]] == [max(0, place - 1) for place in places[1:]]


def test_who_has_left_does_not_wait() -> None:
    turns: Turns[str] = Turns(1)
    turns.join("a")
    turns.join("b")
    threading.Timer(0.05, turns.leave, ["b"]).start()
    assert not turns.wait("b", 300)
    assert turns.before("b") == []
    assert turns.place("b") == 0


def test_the_next_one_begins_when_one_ends() -> None:
    turns: Turns[str] = Turns(1)
    turns.join("a")
    turns.join("b")
    threading.Timer(0.05, turns.leave, ["a"]).start()
    assert turns.wait("b", 300)
