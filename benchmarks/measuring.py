"""Measuring in turns, in processes of their own.

A process that measures others imports nothing large: Linux counts what a process is started from
into its peak memory.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Repeats:
    """How often and how much is measured.

    Attributes:
        processes: whole processes of each kind.
        frames: video frames of each kind,
        seconds: unless those of an engine take longer in total than this.
        photos: photos in the folder; slow engines process a part of them.
        cluster_photos: photos that a cluster run and the photo script process.
        listed: rows of the longer list whose listing is measured.
        folders: runs over the folder.
        calls: calls for each point of the curves.
        long_run: frames of video over which memory is measured.
    """

    processes: int = 5
    frames: int = 300
    seconds: float = 8
    photos: int = 600
    cluster_photos: int = 2000
    listed: int = 1_000_000
    folders: int = 3
    calls: int = 30
    long_run: int = 10_000


QUICK = Repeats(
    processes=3, frames=40, seconds=2, photos=60, cluster_photos=60, listed=20_000, folders=1,
    calls=10, long_run=1500,
)  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """Repeated measurements of one thing."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The figure that ratios are made of."""
        return statistics.median(self.values)

    def text(self, unit: str, digits: int = 0) -> str:
        """The median and the middle half.

        >>> Measured((1.0, 2.0, 3.0, 4.0, 5.0)).text("s")
        '3 s (2–4)'
        """
        if len(self.values) < 4:
            low, high = min(self.values), max(self.values)
        else:
            low, _, high = statistics.quantiles(self.values, n=4, method="inclusive")
        return f"{self.median:.{digits}f} {unit} ({low:.{digits}f}–{high:.{digits}f})"


def take_turns(
    tasks: Mapping[str, Callable[[], float]], rounds: int, warm_up: int = 1
) -> dict[str, Measured]:
    """Measure tasks in turns, the first rounds not counted; each returns what it measured."""
    values: dict[str, list[float]] = {name: [] for name in tasks}
    for turn in range(-warm_up, rounds):
        for name, task in tasks.items():
            value = task()
            if turn >= 0:
                values[name].append(value)
    return {name: Measured(tuple(found)) for name, found in values.items()}


def run_python(arguments: Sequence[str]) -> tuple[float, float]:
    """Run Python in the repository; seconds and peak MiB."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=REPOSITORY,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    took = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"failed: python {' '.join(arguments)}")
    return took, usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def python_output(code: str) -> str:
    """What Python prints for some code."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    ).stdout


def environment() -> dict[str, str]:
    """The variables of programs that are measured."""
    # A window would wait for a key; without stored bytecode every start would compile all modules.
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    return kept | {"PYTHONPATH": str(REPOSITORY)}


def worker() -> ProcessPoolExecutor:
    """A process for code that needs large libraries."""
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
