"""What a run over photos says: a line per photo, and one for all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mask_detector.photos.paths import Photo
from mask_detector.wording import faces_in_words, number_of


def photo_line(photo: Photo, record: Mapping[str, Any], advice: str = "") -> str:
    """A photo's line on the terminal: what was found and where its picture is, or its error.

    Args:
        advice: what is said of a photo without a face.
    """
    if "error" in record:
        return f"{photo.name}: {record['error']}"
    where = f" -> {photo.picture}" if photo.picture else ""
    said = f" ({advice})" if advice and not any(record["counts"].values()) else ""
    return f"{photo.name}: {faces_in_words(record['counts'])}{said}{where}"


class Summary:
    """Counts photos and faces.

    Attributes:
        advice: what is said where there are fewer faces than photos.
        failed: photos that could not be processed.
        photos: all that were processed, could not be or had been before.

    Args:
        classes: the model's class names.
        done_before: photos that an earlier run has done; None where none is skipped.
    """

    def __init__(
        self, classes: Sequence[str], done_before: int | None = None, advice: str = ""
    ) -> None:
        self.failed = self._done = 0
        self._done_before, self.advice = done_before, advice
        self._faces = Counter(dict.fromkeys(classes, 0))

    def add(self, record: Mapping[str, Any]) -> None:
        """Count a :func:`~mask_detector.records.photo_record` or an ``error_record``."""
        if "error" in record:
            self.failed += 1
        else:
            self._done += 1
            self._faces.update(record["counts"])

    @property
    def photos(self) -> int:
        """All photos: processed now, before, or failed."""
        return self._done + self.failed + (self._done_before or 0)

    def found(self, labels: Iterable[str]) -> bool:
        """Whether there was a face with one of these labels (``unsure`` is one too)."""
        return any(self._faces[label] for label in labels)

    def __str__(self) -> str:
        before = "" if self._done_before is None else f", {self._done_before:,} done before"
        if self._done_before and not self._done + self.failed:
            return f"no photos left to do{before}"
        photos = number_of(self._done, "photo")
        text = f"{photos}{before}, {self.failed:,} failed; {faces_in_words(self._faces)}"
        few = sum(self._faces.values()) < self._done
        return f"{text} ({self.advice})" if few and self.advice else text
