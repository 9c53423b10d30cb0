"""Who wore no mask, and when: from the records of a processed video."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mask_detector.video.people import LEAST_LIFE_S, UNMASKED

LONGEST_GAP_S = 1.0
"""An event goes on where a person was not seen, or wore a mask, for no longer than this."""


@dataclass(frozen=True)
class Event:
    """A time in which a person wore no mask.

    Attributes:
        track: the person's number.
        start_s: seconds from the video's start.
        end_s: time of the last frame without a mask.
    """

    track: int
    start_s: float
    end_s: float

    @property
    def seconds(self) -> float:
        """Duration."""
        return self.end_s - self.start_s


def read_events(path: Path) -> list[Event]:
    """The events of a video, from its JSON lines; see :func:`unmasked_events`."""
    with path.open(encoding="utf-8") as lines:
        return unmasked_events(map(json.loads, lines))


def unmasked_events(records: Iterable[Mapping[str, Any]]) -> list[Event]:
    """The events in records of frames, in order of their start.

    Args:
        records: as ``detect_mask_video.py --json`` writes them, in order; N = 0 gives no events.

    Returns:
        Those of at least ``people.LEAST_LIFE_S``: shorter ones may be errors.
    """
    open_events: dict[int, Event] = {}
    events = []
    for record in records:
        time_s = record["time_s"]
        for face in record["faces"]:
            track = face["track"]
            if track is None or face["label"] != UNMASKED or face.get("unsure"):
                continue
            event = open_events.get(track)
            if event is not None and time_s - event.end_s > LONGEST_GAP_S:
                events.append(event)
                event = None
            start_s = time_s if event is None else event.start_s
            open_events[track] = Event(track, start_s, time_s)
    events += open_events.values()
    lasting = [event for event in events if event.seconds >= LEAST_LIFE_S]
    return sorted(lasting, key=lambda event: (event.start_s, event.track))
