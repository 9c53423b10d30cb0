"""Go on where an earlier run ended."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from mask_detector.errors import UserFacingError
from mask_detector.files import STANDARD_STREAM
from mask_detector.photos.paths import Photo


def without_done(photos: Iterable[Photo], records: str | None) -> list[Photo]:
    """The photos that an interrupted run left over.

    Args:
        records: the file of the earlier run's JSON lines; a photo is done when it stands there
            without an error, and its picture is there where one is wanted. None or ``-``, which
            cannot be read back, leaves it to the pictures.
    """
    recorded = None if records in (None, STANDARD_STREAM) else _recorded_photos(Path(records))
    return [
        photo
        for photo in photos
        if (recorded is not None and photo.name not in recorded)
        or (photo.picture is not None and not photo.picture.exists())
    ]


def _recorded_photos(path: Path) -> set[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return set()
    except (OSError, UnicodeDecodeError) as error:
        raise UserFacingError(f"{path}: the earlier records cannot be read ({error})") from None
    done = set()
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:  # the half line that a crash left
            continue
        if isinstance(record, dict) and "faces" in record:
            done.add(str(record.get("image")))
    return done
