"""The measurements of ``benchmarks.speed`` as Markdown."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.engines import CLASSIC, ENGINES, FACE_COUNTS, FRAME_SIZES, SSD, YUNET
from benchmarks.measuring import Measured, Repeats
from mask_detector.wording import number_of

if TYPE_CHECKING:
    from benchmarks.cluster import Cost as ClusterCost
    from benchmarks.cluster import Memory
    from benchmarks.large_photos import Comparison
    from benchmarks.speed_frames import Row
    from benchmarks.speed_processes import FolderRun
    from benchmarks.video_loop import Cost, LongRun

PACKAGES = ("opencv-python", "onnxruntime", "ai-edge-litert", "tensorflow", "keras", "numpy")


def machine() -> str:
    """Processor, cores and versions, in words."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES)
    return (
        f"{model}, {_cores()} cores, {platform.system()}; Python {platform.python_version()}, "
        f"{versions}."
    )


def _cores() -> int | None:
    # As parallel.usable_cores, which would load OpenCV: see measuring.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


@dataclass(frozen=True)
class Results:
    """All measurements, in the order of the report."""

    photo: dict[str, tuple[Measured, Measured]]
    load: dict[str, Measured]
    folder: dict[str, FolderRun]
    video: dict[tuple[tuple[int, int], int], Row]
    by_faces: dict[int, Row]
    by_pixels: dict[tuple[int, int], Row]
    records: dict[str, Cost]
    long_run: LongRun
    parts: dict[str, dict[str, float]]
    large_photos: Comparison
    cluster: ClusterCost
    listing: Memory

    def ratios(self) -> list[tuple[str, float, str]]:
        """Figures with a goal: in words, the figure, the goal."""
        small = FRAME_SIZES[0]

        def ratio(values: Mapping[str, Measured], engine: str) -> float:
            return values[CLASSIC].median / values[engine].median

        seconds, peaks = ({name: both[i] for name, both in self.photo.items()} for i in (0, 1))
        one, many = (self.video[small, faces][0] for faces in (1, 16))
        growing = many[YUNET].median / one[YUNET].median
        return [
            ("one photo, whole process, SSD, one pass: classic ÷ ours", ratio(seconds, SSD), "20"),
            ("peak memory of that process: classic ÷ ours", ratio(peaks, SSD), "4"),
            ("640×480 video, 1 face, SSD: classic ÷ ours", ratio(one, SSD), "3.5"),
            ("640×480 video, 1 face, YuNet: classic ÷ ours", ratio(one, YUNET), "18"),
            ("640×480 video, 16 faces, YuNet: classic ÷ ours", ratio(many, YUNET), "40"),
            ("a frame with 16 faces ÷ one with 1, YuNet", growing, "below 4"),
            *self._folder_ratios(),
            *(
                (
                    f"{name}: rate with tracking, counts, JSON, recording ÷ without",
                    cost.clock[0] / cost.clock[1],
                    "0.8",
                )
                for name, cost in self.records.items()
            ),
            (
                f"MiB grown over {self.long_run.frames:,} frames of video",
                self.long_run.growth.mebibytes,
                "below 5",
            ),
            (
                "12 megapixels, YuNet, one pass, records only: decoded whole ÷ smaller",
                self.large_photos.ratio,
                "2",
            ),
            (
                f"processor time, {self.cluster.photos:,} photos: cluster ÷ photo script",
                self.cluster.ratio,
                "below 1.1",
            ),
            (
                f"memory of listing, {max(self.listing.peaks):,} rows ÷ "
                f"{min(self.listing.peaks):,} rows",
                self.listing.ratio,
                "below 1.2",
            ),
        ]

    def _folder_ratios(self) -> Iterator[tuple[str, float, str]]:
        for name, run in self.folder.items():
            for what, over in (("records", run.records_over), ("pictures", run.over)):
                if over is not None:
                    words = f"folder, {name}, {what}: time ÷ that of detection only, on all cores"
                    yield words, over, "below 1.15"


