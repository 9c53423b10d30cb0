"""How far a run is: a bar on a terminal, a line a minute in a log."""

from __future__ import annotations

import sys
import time
from datetime import timedelta

from mask_detector.terminal import ProgressBar, say

_LINE_EVERY_S = 60.0


class Progress:
    """Counts what is done, and says how fast it goes and how long it will take.

    Args:
        total: photos and videos to process in this run, as far as known beforehand.
    """

    def __init__(self, total: int) -> None:
        self._bar = ProgressBar(total, " photos")
        self._total, self._done = total, 0
        self._started = self._said = time.monotonic()

    def update(self, entries: int) -> None:
        """Count some more as done."""
        self._done += entries
        self._bar.update(entries)
        now = time.monotonic()
        if not sys.stderr.isatty() and now - self._said >= _LINE_EVERY_S:
            self._said = now
            say(progress_line(self._done, self._total, now - self._started), sys.stderr)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.close()


def progress_line(done: int, total: int, seconds: float) -> str:
    """How far, how fast and how long still.

    >>> progress_line(1200, 36000, 60)
    '1,200 of 36,000 done, 20.0 per second, about 0:29:00 left'
    """
    rate = done / seconds if seconds else 0.0
    left = f", about {timedelta(seconds=round((total - done) / rate))} left" if rate else ""
    return f"{done:,} of {total:,} done, {rate:.1f} per second{left}"
