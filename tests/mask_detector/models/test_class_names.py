"""Class names become folders and columns: which are refused."""

from __future__ import annotations

import pytest

from mask_detector.errors import DatasetError, ModelFileError
from mask_detector.models.class_names import check_class_names


@pytest.mark.parametrize(
    "names",
    [
        ("with_mask", "without_mask"),
        ("Mask worn wrong", "no-mask (chin)", "x" * 64),
        ("mit Maske", "ohne Maske", "falsch getragen ä"),
        ("有口罩", "没有口罩"),
        ("می\u200cپوشد", "بدون ماسک"),
        ("0", "1"),
        (".hidden", "con_mask"),
    ],
)
def test_names_in_use(names: tuple[str, ...]) -> None:
    check_class_names(names)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("../../x", "contains /"),
        ("/etc/x", "contains /"),
        ("a\\b", r"contains \\"),
        ("C:x", "contains :"),
        ("a*?", r"contains \* \?"),
        (".", "ends with a dot"),
        ("..", "ends with a dot"),
        ("a.", "ends with a dot"),
        (" a", "begins or ends with a space"),
        ("a\n", "control character"),
        ("a\x00", "control character"),
        ("a\x1b[2J", "control character"),
        ("a\u202eb", "control character"),
        ("a\ud800", "control character"),
        ("unsure", "reserved for faces that are unsure"),
        ("Unsure", "reserved for faces that are unsure"),
        ("", "is empty"),
        (" ", "is empty"),
        ("x" * 65, "has 65 characters, more than 64"),
        ("CON", "reserved by Windows"),
        ("nul.txt", "reserved by Windows"),
        ("LPT1", "reserved by Windows"),
        (3, "is not a text"),
        (None, "is not a text"),
        (["a"], "is not a text"),
        ("Mask", "the same apart from upper and lower case"),
        ("mask", "is given twice"),
    ],
)
def test_names_that_are_refused(name: object, fault: str) -> None:
    with pytest.raises(ModelFileError, match=fault) as caught:
        check_class_names(("mask", name))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 250


def test_composed_and_decomposed_letters_are_the_same() -> None:
    with pytest.raises(ModelFileError, match="apart from upper and lower case"):
        check_class_names(("m\u00e4", "ma\u0308"))


@pytest.mark.parametrize("names", [(), ("mask",)])
def test_one_class_is_too_few(names: tuple[str, ...]) -> None:
    with pytest.raises(DatasetError, match="two or more classes"):
        check_class_names(names, DatasetError)
