"""Numbers and names as people read them in printed lines, captions and on pages."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

DISPLAY_NAMES = {
    "with_mask": "Mask",
    "without_mask": "No Mask",
    "incorrect_mask": "Mask worn wrong",
    "unsure": "Unsure",
}


_other_names: ContextVar[Mapping[str, str]] = ContextVar("_other_names")


@contextmanager
def named(names: Mapping[str, str]) -> Iterator[None]:
    """Other words for classes inside a ``with`` block, such as those of another language.

    >>> with named({"with_mask": "Maske"}):
    ...     display_name("with_mask"), display_name("unsure")
    ('Maske', 'Unsure')

    Args:
        names: words by class; the others keep theirs.
    """
    token = _other_names.set(names)
    try:
        yield
    finally:
        _other_names.reset(token)


def display_name(label: str) -> str:
    """The words for a class: ``with_mask`` is "Mask"; a custom class is "Like This"."""
    words = label.replace("_", " ").replace("-", " ").title()
    return _other_names.get({}).get(label) or DISPLAY_NAMES.get(label) or printable(words)


def number_of(count: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun in singular or plural.

    >>> number_of(1, "photo"), number_of(2, "photo"), number_of(0, "scarf", "scarves")
    ('1 photo', '2 photos', '0 scarves')
    """
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def counts_in_words(counts: Mapping[str, int], none: str) -> str:
    """How many there are of each label, ``none`` where there are none.

    >>> counts_in_words({"with_mask": 2, "without_mask": 0, "unsure": 1}, "nobody")
    '2 Mask, 1 Unsure'
    """
    return ", ".join(f"{n} {display_name(label)}" for label, n in counts.items() if n) or none


def faces_in_words(counts: Mapping[str, int]) -> str:
    """The faces of a photo, or of many: "3 faces: 2 Mask, 1 No Mask".

    >>> faces_in_words({"with_mask": 1, "without_mask": 0}), faces_in_words({})
    ('1 face: 1 Mask', 'no faces found')
    """
    total = sum(counts.values())
    return (
        f"{number_of(total, 'face')}: {counts_in_words(counts, '')}" if total else "no faces found"
    )


def people_in_words(counts: Mapping[str, int], ever_unmasked: int) -> str:
    """The people of a video: each under the label that they had longest.

    >>> people_in_words({"with_mask": 2, "without_mask": 0}, 1)
    '2 people: 2 Mask; 1 was without a mask at some time'
    """
    total = sum(counts.values())
    if not total:
        return "nobody in sight for long enough to count"
    people = f"{number_of(total, 'person', 'people')}: {counts_in_words(counts, '')}"
    if not ever_unmasked:
        return people
    verb = "was" if ever_unmasked == 1 else "were"
    return f"{people}; {ever_unmasked} {verb} without a mask at some time"


def printable(text: object) -> str:
    r"""Text with control characters written as escapes, so that no file name steers a terminal.

    >>> printable("a\x1b[2Jb.jpg")
    'a\\x1b[2Jb.jpg'
    """
    text = str(text)
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or _is_harmless(char) else ascii(char)[1:-1] for char in text
    )


def _is_harmless(char: str) -> bool:
    """Spaces of all widths and the joiners of Persian, Indian scripts and emoji."""
    return unicodedata.category(char) == "Zs" or char in "\u200c\u200d"
