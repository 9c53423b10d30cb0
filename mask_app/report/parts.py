"""What all reports have in common: counts, tables, pictures, settings, and the model's limits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import cv2
import numpy as np

from mask_app import about
from mask_app.report.content import (
    Block,
    Heading,
    Paragraph,
    Picture,
    Report,
    Table,
    Tile,
    Tiles,
    wilson_interval,
)
from mask_app.settings import BLUR_NAMES, DETECTOR_NAMES, Settings
from mask_app.translations import gettext, language, number, percent
from mask_app.widgets import css_colour, mark
from mask_app.wording import display_name
from mask_detector import __version__
from mask_detector.images import decode_photo
from mask_detector.models.model_file import ModelCard

_MOST_ROWS = 200
_LONGEST_SIDE = 900  # pixels of a picture
_JPEG_QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 80]


@dataclass(frozen=True)
class Context:
    """What a report is made with.

    Attributes:
        card: of the model.
        made: when, in the visitor's time zone.
        show_faces: as the settings show them; otherwise everybody in the pictures is blurred.
    """

    card: ModelCard
    made: datetime
    show_faces: bool = False

    def blurred(self, settings: Settings) -> Settings:
        """The settings that the pictures are drawn with."""
        return settings if self.show_faces else replace(settings, blur="all")


def report(title: str, blocks: Sequence[Block], settings: Settings, context: Context) -> Report:
    """A report of these blocks and, below, the settings, the model and its limits."""
    made = context.made.strftime("%Y-%m-%d %H:%M %Z").strip()
    subtitle = gettext(
        "Made on {time} with face-mask-detection {version}", time=made, version=__version__
    )
    return Report(language(), title, subtitle, [*blocks, *_background(settings, context.card)])


def result(counts: Mapping[str, int], classes: Sequence[str], people: bool = False) -> list[Block]:
    """The counts, the share with masks and its interval."""
    shown = {**dict.fromkeys(classes, 0), "unsure": 0, **counts}
    tiles = [
        Tile(display_name(label), number(count), mark(label), css_colour(label, classes))
        for label, count in shown.items()
    ]
    sure = sum(count for label, count in shown.items() if label != "unsure")
    worn = shown.get("with_mask", 0)
    blocks: list[Block] = [
        Heading(gettext("People") if people else gettext("Faces")),
        Tiles(tiles),
    ]
    if "with_mask" not in classes or not sure:
        return blocks
    low, high = wilson_interval(worn, sure)
    share = gettext(
        "{share} ({count} of {total})",
        share=percent(worn / sure),
        count=number(worn),
        total=number(sure),
    )
    interval = gettext("{low} to {high}", low=percent(low), high=percent(high))
    about = gettext(
        "The share leaves out who is unsure. The interval (Wilson) covers the chance in a sample "
        "of this size, not the errors of the model."
    )
    blocks += [
        Table(
            [
                (gettext("Share with a mask"), share),
                (gettext("95% interval of the share"), interval),
            ]
        ),
        Paragraph(about),
    ]
    if people:
        blocks.append(
            Paragraph(
                gettext(
                    "A person counts once while in sight, under the label that they had longest. "
                    "Who leaves and comes back counts twice."
                )
            )
        )
    return blocks


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[Block]:
    """A table, cut off where it would fill too many pages."""
    blocks: list[Block] = [Table(rows[:_MOST_ROWS], header)]
    if len(rows) > _MOST_ROWS:
        more = number(len(rows) - _MOST_ROWS)
        blocks.append(Paragraph(gettext("{count} more rows are left out.", count=more)))
    return blocks


def about_pictures(context: Context, settings: Settings) -> Paragraph:
    """Whether faces are blurred."""
    if context.blurred(settings).blur == "all":
        return Paragraph(gettext("All faces are blurred."))
    return Paragraph(gettext("Faces are shown as the visitor of the page decided."))


def picture(image: np.ndarray, caption: str) -> Picture:
    """A picture as large as a page needs it.

    Args:
        image: uint8 BGR, shape (H, W, 3).
        caption: what it shows.
    """
    height, width = image.shape[:2]
    scale = min(1.0, _LONGEST_SIDE / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return Picture(cv2.imencode(".jpg", image, _JPEG_QUALITY)[1].tobytes(), *size, caption)


def small_picture(jpeg: bytes, caption: str) -> Picture:
    """A picture that is small already.

    Args:
        jpeg: its file.
        caption: what it shows.
    """
    height, width = decode_photo(jpeg).shape[:2]
    return Picture(jpeg, width, height, caption)


def _background(settings: Settings, card: ModelCard) -> list[Block]:
    """The settings, the model and its limits."""
    blocks: list[Block] = [
        Heading(gettext("Settings")),
        Table(
            [
                (gettext("Face detector"), gettext(DETECTOR_NAMES[settings.detector])),
                (gettext("Minimum face confidence"), percent(settings.confidence)),
                (gettext("“Unsure” below"), percent(0.5 + settings.unsure)),
                (gettext("Blur faces of"), gettext(BLUR_NAMES[settings.blur])),
            ]
        ),
        Heading(gettext("Model")),
        Table(_model(card)),
    ]
    text = about.MODEL_CARD.read_text(encoding="utf-8") if about.MODEL_CARD.exists() else ""
    for heading, title in about.CARD_SECTIONS.items():
        if words := about.paragraphs(text, heading):
            blocks.append(Heading(gettext(title)))
            blocks += [
                Paragraph(_plain(gettext(paragraph)), item=bool(mark)) for mark, paragraph in words
            ]
    return blocks


def _model(card: ModelCard) -> list[tuple[str, str]]:
    rows = [(gettext("Classes"), ", ".join(map(display_name, card.classes)))]
    if data := card.training.get("data_sha256"):
        rows.append((gettext("Version (hash of its training data)"), data[:16]))
    if accuracy := card.scores.get("balanced_accuracy"):
        rows.append((gettext("Balanced accuracy"), percent(accuracy, 1)))
    if faces := card.scores.get("test_faces"):
        rows.append((gettext("Test faces"), number(faces)))
    return rows


def _plain(markdown: str) -> str:
    """A line of Markdown without its marks."""
    without_links = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", markdown)
    return re.sub(r"[*`]", "", without_links)
