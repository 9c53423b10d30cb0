"""The report on photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mask_app.photos.results import PhotoResult
from mask_app.report.content import Block, Heading, Paragraph, Report
from mask_app.report.parts import Context, about_pictures, picture, report, result, table
from mask_app.settings import Settings
from mask_app.translations import gettext, number, percent
from mask_app.wording import counts_in_words, display_name, error_text
from mask_detector.faces import Face, count_faces
from mask_detector.images import decode_photo

MOST_PICTURES = 24
"""Further photos have no picture in the report."""


def photos_report(photos: Sequence[PhotoResult], settings: Settings, context: Context) -> Report:
    """A report on photos.

    Args:
        photos: also those that could not be read; N = 0 gives a report on nothing.
    """
    classes = context.card.classes
    readable = [photo for photo in photos if photo.error is None]
    faces = {photo.name: photo.chosen_faces(settings) for photo in readable}
    all_faces = [face for each in faces.values() for face in each]
    rows = [
        (
            photo.name,
            f"{photo.width} × {photo.height}",
            counts_in_words(count_faces(faces[photo.name], classes), gettext("no faces")),
        )
        if photo.error is None
        else (photo.name, "", error_text(photo.error))
        for photo in photos
    ]
    blocks: list[Block] = [
        *result(count_faces(all_faces, classes), classes),
        Heading(gettext("What was looked at")),
        *table((gettext("Photo"), gettext("Size"), gettext("Result")), rows),
        Heading(gettext("Doubtful faces")),
        *_doubtful_faces(faces),
        Heading(gettext("Pictures")),
        about_pictures(context, settings),
    ]
    for photo in readable[:MOST_PICTURES]:
        drawn = decode_photo(photo.drawn_small(context.blurred(settings)))
        words = counts_in_words(count_faces(faces[photo.name], classes), gettext("no faces"))
        blocks.append(picture(drawn, f"{photo.name}: {words}"))
    if len(readable) > MOST_PICTURES:
        blocks.append(
            Paragraph(
                gettext("Only the first {count} pictures are shown.", count=number(MOST_PICTURES))
            )
        )
    return report(gettext("Face masks: report on photos"), blocks, settings, context)


def _doubtful_faces(faces: Mapping[str, Sequence[Face]]) -> list[Block]:
    rows = [
        (name, f"#{position}", display_name(face.label), percent(face.probability))
        for name, each in faces.items()
        for position, face in enumerate(each, start=1)
        if face.unsure
    ]
    if not rows:
        return [Paragraph(gettext("No face is too close to call."))]
    header = (gettext("Photo"), gettext("Face"), gettext("Likeliest label"), gettext("Probability"))
    return table(header, rows)
