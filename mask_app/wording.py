"""Names of classes, counts and errors as the pages say them, in the visitor's language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from mask_app.translations import ENGLISH, gettext, gettext_noop, language, translated
from mask_detector import wording
from mask_detector.text import drawable

_NAMES = {
    "with_mask": gettext_noop("Mask"),
    "without_mask": gettext_noop("No Mask"),
    "incorrect_mask": gettext_noop("Mask worn wrong"),
    "unsure": gettext_noop("Unsure"),
}
"""``wording.DISPLAY_NAMES`` once more, where the catalogues' tool finds them."""

# What the library says about files that visitors often choose; other sentences stay in English.
_SENTENCES = (
    gettext_noop("the file is empty"),
    gettext_noop("the file has {size} MB, at most {most} are accepted"),
    gettext_noop("at most {most} photos or pages can be shown at once; remove some first"),
    gettext_noop("{size} is too large a photo, at most {most} megapixels are accepted"),
    gettext_noop("the photo is damaged ({reason})"),
    gettext_noop("the photo is too large for this machine's memory"),
    gettext_noop(
        "this is not a photo, or of a kind that is not supported: convert it to JPEG or PNG"
    ),
    gettext_noop("this is a video: the page Video reads it"),
    gettext_noop("this is an animation: the page Video reads it"),
    gettext_noop("this is a camera's raw file: convert it to JPEG or TIFF first"),
    gettext_noop("this is a PDF document: save its pages as pictures first"),
    gettext_noop("this is a web page, not a photo: download the picture itself"),
    gettext_noop("there is no video in this file"),
    gettext_noop("this is not a video, or it is damaged"),
    gettext_noop("{size} is too large a picture, at most {most} megapixels are accepted"),
    gettext_noop("the video is {minutes} minutes long, at most {most} are accepted"),
    gettext_noop("at most {most} videos can be here at once; remove some first"),
    gettext_noop("the video could not be stored on the computer that runs this page"),
    gettext_noop("processing this video took too long"),
    gettext_noop("this video could not be processed"),
    gettext_noop("the file is cut off, it ends at {time}"),
    gettext_noop("the camera does not answer"),
    gettext_noop("too many passwords are being tried from your address; wait a few seconds"),
)
_PLACEHOLDER = re.compile(r"\\\{(\w+)\\\}")  # as re.escape leaves it


def display_name(label: str) -> str:
    """The words for a class; a custom class keeps its own in all languages."""
    name = wording.display_name(label)
    return gettext(name) if label in _NAMES else name


def drawn_names(code: str) -> dict[str, str]:
    """The classes' names for captions in pictures, in a language of ``LANGUAGES``.

    Empty for English, and where no font of this computer can draw them: they stay English then.
    """
    if code == ENGLISH:
        return {}
    names = {label: translated(name, code) for label, name in _NAMES.items()}
    return names if all(drawable(name) == name for name in names.values()) else {}


def counts_in_words(counts: Mapping[str, int], none: str) -> str:
    """How many there are of each label, ``none`` where there are none."""
    words = [
        # L10N: for example "2 Mask"
        gettext("{number} {label}", number=number, label=display_name(label))
        for label, number in counts.items()
        if number
    ]
    return ", ".join(words) or none


def error_text(text: str) -> str:
    """An error's text in the visitor's language; one that has no translation stays in English."""
    if language() == ENGLISH:
        return text
    for template in _SENTENCES:
        if found := _pattern(template).fullmatch(text):
            return gettext(template, **found.groupdict())
    return text


@lru_cache
def _pattern(template: str) -> re.Pattern[str]:
    """Matches the sentences of a template, with a group for each placeholder."""
    return re.compile(_PLACEHOLDER.sub(r"(?P<\1>.+)", re.escape(template)))
