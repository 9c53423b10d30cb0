"""What a long run of the video script holds, and what tracking, counts and records cost.

    python -m benchmarks.video_loop                      the cost, then 10,000 frames
    python -m benchmarks.video_loop --rounds 0 --frames 28800 --every 5      two hours of video

The example video is cut together with itself into one long file, and the script runs on it with
everything on: recording, JSON, CSV, counts, snapshots, blurring, alerts. Its memory, threads and
open files are read from /proc meanwhile (Linux). They must stay flat after the first frames.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import av

from benchmarks.process import Growth, Held, held
from mask_detector import MaskDetector, command_line
from mask_detector.command_line import whole_number
from mask_detector.records import FRAME_COLUMNS, Records
from mask_detector.video.canvas import Canvas
from mask_detector.video.people import MinuteCounts
from mask_detector.video.recording import Recording
from mask_detector.video.sources import Sources
from mask_detector.video.watching import Watch, watch

REPOSITORY = Path(__file__).resolve().parent.parent
EXAMPLE = REPOSITORY / "examples" / "example_video.mp4"
Loop = Callable[[MaskDetector, Path, Path], int]

WARM_UP = 500
"""Frames after which nothing may grow any more; half of a shorter run."""

FLAT_MIB = 5.0
LINES = 20
"""Printed for a run; it is measured far more often."""


def repeated(source: Path, target: Path, times: int) -> None:
    """Cut a video together with itself, without decoding it."""
    with av.open(str(target), "w") as container:
        stream, shift = None, 0
        for _ in range(times):
            with av.open(str(source)) as once:
                template = once.streams.video[0]
                stream = stream or container.add_stream_from_template(template)
                for packet in once.demux(template):
                    if packet.pts is not None and packet.dts is not None:
                        packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                        packet.stream = stream
                        container.mux(packet)
                shift += template.duration or 0


def frames_of(source: Path) -> int:
    """The number of frames in a video file, by decoding all of them."""
    with av.open(str(source)) as container:
        return sum(1 for _ in container.decode(video=0))


@dataclass(frozen=True)
class LongRun:
    """What the video script held over a long run.

    Attributes:
        frames: how many it processed.
        growth: of its memory, threads and open files.
        failed: whether it ended with an error.
    """

    frames: int
    growth: Growth
    failed: bool

    def __str__(self) -> str:
        steady = "did not" if self.growth.steady else "did as well"
        return (
            f"memory grew by {self.growth.mebibytes:.1f} MiB over {self.frames:,} frames; "
            f"the numbers of threads and open files {steady}"
        )


def long_run(frames: int, folder: Path, every: int = 1) -> LongRun:
    """Run the script on ``frames`` frames, every Nth of a video, printing what it holds."""
    video, lines = folder / "long.mp4", folder / "faces.jsonl"
    repeated(EXAMPLE, video, -(-frames * every // frames_of(EXAMPLE)))
    command = [sys.executable, str(REPOSITORY / "detect_mask_video.py"), "--source", str(video)]
    command += ["--detector", "yunet", "--no-display", "--max-frames", str(frames)]
    command += ["--every", str(every)]
    command += ["--json", str(lines), "--csv", str(folder / "faces.csv")]
    command += ["--counts", str(folder / "counts.csv"), "--output", str(folder / "out.mp4")]
    command += ["--snapshots", str(folder / "snapshots"), "--blur", "all"]
    command += ["--alert", "command:true"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    while not lines.exists():
        if process.poll() is not None:
            raise SystemExit(f"failed: {' '.join(command)}")
        time.sleep(0.1)
    samples: list[Held] = []
    done = printed = 0
    print("  frames       MiB   threads   files")
    with lines.open() as text:
        while process.poll() is None:
            done += text.read().count("\n")
            if min(WARM_UP, frames // 2) <= done < frames:  # after the last frame it tidies up
                samples.append(held(process.pid))
                if done * LINES >= printed * frames:
                    memory, threads, files = samples[-1]
                    print(f"{done:8}  {memory:8.1f}  {threads:8}{files:8}", flush=True)
                    printed = done * LINES // frames + 1
            time.sleep(0.1)
        done += text.read().count("\n")
    print(process.communicate()[0].strip())
    return LongRun(done, Growth.of(samples), process.returncode != 0)


def detection_loop(detector: MaskDetector, video: Path, folder: Path) -> int:
    """Read, detect and classify only; gives the number of frames."""
    count = 0
    with Sources([str(video)]) as sources:
        for frames in sources:
            detector.detect_many([frame.image for frame in frames.values()])
            count += len(frames)
    return count


def full_loop(detector: MaskDetector, video: Path, folder: Path) -> int:
    """The same with tracking, counts, JSON and recording."""
    with ExitStack() as stack:
        records = stack.enter_context(
            Records(folder / "faces.jsonl", None, detector.classes, columns=FRAME_COLUMNS)
        )
        counts = stack.enter_context(MinuteCounts(folder / "counts.csv", detector.classes))
        recording = stack.enter_context(Recording(folder / "out.mp4"))
        sources = stack.enter_context(Sources([str(video)]))
        canvas, watches = Canvas(sources.sources), [Watch(sources.sources[0], 0, detector)]
        for views in watch(sources, detector, watches):
            for view in views:
                records.write(view.record(named=False))
                counts.take(view)
            if views:
                recording.write(canvas.draw(views), canvas.time_s)
    return watches[0].frames


@dataclass(frozen=True)
class Cost:
    """Milliseconds that a frame takes without and with tracking, counts, JSON and recording.

    Attributes:
        clock: both by the clock.
        processor: both in processor time, which says more on a machine that is busy otherwise.
    """

    clock: tuple[float, float]
    processor: tuple[float, float]

    def __str__(self) -> str:
        texts = (
            f"{less:.1f} ms a frame {what} without, {full:.1f} with tracking, counts, JSON and "
            f"recording: {less / full:.2f} of the rate"
            for what, (less, full) in (
                ("by the clock", self.clock),
                ("of processor time", self.processor),
            )
        )
        return "; ".join(texts)


def cost(rounds: int, folder: Path) -> dict[str, Cost]:
    """Measure both loops in turns, by face detector."""
    costs = {}
    for name in ("yunet", "ssd"):
        detector = MaskDetector.load(detector=name, thorough=False)
        detection_loop(detector, EXAMPLE, folder)
        taken: dict[Loop, list[tuple[float, float]]] = {detection_loop: [], full_loop: []}
        for _ in range(rounds):
            for loop, times in taken.items():
                clock, processor = time.perf_counter(), time.process_time()
                frames = loop(detector, EXAMPLE, folder)
                spent = time.perf_counter() - clock, time.process_time() - processor
                times.append((1e3 * spent[0] / frames, 1e3 * spent[1] / frames))
        (less, less_work), (full, full_work) = (
            [median(each[index] for each in times) for index in (0, 1)] for times in taken.values()
        )
        costs[name] = Cost((less, full), (less_work, full_work))
    return costs


def main(argv: Sequence[str] | None = None) -> int:
    """Print what records cost a frame and what a long run holds."""
    parser = command_line.make_parser(__doc__)
    # fmt: off
    add = parser.add_argument
    add("--frames", type=whole_number(0), default=10_000, help="frames of the long run")
    add("--every", type=whole_number(1), default=1, metavar="N", help="process every Nth frame")
    add("--rounds", type=whole_number(0), default=3, help="measurements of each loop")
    # fmt: on
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as name:
        if arguments.rounds:
            for detector, measured in cost(arguments.rounds, Path(name)).items():
                print(f"{detector}: {measured}", flush=True)
        if not arguments.frames:
            return command_line.OK
        run = long_run(arguments.frames, Path(name), arguments.every)
        print(run)
        flat = run.growth.mebibytes < FLAT_MIB and run.growth.steady and not run.failed
        return command_line.OK if flat else command_line.FAILED


if __name__ == "__main__":
    command_line.run(main)
