"""Who wore no mask, and when: from the records of a processed video, or frame by frame."""

from __future__ import annotations

import csv
import io
import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mask_detector.video.people import LEAST_LIFE_S, UNMASKED, happens_to

LONGEST_GAP_S = 1.0
"""An event goes on where a person was not seen, or wore a mask, for no longer than this."""

CSV_COLUMNS = ("start", "seconds", "track", "label", "zone")
"""Columns of :func:`as_csv`."""


@dataclass(frozen=True)
class Event:
    """A time in which a person wore no mask, or another label.

    Attributes:
        track: the person's number.
        start_s: seconds from the video's start; of a camera, ``time.time()``.
        end_s: time of the last frame with that label.
        zone: name of the zone in which it began; empty where there is none.
        picture: a small JPEG of the person, empty where there is none; see ``pictures``.
    """

    track: int
    start_s: float
    end_s: float
    zone: str = ""
    picture: bytes = field(default=b"", repr=False, compare=False)

    @property
    def seconds(self) -> float:
        """Duration."""
        return self.end_s - self.start_s


class EventLog:
    """Events as they happen.

    Args:
        most: older events are forgotten beyond this number; None keeps all.
    """

    def __init__(self, most: int | None = None) -> None:
        self._open: dict[int, Event] = {}
        self._ended: deque[Event] = deque(maxlen=most)

    def see(
        self,
        time_s: float,
        people: Iterable[tuple[int, str]],
        picture: Callable[[int], bytes] | None = None,
    ) -> None:
        """Take in a frame.

        Args:
            time_s: its time; those of the last frame or later.
            people: number of each person with the label, and the name of their zone.
            picture: gives a picture of the person of that number in the frame; asked once for
                each event, as soon as it lasts ``people.LEAST_LIFE_S``.
        """
        self._end(lambda event: time_s - event.end_s > LONGEST_GAP_S)
        for track, zone in people:
            event = self._open.get(track, Event(track, time_s, time_s, zone))
            event = replace(event, end_s=time_s)
            if picture and not event.picture and event.seconds >= LEAST_LIFE_S:
                event = replace(event, picture=picture(track))
            self._open[track] = event

    def begin(self) -> None:
        """Numbers begin again: nobody goes on from here."""
        self._end(lambda event: True)

    def change_pictures(self, change: Callable[[bytes], bytes]) -> None:
        """Replace each picture by what it is changed to."""
        for index, event in enumerate(self._ended):
            self._ended[index] = replace(event, picture=change(event.picture))
        for track, event in self._open.items():
            self._open[track] = replace(event, picture=change(event.picture))

    def _end(self, over: Callable[[Event], bool]) -> None:
        for event in [event for event in self._open.values() if over(event)]:
            del self._open[event.track]
            if event.seconds >= LEAST_LIFE_S:
                self._ended.append(event)

    def events(self) -> list[Event]:
        """Those of at least ``people.LEAST_LIFE_S``, in order of their start: shorter ones may be
        errors.
        """
        lasting = [event for event in self._open.values() if event.seconds >= LEAST_LIFE_S]
        return sorted([*self._ended, *lasting], key=lambda event: (event.start_s, event.track))


def read_events(path: Path) -> list[Event]:
    """The events of a video, from its JSON lines; see :func:`events_in`."""
    with path.open(encoding="utf-8") as lines:
        return events_in(map(json.loads, lines))


def events_in(records: Iterable[Mapping[str, Any]], label: str = UNMASKED) -> list[Event]:
    """The events in records of frames; see :meth:`EventLog.events`.

    Args:
        records: as ``detect_mask_video.py --json`` writes them, in order; N = 0 gives no events.
        label: a class, or ``unsure``.
    """
    log = EventLog()
    for record in records:
        people = [
            (face["track"], face.get("zone", ""))
            for face in record["faces"]
            if face["track"] is not None
            and happens_to("unsure" if face.get("unsure") else face["label"]) == label
            and not face.get("outside_zone")
        ]
        log.see(record["time_s"], people)
    return log.events()


def as_csv(events: Sequence[Event], start: Callable[[float], str]) -> bytes:
    """A table of events: a row for each, with ``CSV_COLUMNS``.

    Args:
        events: N = 0 gives the header only.
        start: how a time is written.
    """
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(CSV_COLUMNS)
    rows.writerows(
        [start(event.start_s), f"{event.seconds:.1f}", event.track, UNMASKED, event.zone]
        for event in events
    )
    return text.getvalue().encode()
