"""Reports: what they say, in any language, as HTML and as PDF that is read back."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import cv2
import numpy as np
import pytest
from pypdf import PdfReader

from mask_app.live.processing import LiveStatus
from mask_app.photos.results import PhotoResult, process
from mask_app.report.content import Chart, Gallery, Picture, Report, Table, Tiles
from mask_app.report.findings import findings
from mask_app.report.footage import camera_report, video_report
from mask_app.report.html import as_html
from mask_app.report.parts import Context
from mask_app.report.pdf import as_pdf
from mask_app.report.photos import photos_report
from mask_app.settings import Settings
from mask_app.translations import LANGUAGES, speaking
from mask_app.video.events import Event
from mask_app.video.job import VideoFacts, VideoJob
from mask_detector.faces import Face
from mask_detector.models.model_file import ModelCard, read_model
from mask_detector.video.zones import parse_zone

SETTINGS = Settings("yunet", 0.5, 0.1, "none")
MADE = datetime(2026, 11, 26, 9, 30, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def card(model: Path) -> ModelCard:
    return read_model(model).card


@pytest.fixture
def context(card: ModelCard) -> Context:
    return Context(card, MADE)


def face(masked: float, left: int = 20) -> Face:
    probabilities = {"with_mask": masked, "without_mask": 1 - masked}
    return Face((left, 20, left + 60, 100), 0.9, probabilities)


def photo(name: str, faces: Sequence[Face]) -> PhotoResult:
    image = np.random.default_rng(0).integers(0, 256, (120, 200, 3), np.uint8)
    data = cv2.imencode(".png", image)[1].tobytes()
    return process(name, data, lambda image: faces, megapixels=1)


PHOTOS = [
    photo("a<b>&c.png", [face(0.9), face(0.55, left=100)]),
    photo("łódź 口罩 😷.png", [face(0.2)]),
    process("letter.jpg", b"Dear all", lambda image: [], megapixels=1),
]


class Reader(HTMLParser):
    """Text and addresses of a page."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.text, self.addresses, self.tags = "", [], []
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data


def read_pdf(report: Report) -> str:
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(as_pdf(report))).pages)
    return re.sub(r"\s+", "", text)


def pixels(picture: Picture) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(picture.jpeg, np.uint8), cv2.IMREAD_COLOR)


def test_a_report_on_photos_says_what_was_found(context: Context) -> None:
    report = photos_report(PHOTOS, SETTINGS, context)
    page = Reader(as_html(report))
    for words in (
        "50% (1 of 2)",  # the third face is unsure
        "9% to 91%",
        "a_b_&c.png: 1 Mask, 1 Unsure",
        "łódź 口罩 😷.png",
        "this is not a photo",
        "All faces are blurred.",
        "2026-11-26 09:30",
        f"{context.card.scores['balanced_accuracy']:.1%}",
    ):
        assert words in page.text
    doubtful = next(b for b in report.blocks if isinstance(b, Table) and len(b.header) == 4)
    assert doubtful.rows == [("a_b_&c.png", "#2", "Mask", "55%")]
    assert all(address.startswith("data:image/jpeg;base64,") for address in page.addresses)
    assert {"script", "link", "iframe"}.isdisjoint(page.tags)
    printed = read_pdf(report)
    for words in ("50%(1of2)", "a_b_&c.png", "łódź口罩", "Limits"):
        assert words in printed


def test_a_report_on_nothing_is_one(context: Context) -> None:
    report = photos_report([], SETTINGS, context)
    assert "What was looked at" in Reader(as_html(report)).text
    assert "Whatwaslookedat" in read_pdf(report)


@pytest.mark.parametrize(
    ("blur", "show_faces", "hidden"),
    [("none", False, True), ("all", True, True), ("none", True, False)],
)
def test_pictures_are_blurred_unless_the_visitor_decides_otherwise(
    card: ModelCard, blur: str, show_faces: bool, hidden: bool
) -> None:
    context = Context(card, MADE, show_faces)
    report = photos_report(PHOTOS[:1], replace(SETTINGS, blur=blur), context)
    (picture,) = (block for block in report.blocks if isinstance(block, Picture))
    detail = pixels(picture)[40:90, 30:70].std(axis=(0, 1)).mean()
    assert (detail < 30) == hidden
    assert ("All faces are blurred." in Reader(as_html(report)).text) == hidden


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_language_is_written_and_read_back(context: Context, code: str) -> None:
    with speaking(code):
        report = photos_report(PHOTOS, SETTINGS, context)
    assert report.language == code
    assert f'<html lang="{code}">'.encode() in as_html(report)
    assert re.sub(r"\s+", "", report.title) in read_pdf(report)


