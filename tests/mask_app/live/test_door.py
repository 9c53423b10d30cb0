"""The door's message: by what is seen, and by what was seen before."""

from __future__ import annotations

from typing import Literal

import pytest

from mask_app.live.door import TEXTS, Message, state_of


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


@pytest.mark.parametrize("seen", ["dark", "frozen"])
def test_the_door_says_that_it_cannot_see(seen: Literal["dark", "frozen"]) -> None:
    assert state_of({"with_mask": 0}, seen) == seen
    assert state_of({"with_mask": 1}, seen) == "thanks"
    assert state_of(None, seen) == "blind"
    assert seen in TEXTS


@pytest.mark.parametrize(
    ("states", "shown"),
    [
        ("nobody thanks thanks", "nobody thanks thanks"),
        ("thanks nobody thanks nobody nobody", "thanks thanks thanks thanks nobody"),
        ("put_on thanks put_on unsure unsure", "put_on put_on put_on put_on unsure"),
        ("put_on nobody thanks thanks", "put_on put_on put_on thanks"),
        ("dark unsure", "dark unsure"),
    ],
)
def test_a_moment_does_not_change_the_message(states: str, shown: str) -> None:
    message = Message()
    assert [message.follow(state) for state in states.split()] == shown.split()
