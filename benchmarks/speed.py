#!/usr/bin/env python3
"""Measure speed and memory: the classic recipe beside this project, in one run.

    python -m benchmarks.speed            20 minutes; writes docs/benchmarks.md and its chart, and
                                          the table of the README
    python -m benchmarks.speed --quick    fewer repeats, printed only

The engines take turns, after a warm-up, so that a busy or throttled machine slows all of them
alike. Figures are medians, with the middle half of the measurements in brackets. Ratios carry over
to other machines, milliseconds do not.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import cluster, speed_frames, speed_processes
from benchmarks.measuring import QUICK, REPOSITORY, Repeats, worker
from benchmarks.page_sections import write_section
from benchmarks.speed_chart import chart
from benchmarks.speed_report import Results, readme_table, report
from mask_detector import command_line

README_BEGIN, README_END = "<!-- speed: written by benchmarks/speed.py -->", "<!-- /speed -->"

PAGE = """\
# Speed and memory

Written by `python -m benchmarks.speed` (`make bench`): the classic recipe beside this project, in
one run. {method}

![Time of a frame by engine, faces and pixels](images/benchmarks.png)

{report}"""


def measure(repeats: Repeats) -> Results:
    """Measure everything, the small processes first."""

    def say(what: str) -> None:
        print(f"{what} …", file=sys.stderr, flush=True)

    say("one photo, whole process")
    photo = speed_processes.one_photo(repeats)
    say("loading")
    load = speed_processes.loading(repeats)
    with tempfile.TemporaryDirectory() as folder:
        say("runs on many machines")
        listing = cluster.memory(Path(folder), (10_000, repeats.listed))
        cluster_cost = cluster.cost(Path(folder), repeats.cluster_photos, repeats.folders)
    say("folders of photos")
    folders = speed_processes.folder_of_photos(repeats)
    with speed_frames.loops() as workers:
        say("video")
        frames = speed_frames.video(workers, repeats)
        say("more faces, more pixels")
        by_faces, by_pixels = speed_frames.curves(workers, repeats)
    with worker() as process:
        say("what records cost")
        costs = process.submit(speed_processes.records, repeats).result()
        say("parts of a photo")
        parts = process.submit(speed_processes.parts_of_a_photo, repeats).result()
        say("a long run")
        long_run = process.submit(speed_processes.long_run, repeats).result()
        say("large photos")
        large = process.submit(speed_processes.large_photos, repeats).result()
    return Results(
        photo, load, folders, frames, by_faces, by_pixels, costs, long_run, parts, large,
        cluster_cost, listing,
    )  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the report and, unless --quick, write the page, its chart and the README."""
    parser = command_line.make_parser(__doc__)
    # fmt: off
    parser.add_argument("--quick", action="store_true", help="fewer repeats; writes nothing")
    parser.add_argument("--folder", type=Path, default=REPOSITORY,
        help="folder of README.md and docs/benchmarks.md")
    # fmt: on
    arguments = parser.parse_args(argv)
    repeats = QUICK if arguments.quick else Repeats()
    results = measure(repeats)
    text = report(results, repeats)
    print(text)
    if not arguments.quick:
        docs = arguments.folder / "docs"
        chart(results, docs / "images" / "benchmarks.png")
        page = PAGE.format(method=__doc__.rpartition("\n\n")[2].strip(), report=text)
        (docs / "benchmarks.md").write_text(page, encoding="utf-8")
        table = f"\n\n{readme_table(results)}\n"
        write_section(arguments.folder / "README.md", table, README_BEGIN, README_END)
    return command_line.OK


if __name__ == "__main__":
    command_line.run(main)