def records() -> list[dict[str, Any]]:
    """Ten seconds: one wears a mask, one none, a third is outside the zone."""
    faces = [
        {"track": 1, "box": [68, 92, 130, 170], "label": "with_mask", "zone": "Door"},
        {"track": 2, "box": [170, 40, 240, 130], "label": "without_mask", "zone": "Door"},
        {"track": 3, "box": [300, 60, 360, 140], "label": "without_mask", "outside_zone": True},
    ]
    shared = {"score": 0.9, "probabilities": {"with_mask": 0.5, "without_mask": 0.5}}
    return [
        {
            "frame": number,
            "time_s": number / 20,
            "faces": [{**shared, **each} for each in faces],
            "counts": {"with_mask": 1, "without_mask": 1},
        }
        for number in range(80)
    ]


def test_a_report_on_a_video_counts_people_in_zones_and_shows_its_fullest_moment(
    context: Context, model: Path, examples: Path, tmp_path: Path
) -> None:
    lines = records()
    lines[40]["counts"] = {"with_mask": 2, "without_mask": 1}
    (tmp_path / "faces.jsonl").write_text("\n".join(map(json.dumps, lines)))
    job = SimpleNamespace(
        records=tmp_path / "faces.jsonl",
        output=examples / "example_video.mp4",
        facts=VideoFacts(480, 360, 4.0, 80),
        settings=replace(SETTINGS, zones=(parse_zone("Door=0,0,0.6,0,0.6,1,0,1"),)),
        warning=None,
        rows=lambda: [{"time_s": line["time_s"], **line["counts"]} for line in lines],
    )
    found = findings(
        "film.mp4", examples / "example_video.mp4", cast(VideoJob, job), model, 1, context
    )
    report = video_report(found, job.settings, context)
    tiles = next(block for block in report.blocks if isinstance(block, Tiles))
    assert [tile.number for tile in tiles.tiles] == ["1", "1", "0"]
    text = Reader(as_html(report)).text
    for words in (
        "film.mp4",
        "480 × 360",
        "Counted only inside",
        "most people: 0:02",
        "50% (1 of 2)",
    ):
        assert words in text
    events = next(block for block in report.blocks if isinstance(block, Table) and block.header)
    assert events.rows == [("0:00", "4.0", "#2", "Door")]
    (picture,) = (block for block in report.blocks if isinstance(block, Picture))
    assert (picture.width, picture.height) == (480, 360)
    (gallery,) = (block for block in report.blocks if isinstance(block, Gallery))
    assert [each.caption for each in gallery.pictures] == ["0:00 · #2"]
    assert b"<svg" in as_html(report)
    assert "film.mp4" in read_pdf(report)


def test_a_report_on_a_camera_has_its_times(context: Context) -> None:
    start = MADE.timestamp() - 60
    small = cv2.imencode(".jpg", np.full((64, 56, 3), 90, np.uint8))[1].tobytes()
    status = LiveStatus(
        people={"with_mask": 3, "without_mask": 1},
        history=tuple((start + s, {"with_mask": s % 3, "without_mask": 1}) for s in range(60)),
        events=(
            Event(4, start + 10, start + 12.5, picture=small),
            Event(2, start + 1, start + 4, "Door"),
        ),
        doubts=(Event(7, start + 3, start + 4),),
        began=start,
    )
    image = np.full((48, 64, 3), 90, np.uint8)
    report = camera_report(status, "Front door", image, SETTINGS, context)
    chart = next(block for block in report.blocks if isinstance(block, Chart))
    assert chart.summary == "Mask: at most 2, No Mask: at most 1"
    (gallery,) = (block for block in report.blocks if isinstance(block, Gallery))
    assert [each.caption for each in gallery.pictures] == ["09:29:10 · #4"]
    unmasked, doubtful = (b for b in report.blocks if isinstance(b, Table) and b.header)
    assert unmasked.rows == [
        ("09:29:01", "3.0", "#2", "Door"),
        ("09:29:10", "2.5", "#4", ""),
    ]
    assert doubtful.rows == [("09:29:03", "1.0", "#7", "")]
    assert "75% (3 of 4)" in Reader(as_html(report)).text
    assert "Frontdoor" in read_pdf(report)
    nothing = camera_report(LiveStatus(), "Front door", None, SETTINGS, context)
    assert "Frontdoor" in read_pdf(nothing)
