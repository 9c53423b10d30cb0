"""Counting people over time."""

from __future__ import annotations

import csv
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from mask_detector.video.people import LEAST_LIFE_S, MinuteCounts, People, UnmaskedRule
from mask_detector.video.sources import Frame
from mask_detector.video.tracking import TrackedFace
from mask_detector.video.view import View

CLASSES = ("with_mask", "without_mask")


def face(
    track: int | None, label: str = "with_mask", unsure: bool = False, outside: bool = False
) -> TrackedFace:
    probabilities = {name: 0.9 if name == label else 0.1 for name in CLASSES}
    return TrackedFace((0, 0, 10, 10), 0.9, probabilities, unsure, track, label, outside)


def view(faces: Sequence[TrackedFace], time_s: float, live: bool = False, source: int = 0) -> View:
    frame = Frame(np.zeros((20, 20, 3), np.uint8), 0, time_s)
    return View(source, f"cam{source}", live, frame, list(faces), [], {}, {})


def test_nobody_is_no_people() -> None:
    people = People(CLASSES)
    people.see([], 0.0)
    assert people.seen() == {"with_mask": 0, "without_mask": 0}


def test_a_person_counts_after_the_least_life() -> None:
    people = People(CLASSES)
    for time_s, counted in ((0.0, 0), (LEAST_LIFE_S / 2, 0), (LEAST_LIFE_S, 1), (9.0, 1)):
        people.see([face(1)], time_s)
        assert people.seen()["with_mask"] == counted


def test_finds_without_a_number_do_not_count() -> None:
    people = People(CLASSES)
    for step in range(20):
        people.see([face(None)], step / 10)
    assert sum(people.seen().values()) == 0


def test_a_person_counts_once_under_the_label_it_had_longest() -> None:
    people = People(CLASSES)
    for step in range(30):
        people.see([face(1, "with_mask" if step < 10 else "without_mask")], step / 10)
        people.see([face(2, unsure=True)], step / 10)
    assert people.seen() == {"with_mask": 0, "without_mask": 1, "unsure": 1}


def test_people_who_were_ever_unmasked_are_counted_beside_their_label() -> None:
    people = People(CLASSES)
    for step in range(40):
        people.see([face(1, "without_mask" if 10 <= step < 16 else "with_mask")], step / 10)
        people.see([face(2, "without_mask" if step == 20 else "with_mask")], step / 10)  # a slip
        people.see([face(3, "without_mask", unsure=True)], step / 10)
    assert people.seen() == {"with_mask": 2, "without_mask": 0, "unsure": 1}
    assert people.ever_unmasked() == 1
    people.see([], 60.0)
    assert (len(people), people.ever_unmasked()) == (0, 1)


def test_people_who_left_stay_counted_but_not_in_memory() -> None:
    people = People(CLASSES)
    for number in range(500):
        for step in range(3):
            people.see([face(number)], 5.0 * number + step / 2)
    assert people.seen()["with_mask"] == 500
    assert len(people) < 5


def rows(path: Path) -> list[list[str]]:
    return list(csv.reader(path.read_text().splitlines()))


def test_every_minute_has_its_row(tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    with MinuteCounts(path, CLASSES) as counts:
        for step in range(650):
            time_s = 3590 + step / 5
            faces = [face(1), face(2, "without_mask")] if time_s < 3650 else [face(1, outside=True)]
            counts.take(view(faces, time_s))
        written_before_the_end = rows(path)
    assert rows(path) == [
        ["source", "minute", "with_mask", "without_mask", "unsure", "most"],
        ["cam0", "0:59", "1", "1", "0", "2"],
        ["cam0", "1:00", "1", "1", "0", "2"],
        ["cam0", "1:01", "0", "0", "0", "0"],
    ]
    assert written_before_the_end == rows(path)[:-1]


def test_the_first_frame_replaces_the_counts_of_an_earlier_run(tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    path.write_text("old\n")
    with MinuteCounts(path, CLASSES):
        pass
    assert path.read_text() == "old\n"
    with MinuteCounts(path, CLASSES) as counts:
        counts.take(view([], 0.0))
        assert rows(path) == [["source", "minute", "with_mask", "without_mask", "unsure", "most"]]


def test_a_live_minute_is_the_clocks_and_sources_are_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "strftime", lambda form: f"now {form}")
    path = tmp_path / "counts.csv"
    with MinuteCounts(path, CLASSES) as counts:
        for step in range(10):
            counts.take(view([face(1)], step / 5, live=True, source=0))
            counts.take(view([face(1, "without_mask")], step / 5, live=True, source=1))
    assert rows(path)[1:] == [
        ["cam0", "now %Y-%m-%d %H:%M", "1", "0", "0", "1"],
        ["cam1", "now %Y-%m-%d %H:%M", "0", "1", "0", "1"],
    ]


def test_a_mask_worn_wrongly_is_none_for_alerts() -> None:
    people = People((*CLASSES, "incorrect_mask"))
    rule = UnmaskedRule(1.0)
    due = []
    for time_s in (0.0, 0.6, 1.2):
        faces = [face(1, "incorrect_mask"), face(2, "with_mask"), face(3, "incorrect_mask", True)]
        people.see(faces, time_s)
        due += rule.due(faces, time_s)
    assert [each.track for each in due] == [1]
    assert people.ever_unmasked() == 1
    assert people.seen()["incorrect_mask"] == 1
