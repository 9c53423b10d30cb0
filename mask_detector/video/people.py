"""How many people were seen, by label: since the start, and minute by minute.

    people = People(detector.classes)
    people.see(faces, time_s)
    people.seen()           # {"with_mask": 3, "without_mask": 1}
    people.ever_unmasked()  # 2

A person is a track that was in sight for at least ``LEAST_LIFE_S``, and counts under the label
that it had for the longest time. Tracks that are gone are only added up: memory stays flat.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mask_detector.faces import UNMASKED_LABELS
from mask_detector.records import CsvRows
from mask_detector.video.tracking import FORGET_S, TrackedFace
from mask_detector.video.view import View

LEAST_LIFE_S = 0.5
"""Seconds in sight that make a track a person: single false detections are none. A person who had
no mask for as long was without one at some time."""

UNMASKED = "without_mask"
"""The class that alerts and snapshots are about; masks worn wrongly count as none."""

_FORGET_UNMASKED_S = 5.0
_LONGEST_GAP_S = 1.0  # of a longer gap between two frames, the rest was not spent in sight
_SINGLE_FRAME_S = 1e-3


def happens_to(label: str) -> str:
    """The event that a face of this label is part of: a mask worn wrongly is none."""
    return UNMASKED if label in UNMASKED_LABELS else label


@dataclass
class _Sight:
    """A track while it is, or may come back, in sight."""

    last_s: float
    life_s: float = 0.0
    label_s: dict[str, float] = field(default_factory=dict)

    def see(self, label: str, time_s: float) -> None:
        passed = min(max(time_s - self.last_s, 0.0), _LONGEST_GAP_S)
        self.life_s += passed
        self.label_s[label] = self.label_s.get(label, 0.0) + (passed or _SINGLE_FRAME_S)
        self.last_s = time_s

    @property
    def is_person(self) -> bool:
        return self.life_s >= LEAST_LIFE_S

    @property
    def label(self) -> str:
        return max(self.label_s, key=self.label_s.__getitem__)

    @property
    def ever_unmasked(self) -> bool:
        return sum(self.label_s.get(name, 0.0) for name in UNMASKED_LABELS) >= LEAST_LIFE_S


class People:
    """Distinct people by label, from the tracked faces of one source.

    Args:
        classes: the model's class names; "unsure" is a label too.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self._labels = (*classes, "unsure")
        self._in_sight: dict[int, _Sight] = {}
        self._gone: Counter[str] = Counter()
        self._gone_unmasked = 0

    def see(self, faces: Iterable[TrackedFace], time_s: float) -> None:
        """Take in the faces of a frame; those without a number do not count yet."""
        for face in faces:
            if face.track is None:
                continue
            sight = self._in_sight.setdefault(face.track, _Sight(time_s))
            sight.see(face.counted_as, time_s)
        for track, sight in list(self._in_sight.items()):
            if sight.last_s < time_s - 2 * FORGET_S:
                del self._in_sight[track]
                self._gone.update([sight.label] if sight.is_person else [])
                self._gone_unmasked += sight.ever_unmasked

    def seen(self) -> dict[str, int]:
        """People seen so far, every class named; ``unsure`` only where there are any."""
        total = self._gone.copy()
        total.update(sight.label for sight in self._in_sight.values() if sight.is_person)
        return {label: total[label] for label in self._labels if total[label] or label != "unsure"}

    def gone(self) -> dict[str, int]:
        """Those of :meth:`seen` who left, and whose label is final; labels of nobody left out."""
        return dict(self._gone)

    def ever_unmasked(self) -> int:
        """People who were without a mask for ``LEAST_LIFE_S`` or longer, whatever their label."""
        return self._gone_unmasked + sum(each.ever_unmasked for each in self._in_sight.values())

    def __len__(self) -> int:
        """Tracks held in memory."""
        return len(self._in_sight)


class UnmaskedRule:
    """Which faces have been without a mask for long enough, each person once.

    Args:
        after_s: seconds without a mask.
        cooldown_s: minimum seconds between two people; those who are due earlier wait.

    Attributes:
        cooldown_s: may be changed between two frames.
    """

    def __init__(self, after_s: float, cooldown_s: float = 0.0) -> None:
        self._after_s, self.cooldown_s = after_s, cooldown_s
        self._since: dict[int, float] = {}
        self._seen: dict[int, float] = {}
        self._reported: set[int] = set()
        self._last = -float("inf")

    def due(self, faces: Iterable[TrackedFace], time_s: float) -> list[TrackedFace]:
        """The faces of a frame that are due now."""
        due = []
        for face in faces:
            track = face.track
            if track is None:
                continue
            self._seen[track] = time_s
            if not face.unmasked:
                self._since.pop(track, None)
                continue
            # Once a person, and after the last one's cooldown.
            since = self._since.setdefault(track, time_s)
            if (
                track not in self._reported
                and time_s - since >= self._after_s
                and time_s - self._last >= self.cooldown_s
            ):
                self._reported.add(track)
                self._last = time_s
                due.append(face)
        # ByteTrack's numbers are never used again: memory stays flat.
        for track in [
            each for each, seen in self._seen.items() if seen < time_s - _FORGET_UNMASKED_S
        ]:
            del self._seen[track]
            self._since.pop(track, None)
            self._reported.discard(track)
        return due


class MinuteCounts:
    """Writes a CSV with the people of each minute: one row per minute and source.

    Columns: source; minute, the clock's for live sources, else the video's (H:MM); the people of
    each label; most, the most faces in sight at once.

    Raises:
        UserFacingError: the file cannot be written.
    """

    def __init__(self, path: str | Path, classes: Sequence[str]) -> None:
        self._classes = tuple(classes)
        self._rows = CsvRows(path, ["source", "minute", *self._classes, "unsure", "most"])
        self._minutes: dict[int, _Minute] = {}

    def take(self, view: View) -> None:
        """Take in what was seen in a frame."""
        minutes = int(view.frame.time_s) // 60
        name = f"{minutes // 60}:{minutes % 60:02d}"
        if view.live:
            name = time.strftime("%Y-%m-%d %H:%M")
        minute = self._minutes.get(view.source)
        if minute is None or minute.name != name:
            # The first frame replaces the counts of an earlier run, before there is a row.
            self._rows.write([self._row(minute)] if minute else [])
            minute = _Minute(view.name, name, People(self._classes))
            self._minutes[view.source] = minute
        minute.people.see(view.inside, view.frame.time_s)
        minute.most = max(minute.most, len(view.inside))

    def close(self) -> None:
        """Write the minutes that have begun, and close the file."""
        if self._minutes:
            self._rows.write(map(self._row, self._minutes.values()))
        self._rows.close()

    def __enter__(self) -> MinuteCounts:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _row(self, minute: _Minute) -> list[Any]:
        seen = minute.people.seen()
        people = [seen.get(label, 0) for label in (*self._classes, "unsure")]
        return [minute.source, minute.name, *people, minute.most]


@dataclass
class _Minute:
    source: str
    name: str
    people: People
    most: int = 0
