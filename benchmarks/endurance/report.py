"""What the attacks came to, as docs/reliability.md."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from benchmarks.endurance import Row
from benchmarks.speed_report import machine, table
from mask_detector.files import write_bytes
from mask_detector.wording import number_of

_SHOWN_FAULTS = 10


def reliability_page(rows: Sequence[Row], minutes: float, left_out: Sequence[str]) -> str:
    """The page in Markdown."""
    faults = [f"{row.what}: {fault}" for row in rows for fault in row.faults]
    lines = [
        "# Reliability\n",
        "Written by `python -m benchmarks.endurance`: what was tried to break the program, how "
        "often, and what was lost. A fault is anything that a user would lose or not understand: "
        "a file that is not whole, a crash, a hang, a traceback, memory that grows.\n",
        f"A run of {minutes:.0f} minutes on {date.today():%d %B %Y}; {machine()}\n",
        table(
            ["tried", "how often", "faults", "observed"],
            [[row.what, f"{row.tried:,}", str(len(row.faults)), row.outcome] for row in rows],
        ),
        f"{sum(row.tried for row in rows):,} trials, {number_of(len(faults), 'fault')}.\n",
    ]
    if faults:
        lines.append("\n".join(f"* {fault}" for fault in faults[:_SHOWN_FAULTS]) + "\n")
    if left_out:
        lines.append(f"Left out: {'; '.join(left_out)}.\n")
    return "\n".join([*lines, _HOW])


_HOW = """\
## How it is tried

* **Stopped scripts.** Each script runs once undisturbed; then it is started again and again and
  gets SIGKILL, SIGTERM or SIGINT in turns, at a random moment of a run as long as the first. After
  each stop every line of JSON and row of CSV must be whole, every picture must decode, a recording
  must play or not be there, and a model must be there and be whole. After SIGTERM and SIGINT no
  temporary file may be left. SIGKILL can leave some: their names begin with a dot, and they can be
  deleted. The photo script must complete its records with `--skip-done`, each photo once; training
  goes on with `--resume`.
* **Damaged files.** Words, bits, blocks and the ends of model files, photos and videos are changed
  at random, most often in the tables at both ends of a file. Each mutant is opened in a child
  process, since LiteRT and the decoders are C++: it must be refused in a sentence or be read.
* **Hostile streams.** Servers send headers and pictures without an end, random bytes, another size
  each frame, or nothing, at up to 1 Gbit/s. The video script (with `--stall 2 --give-up 3`) must
  end, and hold no more than 700 MiB at any time. FFmpeg keeps what it has of a picture until
  `--stall` ends the connection: on faster networks or with a longer `--stall` it can be more.
* **Sessions of the app.** A real browser opens sessions, three at a time. Each uploads a photo and
  must see its own photo only; afterwards no file may be left.
* **A camera for a day.** The video script watches an MJPEG stream with clocks that go 24 times as
  fast; the stream is cut once an hour of that time. Memory may grow by 10 MiB at most from the
  first quarter of the run to the last, the numbers of threads and open files not at all. The
  recording begins a new file every hour.
"""


def write_page(path: Path, text: str) -> None:
    """Write the page."""
    write_bytes(path, text.encode())
