"""The door's message: by what is seen, in the visitor's language."""

from __future__ import annotations

import pytest

from mask_app.live.door import TEXTS, state_of, text_of


@pytest.mark.parametrize(
    ("counts", "state"),
    [
        (None, "blind"),
        ({"with_mask": 0, "without_mask": 0}, "nobody"),
        ({"with_mask": 2, "without_mask": 0}, "thanks"),
        ({"with_mask": 2, "without_mask": 0, "unsure": 1}, "unsure"),
        ({"with_mask": 2, "without_mask": 1, "unsure": 1}, "put_on"),
        ({"with_mask": 2, "without_mask": 0, "incorrect_mask": 1}, "cover"),
        ({"with_mask": 2, "without_mask": 1, "incorrect_mask": 1}, "put_on"),
        ({"helmet": 1}, "nobody"),
    ],
)
def test_the_message_follows_what_is_seen(counts: dict[str, int] | None, state: str) -> None:
    assert state_of(counts) == state


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        (None, "Welcome"),
        ("", "Welcome"),
        ("it-IT", "Welcome"),
        ("de", "Willkommen"),
        ("DE_at", "Willkommen"),
        ("pt-BR", "Bem-vindos"),
        ("zh-Hant-TW", "欢迎光临"),
    ],
)
def test_the_message_is_in_the_visitors_language(locale: str | None, text: str) -> None:
    assert text_of("nobody", locale) == text


def test_every_language_has_every_message() -> None:
    assert len(TEXTS) == 6
    for texts in TEXTS.values():
        assert texts.keys() == TEXTS["en"].keys()
        assert len(set(texts.values())) == len(texts)
