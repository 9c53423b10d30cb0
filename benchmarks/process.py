"""What a running process holds, and whether it holds more and more (Linux: read from /proc)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, mode
from typing import NamedTuple


class Held(NamedTuple):
    """What a process holds at a point in time.

    Attributes:
        mebibytes: resident memory in MiB.
        threads: number of threads.
        files: number of open files.
    """

    mebibytes: float
    threads: int
    files: int


def held(pid: int) -> Held:
    """What a process holds now."""
    process = Path(f"/proc/{pid}")
    lines = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    resident = int(lines["VmRSS"].split()[0]) / 1024
    return Held(resident, int(lines["Threads"]), len(list((process / "fd").iterdir())))


@dataclass(frozen=True)
class Growth:
    """How what a process holds changes over time.

    Attributes:
        mebibytes: what it held more in the last quarter of the samples than in the first, on
            average. Single samples differ by the frames that wait to be processed or encoded,
            some 10 MiB; means of many do not.
        steady: whether there were usually no more threads and open files in the last quarter than
            in the first, and never more in the second half than in the first (an alert's thread
            comes and goes).
    """

    mebibytes: float
    steady: bool

    @classmethod
    def of(cls, samples: Sequence[Held]) -> Growth:
        """The growth over samples, at least one."""
        quarter, half = max(1, len(samples) // 4), len(samples) // 2
        memory, threads, files = zip(*samples, strict=True)
        steady = all(
            mode(counted[-quarter:]) <= mode(counted[:quarter])
            and max(counted[half:]) <= max(counted[: half + 1])
            for counted in (threads, files)
        )
        return cls(mean(memory[-quarter:]) - mean(memory[:quarter]), steady)
