"""What a report says of a processed video, from the files that its job has written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mask_app.models import hiding_detector
from mask_app.report.footage import VideoFindings
from mask_app.report.parts import Context
from mask_app.video.events import events_in
from mask_app.video.job import VideoJob
from mask_app.video.pictures import with_pictures
from mask_app.wording import drawn_names
from mask_app.zones.stills import frame_of
from mask_detector.drawing import draw_faces
from mask_detector.faces import Faces
from mask_detector.privacy import hide_faces
from mask_detector.video.people import People
from mask_detector.video.tracking import TrackedFace
from mask_detector.video.zones import draw_zones
from mask_detector.wording import named


def findings(
    name: str, file: Path, job: VideoJob, model: Path, megapixels: int, context: Context
) -> VideoFindings:
    """Read a finished job's records, and its frame with most people.

    Args:
        name: of the uploaded video.
        file: the video.
        job: has ended without an error.
        model: the model file.
        megapixels: the largest frame that is read.
        context: says who is blurred.
    """
    records = read_records(job)
    people = People(context.card.classes)
    for record in records:
        people.see(_inside(record), record["time_s"])
    busiest = max(records, key=lambda record: sum(record["counts"].values()), default=None)
    hiding = None if context.show_faces else hiding_detector(job.settings.detector)
    image = None
    if busiest is not None:
        image = _picture(file, busiest, job, model, megapixels, context)
    return VideoFindings(
        name,
        f"{job.facts.width} × {job.facts.height}",
        job.facts.seconds,
        job.warning,
        job.rows(),
        people.seen(),
        with_pictures(events_in(records), job.output, records, hiding),
        events_in(records, "unsure"),
        None if busiest is None or image is None else (image, busiest["time_s"]),
    )


def read_records(job: VideoJob) -> list[dict[str, Any]]:
    """What a finished job found, a record for each frame."""
    with job.records.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _picture(
    file: Path,
    record: Mapping[str, Any],
    job: VideoJob,
    model: Path,
    megapixels: int,
    context: Context,
) -> np.ndarray | None:
    """The frame of a record, with boxes and zones; uint8 BGR, shape (H, W, 3)."""
    settings = context.blurred(job.settings)
    image = frame_of(file, settings, model, megapixels, record["time_s"])
    if image is None:
        return None
    # The frame was read without those before it: who was found thanks to them is hidden, too.
    hide_faces(image, Faces(map(_face, record["faces"])), settings.blur)
    draw_zones(image, settings.zones)
    with named(drawn_names(job.settings.language)):
        return draw_faces(image, _inside(record))


def _inside(record: Mapping[str, Any]) -> list[TrackedFace]:
    """The faces of a frame that count."""
    return [face for face in map(_face, record["faces"]) if not face.outside]


def _face(record: Mapping[str, Any]) -> TrackedFace:
    x1, y1, x2, y2 = record["box"]
    return TrackedFace(
        (x1, y1, x2, y2),
        record["score"],
        record["probabilities"],
        record.get("unsure", False),
        record["track"],
        record["label"],
        record.get("outside_zone", False),
        record.get("zone", ""),
    )
