from __future__ import annotations

import pytest

from mask_detector.wording import (
    counts_in_words,
    display_name,
    faces_in_words,
    named,
    number_of,
    people_in_words,
    printable,
)


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("with_mask", "Mask"),
        ("without_mask", "No Mask"),
        ("unsure", "Unsure"),
        ("chin_mask", "Chin Mask"),
        ("a\x1b[2Jb", "A\\x1b[2Jb"),
    ],
)
def test_display_names(label, words) -> None:
    assert display_name(label) == words


def test_other_names_hold_inside_their_block() -> None:
    with named({"with_mask": "Maske"}):
        assert counts_in_words({"with_mask": 2, "unsure": 1}, "") == "2 Maske, 1 Unsure"
    assert display_name("with_mask") == "Mask"


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 photos"), (1, "1 photo"), (2, "2 photos"), (12_000, "12,000 photos")],
)
def test_a_number_with_its_noun(count, words) -> None:
    assert number_of(count, "photo") == words


@pytest.mark.parametrize(
    ("counts", "words", "faces"),
    [
        ({}, "nobody", "no faces found"),
        ({"with_mask": 0, "without_mask": 0}, "nobody", "no faces found"),
        ({"with_mask": 1, "without_mask": 0}, "1 Mask", "1 face: 1 Mask"),
        ({"with_mask": 1, "without_mask": 1}, "1 Mask, 1 No Mask", "2 faces: 1 Mask, 1 No Mask"),
        ({"without_mask": 2, "unsure": 3}, "2 No Mask, 3 Unsure", "5 faces: 2 No Mask, 3 Unsure"),
    ],
)
def test_counts(counts, words, faces) -> None:
    assert counts_in_words(counts, "nobody") == words
    assert faces_in_words(counts) == faces


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("café ü 口罩.jpg", "café ü 口罩.jpg"),
        ("\x1b]0;owned\x07.jpg", "\\x1b]0;owned\\x07.jpg"),
        ("two\nlines\r\t.jpg", "two\\nlines\\r\\t.jpg"),
        ("a\u3000b می\u200cشود.jpg", "a\u3000b می\u200cشود.jpg"),
        ("\x9b31m\x7f", "\\x9b31m\\x7f"),
        ("gpj.\u202eexe", "gpj.\\u202eexe"),
    ],
)
def test_control_characters_are_escaped(text, shown) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("counts", "unmasked", "words"),
    [
        ({}, 0, "nobody in sight for long enough to count"),
        ({"with_mask": 1, "without_mask": 0}, 0, "1 person: 1 Mask"),
        (
            {"with_mask": 1, "without_mask": 1},
            1,
            "2 people: 1 Mask, 1 No Mask; 1 was without a mask at some time",
        ),
        ({"with_mask": 3}, 2, "3 people: 3 Mask; 2 were without a mask at some time"),
    ],
)
def test_people(counts, unmasked, words) -> None:
    assert people_in_words(counts, unmasked) == words
