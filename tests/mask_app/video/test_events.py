"""Who wore no mask, and when."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from face_detector import Detections, FaceDetector
from mask_app.video.events import Event, EventLog, as_csv, events_in
from mask_app.video.pictures import with_pictures
from mask_detector.images import decode_photo

Frames = list[dict[int | None, str]]


def events_of(frames: Frames, rate: float = 10) -> list[Event]:
    records = [
        {
            "time_s": number / rate,
            "faces": [
                {"track": track, "label": label.rstrip("?"), "unsure": "?" in label}
                for track, label in faces.items()
            ],
        }
        for number, faces in enumerate(frames)
    ]
    return events_in(records)


MASK, NONE = "with_mask", "without_mask"


@pytest.mark.parametrize(
    ("frames", "events"),
    [
        ([], []),
        ([{}] * 20, []),
        ([{1: MASK}] * 20, []),
        ([{1: NONE}] * 3, []),
        ([{None: NONE}] * 20, []),
        ([{1: NONE + "?"}] * 20, []),
        ([{1: NONE}] * 11, [Event(1, 0, 1)]),
        ([{1: NONE}] * 6 + [{}] * 5 + [{1: NONE}] * 5, [Event(1, 0, 1.5)]),
        (
            [{1: NONE}] * 6 + [{1: MASK}] * 20 + [{1: NONE}] * 6,
            [Event(1, 0, 0.5), Event(1, 2.6, 3.1)],
        ),
        ([{2: NONE}] * 2 + [{1: NONE, 2: NONE}] * 9, [Event(2, 0, 1), Event(1, 0.2, 1)]),
    ],
)
def test_events_are_times_without_a_mask(frames: Frames, events: list[Event]) -> None:
    found = events_of(frames)
    assert [each.track for each in found] == [each.track for each in events]
    for each, wanted in zip(found, events, strict=True):
        assert (each.start_s, each.end_s) == pytest.approx((wanted.start_s, wanted.end_s))


def test_who_is_outside_the_zones_is_in_no_event_and_a_zone_is_named() -> None:
    face = {"label": NONE, "unsure": False}
    faces = [face | {"track": 1, "outside_zone": True}, face | {"track": 2, "zone": "door"}]
    found = events_in({"time_s": number / 10, "faces": faces} for number in range(10))
    assert [(event.track, event.zone) for event in found] == [(2, "door")]
    doubtful = {"label": NONE, "unsure": True, "track": 3}
    records = [{"time_s": number / 10, "faces": [doubtful, *faces]} for number in range(10)]
    assert [event.track for event in events_in(records, "unsure")] == [3]
    rows = as_csv(found, "{:.1f}".format).decode().splitlines()
    assert rows == ["start,seconds,track,label,zone", "0.0,0.9,2,without_mask,door"]
    assert as_csv([], str).decode().splitlines() == rows[:1]


def test_a_picture_is_asked_for_once_and_only_of_an_event_that_lasts() -> None:
    log, asked = EventLog(), []

    def picture(track: int) -> bytes:
        asked.append(track)
        return b"picture"

    for step in range(12):
        log.see(step / 10, [(1, ""), *([(2, "")] if step < 3 else [])], picture)
    assert asked == [1]
    assert [event.picture for event in log.events()] == [b"picture"]
    log.see(5, [])
    log.change_pictures(bytes.upper)
    assert [event.picture for event in log.events()] == [b"PICTURE"]


def test_a_log_stays_small_and_forgets_what_is_older() -> None:
    log = EventLog(most=3)
    for number in range(10):
        for step in range(8):
            log.see(10 * number + step / 10, [(number, "")])
        log.see(10 * number + 5, [])
    assert [event.track for event in log.events()] == [7, 8, 9]


@pytest.mark.parametrize("found", [[], [[170, 40, 240, 130]]])
def test_whom_only_the_detector_finds_is_hidden_too(
    examples: Path, found: Sequence[Sequence[float]]
) -> None:
    """The face beside the person of the event has no record: it is below the confidence."""
    boxes = np.array(found, np.float32).reshape(-1, 4)
    detector = SimpleNamespace(find=lambda image: Detections(boxes, np.ones(len(boxes))))
    face = {"track": 1, "box": [68, 92, 130, 170]}
    records = [{"frame": 40, "time_s": 2.0, "faces": [face]}]
    event = Event(1, 2.0, 2.0)
    video = examples / "example_video.mp4"
    (shown,) = with_pictures([event], video, records, None)
    (hidden,) = with_pictures([event], video, records, cast(FaceDetector, detector))
    pictures = [decode_photo(each.picture).astype(int) for each in (shown, hidden)]
    beside = np.abs(pictures[0] - pictures[1])[:40, -8:]  # right of the hidden face
    assert (beside.mean() > 5) == bool(found)
