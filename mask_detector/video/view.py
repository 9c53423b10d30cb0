"""What was seen in one frame: the value that video hands from finding to drawing and recording."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any

import cv2

from mask_detector.faces import Face, Faces
from mask_detector.privacy import hide_faces
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
        just_lost: faces of the last frames that this frame does not have; they may only have
            been missed.
        counts: of the faces inside the zones.
        people: distinct people inside the zones so far.
        candidates: what may be faces too, see :class:`mask_detector.faces.Faces`, now or in the
            last frames.
        text_size: height of the captions in pixels, which changes slowly from frame to frame;
            None lets the picture and its faces decide.
    """

    source: int
    name: str
    live: bool
    frame: Frame
    faces: list[TrackedFace]
    just_lost: list[TrackedFace]
    counts: dict[str, int]
    people: dict[str, int]
    candidates: list[Face] = field(default_factory=list)
    text_size: int | None = None

    @property
    def inside(self) -> list[TrackedFace]:
        """The faces inside the zones: those that count."""
        return [face for face in self.faces if not face.outside]

    def hide(self, whose: str, style: str = "blur") -> None:
        """Hide faces in the frame's image, before it is shown or stored.

        This is the only way to blur a frame: it includes candidates and faces that were just lost.

        Args:
            whose: one of ``privacy.BLUR_CHOICES``.
            style: one of ``privacy.BLUR_STYLES``.
        """
        faces = Faces([*self.faces, *self.just_lost], self.candidates)
        hide_faces(self.frame.image, faces, whose, style)

    def mirrored(self) -> View:
        """The view as in a mirror: a new image, and every face's box in it."""
        image = cv2.flip(self.frame.image, 1)
        width = image.shape[1]
        return replace(
            self,
            frame=replace(self.frame, image=image),
            faces=[face.mirrored(width) for face in self.faces],
            candidates=[face.mirrored(width) for face in self.candidates],
            just_lost=[face.mirrored(width) for face in self.just_lost],
        )

    @property
    def time_of_day(self) -> str:
        """Now, as alerts and records of live sources write it: ``2026-11-23T09:30:12+0100``."""
        return time.strftime("%Y-%m-%dT%H:%M:%S%z")

    def record(self, named: bool) -> dict[str, Any]:
        """The view as it stands in JSON lines and CSV, with the source's name where asked.

        The record of a live source also has the time of day, ``at``.
        """
        name = self.name if named else None
        frame = self.frame
        record = frame_record(frame.number, frame.time_s, self.faces, self.counts, name)
        return {**record, "at": self.time_of_day} if self.live else record
