"""Attack the whole program for an hour and write docs/reliability.md.

    python -m benchmarks.endurance                an hour
    python -m benchmarks.endurance --minutes 3    a look, on standard output only

Three kinds of attack run at the same time: the camera, the stops of training, and all others one
after the other; damaged files take the time that is left. Exit status 1: something was lost.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.endurance import REPOSITORY, Deadline, Row, kills, sessions
from benchmarks.endurance.camera import camera
from benchmarks.endurance.hostile import hostile_streams
from benchmarks.endurance.mutants import mutants
from benchmarks.endurance.report import reliability_page, write_page
from mask_detector import command_line

KILLS, SESSIONS, ROUNDS, MUTANTS = 100, 30, 3, 20_000
"""The most of each attack: stops of a script, sessions, rounds of streams, mutants of a kind."""

CHECKING_SHARE = 0.04
"""Of the time, for the checks of what the camera's run wrote."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run all attacks and write or print the page."""
    parser = command_line.make_parser(__doc__)
    add = parser.add_argument
    add("--minutes", type=command_line.number(0.5, 1440), default=60, help="duration")
    add("--output", type=Path, metavar="FILE",
        help="write the page here (default: docs/reliability.md from 60 minutes on)")  # fmt: skip
    arguments = parser.parse_args(argv)
    page = arguments.output
    if page is None and arguments.minutes >= 60:
        page = REPOSITORY / "docs" / "reliability.md"
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        rows, left_out = attack_all(60 * arguments.minutes, Path(folder))
    text = reliability_page(rows, (time.monotonic() - start) / 60, left_out)
    print(text)
    if page:
        write_page(page, text)
    return command_line.FAILED if any(row.faults for row in rows) else command_line.OK


def attack_all(seconds: float, scratch: Path) -> tuple[list[Row], list[str]]:
    """All attacks within a limit in seconds, and what had to be left out."""
    left_out = [f"sessions of the app ({reason})"] if (reason := sessions.missing()) else []
    end = Deadline(seconds * (1 - CHECKING_SHARE))

    def others() -> Iterator[Row]:
        shares: list[tuple[float, Callable[[Deadline], list[Row]]]] = [
            (0.25, lambda d: [kills.attack(kills.PhotoScript(scratch / "found"), d, KILLS)]),
            (0.25, lambda d: [kills.attack(kills.VideoScript(scratch / "video"), d, KILLS)]),
            (0.15, lambda d: hostile_streams(d, ROUNDS)),
            (1.0, lambda d: mutants(d, MUTANTS)),
        ]
        if not left_out:
            visits = lambda d: [sessions.sessions(d, SESSIONS, scratch)]  # noqa: E731
            shares.insert(3, (0.15, visits))
        for share, attack in shares:
            for row in attack(Deadline(min(end.left, share * seconds))):
                _tell(row)
                yield row

    with ThreadPoolExecutor() as lanes:
        watching = lanes.submit(camera, end.left, scratch / "camera")
        script = kills.TrainingScript(scratch / "training")
        training = lanes.submit(kills.attack, script, end, KILLS)
        one_by_one = lanes.submit(lambda: list(others()))
        # Stopped scripts first, then all others, the day of a camera last.
        rows = one_by_one.result()
        rows.insert(2, training.result())
        return [*rows, watching.result()], left_out


def _tell(row: Row) -> None:
    print(f"{row.what}: {row.tried}, {len(row.faults)} faults", file=sys.stderr, flush=True)


if __name__ == "__main__":
    command_line.run(main)
