"""What was seen in one frame: the value that video hands from finding to drawing and recording."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from mask_detector.records import frame_record
from mask_detector.video.sources import Frame
from mask_detector.video.tracking import TrackedFace


@dataclass(frozen=True)
class View:
    """What was seen in one frame of one source.

    Attributes:
        source: the source's index.
        name: the source's name, without its password.
        live: it comes from a camera or a stream.
        frame: the frame; its image is the view's own to draw on.
        faces: numbered, with labels decided over time.
        lately: faces that were there a moment ago and are not found now.
        counts: of the faces inside the zones.
        people: distinct people inside the zones so far.
    """

    source: int
    name: str
    live: bool
    frame: Frame
    faces: list[TrackedFace]
    just_lost: list[TrackedFace]
    counts: dict[str, int]
    people: dict[str, int]

    @property
    def inside(self) -> list[TrackedFace]:
        """The faces inside the zones: those that count."""
        return [face for face in self.faces if not face.outside]

    @property
    def time_of_day(self) -> str:
        """Now, as alerts and records of live sources write it: ``2026-11-23T09:30:12+0100``."""
        return time.strftime("%Y-%m-%dT%H:%M:%S%z")

    def record(self, named: bool) -> dict[str, Any]:
        """The view as it stands in JSON lines and CSV, with the source's name where asked.

        That of a live source also tells the time of day, ``at``.
        """
        name = self.name if named else None
        frame = self.frame
        record = frame_record(frame.number, frame.time_s, self.faces, self.counts, name)
        return {**record, "at": self.time_of_day} if self.live else record
