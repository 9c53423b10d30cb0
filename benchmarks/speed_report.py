"""The measurements of ``benchmarks.speed`` as Markdown and as a chart."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.engines import CLASSIC, ENGINES, FACE_COUNTS, FRAME_SIZES, SSD, YUNET
from benchmarks.measuring import Measured, Repeats
from mask_detector.files import make_folder

if TYPE_CHECKING:
    from benchmarks.speed_frames import Row
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
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{model}, {cores} cores, {platform.system()}; Python {platform.python_version()}, "
        f"{versions}."
    )


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


@dataclass(frozen=True)
class Results:
    """All measurements, in the order of the report."""

    photo: dict[str, tuple[Measured, Measured]]
    load: dict[str, Measured]
    folder: tuple[dict[str, Measured], dict[str, float]]
    video: dict[tuple[tuple[int, int], int], Row]
    by_faces: dict[int, Row]
    by_pixels: dict[tuple[int, int], Row]
    records: dict[str, Cost]
    long_run: LongRun

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
            ("640×480 video, 1 face, YuNet: classic ÷ ours", ratio(one, YUNET), "15"),
            ("640×480 video, 16 faces, YuNet: classic ÷ ours", ratio(many, YUNET), "40"),
            ("a frame with 16 faces ÷ one with 1, YuNet", growing, "below 4"),
            *(
                (f"folder, {name}: time ÷ that of detection only, on all cores", over, "below 1.3")
                for name, over in self.folder[1].items()
            ),
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
        ]


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
    rates, over = results.folder
    classic_rate = rates[CLASSIC].median
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
            f"## A folder of {repeats.photos} photos, annotated and written\n",
            table(
                ["", "photos", "this ÷ classic", "time ÷ detection only, on all cores"],
                [
                    [
                        name,
                        rate.text("a second", 1),
                        f"{rate.median / classic_rate:.1f}",
                        f"{over[name]:.2f}" if name in over else "",
                    ]
                    for name, rate in rates.items()
                ],
            ),
            "## More faces (640×480), more pixels (4 faces): time of a frame\n",
            table(
                ["", *ENGINES],
                [
                    *([_faces(count), *times(row)] for count, row in results.by_faces.items()),
                    *([size(pixels), *times(row)] for pixels, row in results.by_pixels.items()),
                ],
            ),
            "## What records cost, and what a long run holds\n",
            "\n".join(f"* {name}: {cost}." for name, cost in results.records.items())
            + f"\n* The {results.long_run} (the script with recording, JSON, CSV, "
            "counts, snapshots, blurring and alerts on).\n",
        ]
    )


def _faces(count: int) -> str:
    return "1 face" if count == 1 else f"{count} faces"


def chart(results: Results, path: Path) -> None:
    """Time of a frame by engine, and how it grows."""
    from mask_detector.training import charts

    figure, (bars, faces, pixels) = charts.panels(3, 4.5, 4)
    width = 0.21
    for place, engine in enumerate(ENGINES):
        colour = f"C{place}"
        medians = [results.video[FRAME_SIZES[0], n][0][engine].median for n in FACE_COUNTS]
        where = [index + (place - 1.5) * width for index in range(len(FACE_COUNTS))]
        bars.bar_label(bars.bar(where, medians, width, label=engine, color=colour), fmt="%.0f")
        faces.plot(
            list(results.by_faces),
            [row[0][engine].median for row in results.by_faces.values()],
            "o-",
            color=colour,
        )
        pixels.plot(
            [w * h / 1e6 for w, h in results.by_pixels],
            [row[0][engine].median for row in results.by_pixels.values()],
            "o-",
            color=colour,
        )
    bars.set_xticks(range(len(FACE_COUNTS)), list(map(_faces, FACE_COUNTS)))
    bars.set(title="A frame of 640×480", ylabel="milliseconds", yscale="log")
    bars.margins(y=0.12)
    figure.legend(*bars.get_legend_handles_labels(), loc="outside lower center", ncols=len(ENGINES))
    faces.set(title="More faces, 640×480", xlabel="faces", yscale="log")
    pixels.set(title="More pixels, 4 faces", xlabel="megapixels", xscale="log", yscale="log")
    make_folder(path.parent)
    charts.save(figure, path)
