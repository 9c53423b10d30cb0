"""Whose turn it is: jobs run in the order in which they came, and only a few at once.

Independent of Streamlit.
"""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

Job = TypeVar("Job")


class Turns(Generic[Job]):
    """A queue of jobs; each is in it from before its turn until it has ended."""

    def __init__(self, at_once: int) -> None:
        """
        Args:
            at_once: number of jobs that run at the same time; at least 1.
        """
        self._at_once = at_once
        self._changed = threading.Condition()
        self._line: list[Job] = []

    def join(self, job: Job) -> None:
        """Stand at the end of the queue."""
        with self._changed:
            self._line.append(job)

    def leave(self, job: Job) -> None:
        """Let the next one begin; may be called more than once."""
        with self._changed:
            if job in self._line:
                self._line.remove(job)
            self._changed.notify_all()

    def wait(self, job: Job, seconds: float) -> bool:
        """Whether it is the job's turn, as soon as it is or after ``seconds``.

        False at once for a job that has left.
        """
        with self._changed:
            self._changed.wait_for(lambda: job not in self._line or self._is_turn(job), seconds)
            return job in self._line and self._is_turn(job)

    def before(self, job: Job) -> list[Job]:
        """The jobs that came earlier and have not ended, oldest first; none for one that has."""
        with self._changed:
            return self._line[: self._line.index(job)] if job in self._line else []

    def place(self, job: Job) -> int:
        """How many jobs must end before its turn, 1 for the next one; 0 when it is its turn."""
        return max(0, len(self.before(job)) - self._at_once + 1)

    def _is_turn(self, job: Job) -> bool:
        return self._line.index(job) < self._at_once