def report(results: Results, repeats: Repeats) -> str:
    """The measurements as Markdown."""

    def times(row: Row) -> list[str]:
        return [f"{row[0][engine].text('ms', 1)}" for engine in ENGINES]

    def ratio(row: Row) -> list[str]:
        classic = row[0][CLASSIC].median
        return [f"{classic / row[0][engine].median:.1f}" for engine in (SSD, YUNET)]

    def size(pixels: tuple[int, int]) -> str:
        return f"{pixels[0]}×{pixels[1]}"

    classic_seconds = results.photo[CLASSIC][0].median
    classic_peak = results.photo[CLASSIC][1].median
    classic_rate = results.folder[CLASSIC].rate.median
    return "\n".join(
        [
            machine() + "\n",
            table(
                ["what", "measured", "goal"],
                [[what, f"{value:.2f}", goal] for what, value, goal in results.ratios()],
            ),
            "## One photo, a whole process\n",
            table(
                ["", "time", "peak memory", "classic time ÷ this", "classic memory ÷ this"],
                [
                    [
                        name,
                        seconds.text("s", 2),
                        peak.text("MiB"),
                        f"{classic_seconds / seconds.median:.1f}",
                        f"{classic_peak / peak.median:.1f}",
                    ]
                    for name, (seconds, peak) in results.photo.items()
                ],
            ),
            "## Loading, from the first import to models that are ready\n",
            table(
                ["", "time"],
                [[name, seconds.text("s", 2)] for name, seconds in results.load.items()],
            ),
            f"## Video, {repeats.frames} frames in memory: time of a frame\n",
            "Each engine in a process of its own, in turns; one that takes longer than "
            f"{repeats.seconds:g} s for those frames processes fewer.\n",
            table(
                ["frame", "faces", *ENGINES, "classic ÷ SSD", "classic ÷ YuNet"],
                [
                    [size(pixels), str(faces), *times(row), *ratio(row)]
                    for (pixels, faces), row in results.video.items()
                ],
            ),
            "Faces found on average: "
            + "; ".join(
                f"{size(pixels)} with {faces}: "
                + ", ".join(f"{engine} {row[1][engine]:g}" for engine in ENGINES)
                for (pixels, faces), row in results.video.items()
            )
            + ".\n",
            "## A folder of photos, annotated and written\n",
            "The last columns are the time of the whole run, its start included, over that of "
            "detection (finding and classifying) only, if that were spread over all cores at no "
            "cost: with annotated pictures, and with records only.\n",
            table(
                ["", "photos", "rate", "this ÷ classic", "pictures", "records only"],
                [
                    [
                        name,
                        str(run.photos),
                        run.rate.text("a second", 1),
                        f"{run.rate.median / classic_rate:.1f}",
                        *(
                            "" if over is None else f"{over:.2f}"
                            for over in (run.over, run.records_over)
                        ),
                    ]
                    for name, run in results.folder.items()
                ],
            ),
            "Reading, decoding, drawing and encoding bound those columns from below, and so does "
            "the start of the process, during which one core works (one photo's whole process, "
            "less that photo). Processor time of a photo in one pass, one thread, in ms:\n",
            _parts(results),
            _thorough(results) + "\n",
            "## More faces (640×480), more pixels (4 faces): time of a frame\n",
            table(
                ["", *ENGINES],
                [
                    *(
                        [number_of(count, "face"), *times(row)]
                        for count, row in results.by_faces.items()
                    ),
                    *([size(pixels), *times(row)] for pixels, row in results.by_pixels.items()),
                ],
            ),
            "## What records cost, and what a long run holds\n",
            "\n".join(f"* {name}: {cost}." for name, cost in results.records.items())
            + f"\n* The {results.long_run} (the script with recording, JSON, CSV, "
            "counts, snapshots, blurring and alerts on).\n",
            "## Photos of 12 megapixels\n",
            f"YuNet in one pass at 640, one thread, records only. {results.large_photos}.\n",
            "## Many machines\n",
            "Listing and cutting, and the processor time of a run on this machine's own Ray, its "
            "start included, over that of the photo script; YuNet in one pass at 640, records "
            f"only.\n\n* {results.listing}.\n* {results.cluster}.\n"
            "* Killed workers, nodes and drivers: [What it costs](cluster.md#what-it-costs).\n",
        ]
    )


def _parts(results: Results) -> str:
    """What a photo takes, and the lowest ratios to detection that follow from it."""
    rows = []
    for engine, spent in results.parts.items():
        every = sum(spent.values())
        start = _start_ms(results, engine, results.folder[engine].photos)
        records = spent["read and decode"] + spent["detect"] + spent["record"]
        totals = (every, records, every + start, records + start)
        rows.append([engine, *(f"{each:.1f}" for each in spent.values())])
        rows[-1] += [f"{total / spent['detect']:.2f}" for total in totals]
    ratios = ["all ÷ detect", "without pictures ÷ detect"]
    return table(["", *results.parts[SSD], *ratios, *(f"{each}, start" for each in ratios)], rows)


def _start_ms(results: Results, engine: str, photos: int) -> float:
    """What each photo has of the start: the time of all cores, of which one works."""
    whole_ms = 1e3 * results.photo[engine][0].median
    return (_cores() or 1) * (whole_ms - sum(results.parts[engine].values())) / photos


def _thorough(results: Results) -> str:
    """The lowest ratios to detection in thorough searches, from the same parts."""
    bounds = []
    for engine, spent in results.parts.items():
        run = results.folder.get(f"{engine}, thorough")
        if run is None or run.over is None:
            continue
        detect_ms = 1e3 * (_cores() or 1) / run.rate.median / run.over
        all_ms = _start_ms(results, engine, run.photos) + sum(spent.values()) - spent["detect"]
        records = 1 + (all_ms - spent["draw"] - spent["encode"]) / detect_ms
        bounds.append(
            f"{engine} {1 + all_ms / detect_ms:.2f} with pictures and {records:.2f} without "
            f"({detect_ms:.0f} ms of detection a photo, {run.photos} photos share the start)"
        )
    return (
        f"The same parts bound the thorough rows: {'; '.join(bounds)}. All parts are measured in "
        "one thread: what they take longer where all cores work is not in the bounds.\n"
    )


def readme_table(results: Results) -> str:
    """The speed table of the README, without the end of its last line."""

    def photo(name: str) -> str:
        seconds, peak = results.photo[name]
        return f"{seconds.median:.2g} s, {peak.median:.0f} MiB"

    def frame(faces: int, engine: str) -> str:
        return f"{results.video[FRAME_SIZES[0], faces][0][engine].median:.0f} ms"

    engines = (CLASSIC, SSD, YUNET)
    rows = [
        ["one photo, the whole process, one pass", *map(photo, engines)],
        ["the same, thorough (the default)", "", *(photo(f"{e}, thorough") for e in engines[1:])],
        *(
            [
                f"a video frame of 640 × 480, {number_of(n, 'face')}",
                *(frame(n, engine) for engine in engines),
            ]
            for n in (FACE_COUNTS[0], FACE_COUNTS[-1])
        ),
    ]
    header = [f"{_cores()} cores of a server processor, no GPU", "the classic recipe"]
    return table([*header, "ours, SSD", "ours, YuNet"], rows).rstrip("\n")
