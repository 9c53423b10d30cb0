"""Faces of a video as people: each keeps a number, and a label that is decided over time.

A label is only ever shown as certain while it is the likeliest one. When another class becomes
likelier, the face is unsure until that class leads clearly and becomes the label; with an unsure
band of 0 the label changes at once.

    tracker = FaceTracker(detector.classes, detector.unsure)
    for frame in frames:
        faces = tracker.update(detector.detect(frame.image), frame.time_s)

ByteTrack (Zhang et al. 2022, arXiv:2110.06864), as `edgefirst-tracker` implements it, matches faces
from frame to frame; docs/video.md says how it was chosen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from edgefirst.tracker import ByteTrack

from mask_detector.faces import EVEN_CHANCE, Face, is_unsure

FORGET_S = 1.5
"""Seconds out of sight after which a face that comes back counts as a new person."""

AVERAGE_S = 0.15
"""Time constant of the average over a person's probabilities: what is older by three of these
counts for a twentieth. A change is through in about as long."""

SURE_SCORE = 0.6
"""A face with at least this score is numbered at once, a more doubtful one when it is detected
again: most false detections last for one frame."""

HIDE_S = 0.5
"""Seconds for which the place of a face that is no longer detected stays hidden."""

LEAD = 0.2
"""Lead in average probability with which another class becomes the label; less where the unsure
band is narrower, so that the label is unsure whenever it is not the likeliest class."""

UNSURE_AFTER_S = 0.5
"""Seconds of an average that is too close to call after which a label is unsure."""

# Faces are matched by overlap. Doubled boxes still overlap when a head moves by its own width
# between two frames (Yang et al. 2023, arXiv:2211.13317), and a quick filter follows it.
_BOX_GROWTH = 2.0
_LEAST_OVERLAP = 0.1
_FOLLOW = 0.9


@dataclass(frozen=True)
class TrackedFace(Face):
    """A face with its person's label: probabilities are averages, the label has hysteresis.

    Attributes:
        decided: the label; ``unsure`` is set while another class is likelier.
        outside: it lies outside the zones that count.
        zone: name of the zone in which it lies; may be empty.
    """

    decided: str = ""
    outside: bool = False
    zone: str = ""

    @property
    def label(self) -> str:
        """The class that this person is taken for."""
        return self.decided

    @property
    def probability(self) -> float:
        """Averaged probability of the label."""
        return self.probabilities[self.decided]

    def as_json(self) -> dict[str, Any]:
        """The face as it stands in JSON lines; ``track`` is null while it may be false,
        ``outside_zone`` stands only where it is so, ``zone`` only where that has a name.
        """
        record = super().as_json() | {"track": self.track}
        if self.outside:
            record["outside_zone"] = True
        if self.zone:
            record["zone"] = self.zone
        return record


class LabelOverTime:
    """A person's label, from the probabilities in one frame after the other.

    Attributes:
        frames: in how many frames the person was detected.
        average: probabilities averaged over about ``AVERAGE_S``, shape (classes,).
        label: index of the class the person is taken for.
    """

    def __init__(self) -> None:
        self.frames = 0
        self.average = np.zeros(0)
        self.label = 0
        self._close_call = False  # for a while, or in the only frame
        self._unlikely = False
        self._last_s = 0.0
        self._doubtful_since: float | None = None

    def update(self, probabilities: np.ndarray, time_s: float, unsure_band: float) -> None:
        """Take in the frame at ``time_s``.

        Args:
            probabilities: in one frame, shape (classes,), summing to 1.
            time_s: seconds; those of the last frame or later.
            unsure_band: half width of the unsure band.
        """
        self.frames += 1
        if self.frames == 1:
            self.average = probabilities.copy()
            self.label = int(self.average.argmax())
        else:
            # The first frames weigh the same; then older ones weigh less, whatever the frame rate.
            passed = max(0.0, time_s - self._last_s)
            weight = max(1 - math.exp(-passed / AVERAGE_S), 1 / self.frames)
            self.average += weight * (probabilities - self.average)
            likeliest = int(self.average.argmax())
            lead = min(LEAD, 2 * unsure_band)
            if self.average[likeliest] - self.average[self.label] > lead:
                self.label = likeliest
        self._unlikely = self.average[self.label] < self.average.max() or (
            unsure_band > 0 and self.average[self.label] < EVEN_CHANCE
        )
        self._last_s = time_s
        self._doubt(time_s, unsure_band)

    @property
    def unsure(self) -> bool:
        """Whether it is too close to call for a while, or another class is likelier."""
        return self._close_call or bool(self._unlikely)

    def _doubt(self, time_s: float, unsure_band: float) -> None:
        if not is_unsure(self.average, unsure_band):
            self._doubtful_since, self._close_call = None, False
        elif self.frames == 1:
            self._doubtful_since, self._close_call = time_s, True
        else:
            if self._doubtful_since is None:
                self._doubtful_since = time_s
            self._close_call |= time_s - self._doubtful_since >= UNSURE_AFTER_S


@dataclass
class _Person:
    label: LabelOverTime
    number: int | None = None
    face: TrackedFace | None = None
    last_s: float = 0.0


class FaceTracker:
    """Numbers the faces of one video and decides their labels over time.

    Args:
        classes: the model's class names, in order.
        unsure_band: half width of the unsure band.

    Attributes:
        unsure_band: may be changed between two frames.
    """

    def __init__(self, classes: Sequence[str], unsure_band: float) -> None:
        self._classes = tuple(classes)
        self.unsure_band = unsure_band
        self._people: dict[str, _Person] = {}
        self._numbers = 0
        self._now = 0.0
        self._tracker = ByteTrack(
            high_conf=0.0,  # the detector's confidence has already chosen
            iou=_LEAST_OVERLAP,
            update=_FOLLOW,
            lifespan_ns=round(FORGET_S * 1e9),
        )

    def update(self, faces: Sequence[Face], time_s: float) -> list[TrackedFace]:
        """Number the faces of the next frame.

        Args:
            faces: of one frame, in any order; may be empty.
            time_s: the frame's time in seconds; time that runs backwards stands still.

        Returns:
            The same faces in the same order; one that may be a false detection has no number yet.
        """
        if time_s - self._now > FORGET_S:
            self._match([], time_s)  # ByteTrack matches before it forgets: let it forget first
        time_s = self._now = max(self._now, time_s)
        tracked = [
            self._tracked(face, key, time_s)
            for face, key in zip(faces, self._match(faces, time_s), strict=True)
        ]
        forgotten = time_s - 2 * FORGET_S
        self._people = {
            key: person for key, person in self._people.items() if person.last_s > forgotten
        }
        return tracked

    def _match(self, faces: Sequence[Face], time_s: float) -> list[str | None]:
        """ByteTrack's identifier of each face; None where it has no track."""
        boxes = np.array([face.box for face in faces], np.float32).reshape(-1, 4)
        tracks = self._tracker.update(
            _grown(boxes),
            np.array([face.score for face in faces], np.float32),
            np.zeros(len(faces), np.uint64),
            round(time_s * 1e9),
        )
        return [track.uuid if track else None for track in tracks]

    def just_lost(self) -> list[TrackedFace]:
        """Faces of the last ``HIDE_S`` seconds that the last frame does not have."""
        return [
            person.face
            for person in self._people.values()
            if person.face and self._now - HIDE_S <= person.last_s < self._now
        ]

    def _tracked(self, face: Face, key: str | None, time_s: float) -> TrackedFace:
        person = self._people.get(key) if key else None
        if person is None:
            person = _Person(LabelOverTime())
            if key:
                self._people[key] = person
        label = person.label
        probabilities = np.array([face.probabilities[name] for name in self._classes])  # (classes,)
        label.update(probabilities, time_s, self.unsure_band)
        if person.number is None and (face.score >= SURE_SCORE or label.frames > 1):
            self._numbers += 1
            person.number = self._numbers
        person.last_s = time_s
        person.face = TrackedFace(
            face.box,
            face.score,
            dict(zip(self._classes, label.average.tolist(), strict=True)),
            label.unsure,
            person.number,
            self._classes[label.label],
        )
        return person.face


def _grown(boxes: np.ndarray) -> np.ndarray:
    """Boxes, (N, 4), made larger around their middles."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    halves = (boxes[:, 2:] - boxes[:, :2]) / 2 * _BOX_GROWTH
    return np.hstack([centres - halves, centres + halves])
