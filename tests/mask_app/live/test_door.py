"""The door's message: by what is seen."""

from __future__ import annotations

import pytest

from mask_app.live.door import state_of


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
