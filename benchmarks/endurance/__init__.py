"""Attacks on the whole program for an hour: what was tried, how often, and what was lost.

Each module has one kind of attack and returns :class:`Row` objects; ``report.py`` writes them into
docs/reliability.md. ``python -m benchmarks.endurance`` runs all.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLES = REPOSITORY / "examples"


@dataclass
class Row:
    """One kind of trial.

    Attributes:
        what: the trial in words.
        tried: how many times.
        outcome: what happened, in words.
        faults: a sentence for each trial that lost something, crashed or hung.
    """

    what: str
    tried: int = 0
    outcome: str = ""
    faults: list[str] = field(default_factory=list)


class Deadline:
    """A point in time, ``seconds`` from now."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds that are left, 0 once it has passed."""
        return max(0.0, self._end - time.monotonic())


def environment() -> dict[str, str]:
    """The environment of a child process: no window, and the repository's modules."""
    hidden = ("DISPLAY", "WAYLAND_DISPLAY")
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    return kept | {"PYTHONPATH": str(REPOSITORY)}
