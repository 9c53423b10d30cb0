"""The people of a stream in the history: each once, whatever happens to the stream."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from waiting import PATIENCE_S

from mask_app.history.recorder import MinuteRecorder, wait_until_written
from mask_app.history.store import HistoryStore
from mask_detector.video.people import People
from mask_detector.video.tracking import TrackedFace

LABEL = "without_mask"
CLASSES = ("with_mask", LABEL)


class Clock:
    minute = 30_000_000

    def __call__(self) -> int:
        return self.minute


@pytest.fixture
def store(tmp_path: Path) -> HistoryStore:
    return HistoryStore(tmp_path / "history.sqlite", days=36_500)


@pytest.fixture
def see() -> Callable[[People, int, float], None]:
    """Show a person without a mask for a second, from a time on; nobody for number 0."""

    def see(people: People, track: int, start_s: float) -> None:
        probabilities = {"with_mask": 0.1, "without_mask": 0.9}
        for step in range(5):
            face = TrackedFace((0, 0, 9, 9), 0.9, probabilities, track=track, decided=LABEL)
            people.see([face] if track else [], start_s + step / 4)

    return see


def rows(store: HistoryStore) -> list[tuple[int, str, str, int]]:
    wait_until_written(PATIENCE_S)
    return store.rows(0)


@pytest.mark.parametrize("shared", [False, True])
def test_a_person_counts_once_in_the_minute_of_leaving(
    store: HistoryStore, see: Callable[[People, int, float], None], shared: bool
) -> None:
    clock, people = Clock(), People(CLASSES)
    recorder = MinuteRecorder(store, "Door", shared, clock)
    for track, start_s in ((1, 0.0), (0, 30.0), (2, 62.0), (0, 90.0), (3, 120.0)):
        see(people, track, start_s)
        clock.minute = Clock.minute + int(start_s // 60)
        recorder.take(people)
    first, second = Clock.minute, Clock.minute + 1
    # The last one is still in sight; another viewer of a shared camera would count them, too.
    recorder.end()
    recorder.take(people)
    recorder.end()
    expected = [(first, "Door", "without_mask", 1), (second, "Door", "without_mask", 1)]
    last = [] if shared else [(second + 1, "Door", "without_mask", 1)]
    assert rows(store) == expected + last


def test_a_new_stream_begins_at_nothing(
    store: HistoryStore, see: Callable[[People, int, float], None]
) -> None:
    recorder = MinuteRecorder(store, "Door", shared=False, clock=Clock())
    for _ in range(3):
        people = People(CLASSES)
        see(people, 1, 0.0)
        recorder.take(people)
    recorder.end()
    assert rows(store) == [(Clock.minute, "Door", "without_mask", 3)]


def test_a_recorder_that_comes_later_does_not_count_who_left_before(
    store: HistoryStore, see: Callable[[People, int, float], None]
) -> None:
    people = People(CLASSES)
    see(people, 1, 0.0)
    see(people, 0, 30.0)
    recorder = MinuteRecorder(store, "Door", shared=False, clock=Clock())
    recorder.take(people)
    recorder.end()
    assert rows(store) == []
    assert store.watched(0) == [(Clock.minute, "Door", 1)]
