"""Small pictures of people who were without a mask: head and shoulders, hidden as asked.

Independent of Streamlit. They are kept in memory only, as long as what they belong to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from face_detector import FaceDetector
from mask_app.video.events import Event
from mask_detector.images import decode_photo
from mask_detector.privacy import hide_boxes
from mask_detector.video.view import View

MOST_PICTURES = 60
"""Later events of a video have no picture."""

_HEIGHT = 128  # pixels
_JPEG_QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 80]
# Of the face's height: what is shown above and below it, and from its middle to each side.
_ABOVE, _BELOW, _ASIDE = 0.8, 1.1, 1.2
_BESIDES_S = 0.4  # faces of so near frames are hidden, too: this one may have missed them
_FEW_CELLS = (5, 6)


def picture_of(view: View, track: int, whose: str) -> bytes:
    """JPEG of a person in a view; empty where they are not in it.

    Args:
        view: is not changed.
        track: the person's number.
        whose: faces to hide, one of ``privacy.BLUR_CHOICES``.
    """
    box = next((face.box for face in view.faces if face.track == track), None)
    if box is None:
        return b""
    hidden = replace(view, frame=replace(view.frame, image=view.frame.image.copy()))
    hidden.hide(whose)
    return _person(hidden.frame.image, box)


def blurred(picture: bytes) -> bytes:
    """The same picture, of which nothing but a few averages is left; empty stays empty."""
    if not picture:
        return picture
    image = decode_photo(picture)
    height, width = image.shape[:2]
    few = cv2.resize(image, _FEW_CELLS, interpolation=cv2.INTER_AREA)
    return _jpeg(cv2.resize(few, (width, height), interpolation=cv2.INTER_LINEAR))


def with_pictures(
    events: Sequence[Event],
    video: Path,
    records: Sequence[Mapping[str, Any]],
    hiding: FaceDetector | None,
) -> list[Event]:
    """The events of a processed video with pictures, each of the moment with the largest face.

    Args:
        events: N = 0 gives none.
        video: as the app wrote it, its boxes drawn and faces hidden as the settings asked.
        records: of its frames, in order, as ``detect_mask_video.py --json`` writes them.
        hiding: hide everybody, also whom only this detector finds: the records have nobody below
            the chosen confidence. None hides nobody.
    """
    capture = cv2.VideoCapture(str(video))
    try:
        pictured = [
            _with_picture(event, capture, records, hiding) for event in events[:MOST_PICTURES]
        ]
    finally:
        capture.release()
    return [*pictured, *events[MOST_PICTURES:]]


def _with_picture(
    event: Event,
    capture: cv2.VideoCapture,
    records: Sequence[Mapping[str, Any]],
    hiding: FaceDetector | None,
) -> Event:
    boxes = {
        record["frame"]: face["box"]
        for record in records
        if event.start_s <= record["time_s"] <= event.end_s
        for face in record["faces"]
        if face["track"] == event.track
    }
    if not boxes:
        return event
    number = max(boxes, key=lambda frame: boxes[frame][3] - boxes[frame][1])
    # Places in the file count from 0, numbers of frames from where the video was begun.
    place = number - records[0]["frame"]
    capture.set(cv2.CAP_PROP_POS_FRAMES, place)
    found, image = capture.read()
    if not found:
        return event
    if hiding is not None:
        time_s = records[place]["time_s"]
        near = [
            face["box"]
            for record in records
            if abs(record["time_s"] - time_s) <= _BESIDES_S
            for face in record["faces"]
        ]
        hide_boxes(image, [*near, *hiding.find(image).boxes])
    return replace(event, picture=_person(image, boxes[number]))


def _person(image: np.ndarray, box: Sequence[int]) -> bytes:
    """JPEG of what is around a face's box (x1, y1, x2, y2) in an image (uint8 BGR, (H, W, 3))."""
    x1, y1, x2, y2 = box
    size, middle = y2 - y1, (x1 + x2) / 2
    top, bottom = max(0, round(y1 - _ABOVE * size)), round(y2 + _BELOW * size)
    left, right = max(0, round(middle - _ASIDE * size)), round(middle + _ASIDE * size)
    person = image[top:bottom, left:right]
    scale = _HEIGHT / person.shape[0]
    return _jpeg(cv2.resize(person, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))


def _jpeg(image: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", image, _JPEG_QUALITY)[1].tobytes()
