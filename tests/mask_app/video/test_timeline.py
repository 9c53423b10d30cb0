"""What the timeline of a video shows, and the words about progress."""

from __future__ import annotations

import pytest

from mask_app.video import progress
from mask_app.video.job import Progress
from mask_app.video.timeline import thinned

CLASSES = ("with_mask", "without_mask")


def row(time_s: float, masked: int, unmasked: int) -> dict[str, float]:
    return {"time_s": time_s, "with_mask": masked, "without_mask": unmasked}


@pytest.mark.parametrize("count", [0, 1, 300])
def test_few_frames_stay_as_they_are(count: int) -> None:
    rows = [row(n / 25, n % 3, 0) for n in range(count)]
    assert thinned(rows, CLASSES) == rows


def test_nobody_without_a_mask_is_lost_among_many_frames() -> None:
    """And no moment has more people than one of its frames."""
    rows = [row(n / 25, 1, 0) for n in range(1000)]
    rows[777] = row(777 / 25, 0, 1)
    steps = thinned(rows, CLASSES, most=10)
    assert [step["time_s"] for step in steps] == pytest.approx([4 * n for n in range(10)], abs=0.05)
    assert [step["without_mask"] for step in steps] == [0] * 7 + [1] + [0] * 2
    assert all(step["with_mask"] + step["without_mask"] == 1 for step in steps)


@pytest.mark.parametrize(
    ("so_far", "words"),
    [
        (Progress(0, 0, None, 0), "0% done"),
        (Progress(0.25, 24.4, 75, 0), "25% done, 24 frames per second, 1 min 15 s left"),
        (Progress(0.25, 2.44, 5, 0), "25% done, 2.4 frames per second, 5 s left"),
        (Progress(0, 0, None, 1), "Next in the queue"),
        (Progress(0, 0, 7384, 3), "Number 3 in the queue, done in about 2 h 3 min"),
    ],
)
def test_progress_in_words(so_far: Progress, words: str) -> None:
    assert progress.in_words(so_far) == words
