"""Which names a class may have: they become folders, columns and captions."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from mask_detector.errors import ModelFileError, UserFacingError

MOST_CHARACTERS = 64
RESERVED = "unsure"
"""The name under which faces between the classes are counted."""

# Separators of paths, and what Windows allows in no file name.
_FORBIDDEN = '/\\:*?"<>|'
_WINDOWS_DEVICES = {
    "con", "prn", "aux", "nul",
    *(f"{device}{number}" for device in ("com", "lpt") for number in range(10)),
}  # fmt: skip
# The joiners of Persian and Indian scripts, which count as not printable.
_JOINERS = "\u200c\u200d"


def check_class_names(
    names: Sequence[object], error: type[UserFacingError] = ModelFileError
) -> None:
    """Refuse class names that are unsafe as folder names or that cannot be told apart.

    Args:
        names: of all classes of a model or a data set.
        error: the exception to raise.

    Raises:
        UserFacingError: of the type ``error``; fewer than two names, or the first name that is
            not a text, is empty or too long, contains a separator or control character, is
            reserved, or differs from an earlier one in upper and lower case only.
    """
    if len(names) < 2:
        raise error(f"two or more classes are needed, not {list(names)}")
    seen: dict[str, object] = {}
    for name in names:
        if fault := _fault(name):
            raise error(f"the class name {_shortened(name)} {fault}; rename the class")
        # File systems of macOS and Windows take these for one name.
        same = unicodedata.normalize("NFC", str(name)).casefold()
        if same in seen:
            if seen[same] == name:
                raise error(f"the class name {_shortened(name)} is given twice")
            raise error(
                f"the class names {_shortened(seen[same])} and {_shortened(name)} are the same "
                "apart from upper and lower case; rename one of them"
            )
        seen[same] = name


def _fault(name: object) -> str | None:
    """What is wrong with one name, as the end of a sentence; None where nothing is."""
    if not isinstance(name, str):
        return "is not a text"
    if not name.strip():
        return "is empty"
    if len(name) > MOST_CHARACTERS:
        return f"has {len(name)} characters, more than {MOST_CHARACTERS}"
    if any(not (character.isprintable() or character in _JOINERS) for character in name):
        return "contains a control character or another invisible one"
    if found := sorted(set(_FORBIDDEN) & set(name)):
        return f"contains {' '.join(found)}, which folder names cannot"
    if name != name.strip() or name.endswith("."):
        return "begins or ends with a space, or ends with a dot"
    if name.casefold() == RESERVED:
        return f"is reserved for faces that are {RESERVED}"
    if name.split(".")[0].strip().casefold() in _WINDOWS_DEVICES:
        return "is reserved by Windows"
    return None


def _shortened(name: object) -> str:
    text = ascii(name) if not isinstance(name, str) or not name.isprintable() else repr(name)
    return text if len(text) <= 80 else f"{text[:76]}…'"
