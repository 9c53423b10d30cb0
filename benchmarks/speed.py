#!/usr/bin/env python3
"""Measure speed and memory: the classic recipe beside this project, in one run.

    python -m benchmarks.speed            half an hour; writes docs/benchmarks.md and its chart
    python -m benchmarks.speed --quick    fewer repeats, to look at; writes nothing

Whoever is compared takes turns, after a warm-up, so that a busy or throttled machine slows all of
them alike. Figures are medians, with the middle half of the measurements in brackets. Of the
figures, ratios carry over to other machines, milliseconds do not.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

# The measuring process itself imports nothing large: Linux counts what a process is started from
# into its peak memory.
from mask_detector import command_line

if TYPE_CHECKING:
    import numpy as np

    from benchmarks.video_loop import Cost, Endurance

REPOSITORY = Path(__file__).resolve().parent.parent
CLASSIC, BATCHED, SSD, YUNET = "classic", "classic, one batch", "SSD", "YuNet"
ENGINES = (CLASSIC, BATCHED, SSD, YUNET)
"""The classic scripts call ``predict`` once a face; the better ones of them once a frame."""

Size = int | Literal["auto"]

ONE_PASS = {SSD: 300, YUNET: 640}
"""What each detector sees of a video frame: the longer side in pixels."""

PHOTO = REPOSITORY / "examples" / "example_01.png"
PACKAGES = ("opencv-python", "onnxruntime", "ai-edge-litert", "tensorflow", "keras", "numpy")

FACE_COUNTS = (1, 4, 16)
FRAME_SIZES = ((640, 480), (1280, 720))
FACE_GRID = (1, 2, 4, 8, 16, 32)
PIXEL_GRID = ((320, 240), (640, 480), (1280, 720), (1920, 1080), (3840, 2160))
CLASSIC_FRAME_WIDTH = 400
"""To which the classic video script shrinks each frame."""


@dataclass(frozen=True)
class Repeats:
    """How often and how much is measured.

    Attributes:
        processes: whole processes of each kind.
        frames: video frames of each kind,
        seconds: unless those of an engine take longer in sum than this.
        photos: photos in the folder.
        folders: runs over the folder.
        calls: calls for each point of the curves.
        long_run: frames of video over which memory is watched.
    """

    processes: int = 7
    frames: int = 300
    seconds: float = 15
    photos: int = 200
    folders: int = 3
    calls: int = 30
    long_run: int = 10_000


QUICK = Repeats(processes=3, frames=40, seconds=4, photos=24, folders=1, calls=10, long_run=1500)


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


def in_turns(
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


# Whole processes: one photo, loading, a folder


def one_photo(repeats: Repeats) -> dict[str, tuple[Measured, Measured]]:
    """Seconds and peak MiB of a process that is started for one photo, by engine."""
    seconds: dict[str, list[float]] = {}
    peaks: dict[str, list[float]] = {}

    def task(name: str, command: Sequence[str]) -> Callable[[], float]:
        def measure() -> float:
            took, peak = _run(command)
            seconds.setdefault(name, []).append(took)
            peaks.setdefault(name, []).append(peak)
            return took

        return measure

    commands = {CLASSIC: ["-m", "benchmarks.classic", "--image", str(PHOTO)]}
    ours = ["detect_mask_image.py", "--image", str(PHOTO), "--json", "-", "--detector"]
    for name, size in ONE_PASS.items():
        commands[name] = [*ours, name.lower(), "--detector-size", str(size)]
        commands[f"{name}, thorough"] = [*ours, name.lower()]
    in_turns({name: task(name, c) for name, c in commands.items()}, repeats.processes)
    return {
        name: (Measured(tuple(seconds[name][1:])), Measured(tuple(peaks[name][1:])))
        for name in commands
    }


def loading(repeats: Repeats) -> dict[str, Measured]:
    """Seconds from a fresh interpreter's first import to models that are ready, by engine."""
    loads = {
        CLASSIC: "from benchmarks.classic import ClassicDetector as C; C()",
        SSD: "from mask_detector import MaskDetector as M; M.load(detector='ssd')",
        YUNET: "from mask_detector import MaskDetector as M; M.load(detector='yunet')",
    }

    def task(load: str) -> Callable[[], float]:
        code = f"import time; s = time.perf_counter(); {load}; print(time.perf_counter() - s)"
        return lambda: float(_output(["-c", code]))

    return in_turns({name: task(load) for name, load in loads.items()}, repeats.processes)


def folder_of_photos(repeats: Repeats) -> tuple[dict[str, Measured], dict[str, float]]:
    """Photos a second, read, looked at, drawn into and written; and time over detecting alone.

    Ours is the image script as a whole process, start included; the classic recipe has no folder
    run: it is a loop in a process that is up and running. The second figure is the script's time
    over that of finding and classifying alone, were it spread over all cores at no cost.
    """
    with tempfile.TemporaryDirectory() as scratch, _worker() as worker:
        photos, target = Path(scratch) / "photos", Path(scratch) / "marked"
        worker.submit(write_photos, photos, repeats.photos).result()

        def ours(detector: str, size: Size) -> Callable[[], float]:
            command = ["detect_mask_image.py", "--image", str(photos), "--output", str(target)]
            command += ["--detector", detector, "--detector-size", str(size)]

            def measure() -> float:
                shutil.rmtree(target, ignore_errors=True)
                return repeats.photos / _run(command)[0]

            return measure

        def classic() -> float:
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir()
            return repeats.photos / worker.submit(classic_folder, photos, target).result()

        settings: dict[str, tuple[str, Size]]
        settings = {name: (name.lower(), size) for name, size in ONE_PASS.items()}
        settings |= {f"{name}, thorough": (name.lower(), "auto") for name in ONE_PASS}
        tasks = {CLASSIC: classic} | {name: ours(*setting) for name, setting in settings.items()}
        rates = in_turns(tasks, repeats.folders, warm_up=0)
        over = {}
        for name, setting in settings.items():
            with _worker() as alone:
                least = alone.submit(detecting_alone, *setting, photos).result()
            over[name] = repeats.photos / rates[name].median / least
        return rates, over


def detecting_alone(detector: str, size: Size, photos: Path) -> float:
    """Seconds that finding and classifying takes, were it spread over all cores at no cost."""
    from mask_detector import MaskDetector
    from mask_detector.images import read_photo
    from mask_detector.photos.parallel import usable_cores

    alone = MaskDetector.load(detector=detector, detector_size=size, threads=1)
    alone.detect(read_photo(PHOTO))
    seconds = 0.0
    for path in sorted(photos.iterdir()):
        image = read_photo(path)
        start = time.perf_counter()
        alone.detect(image)
        seconds += time.perf_counter() - start
    return seconds / usable_cores()


def records(repeats: Repeats) -> dict[str, Cost]:
    """What tracking, counts, JSON and recording cost a frame of the example video."""
    from benchmarks import video_loop

    with tempfile.TemporaryDirectory() as folder:
        return video_loop.cost(repeats.folders, Path(folder))


def endurance(repeats: Repeats) -> Endurance:
    """The video script over many frames, everything on."""
    from benchmarks import video_loop

    with tempfile.TemporaryDirectory() as folder:
        return video_loop.endurance(repeats.long_run, Path(folder))


def _command(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, *arguments]


def _environment() -> dict[str, str]:
    # A window would wait for a key; Python would compile all scripts anew at each start.
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    return kept | {"PYTHONPATH": str(REPOSITORY)}


def _run(arguments: Sequence[str]) -> tuple[float, float]:
    """Run Python; seconds and peak MiB."""
    start = time.perf_counter()
    process = subprocess.Popen(
        _command(arguments),
        cwd=REPOSITORY,
        env=_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    took = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"failed: python {' '.join(arguments)}")
    return took, usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def _output(arguments: Sequence[str]) -> str:
    return subprocess.run(
        _command(arguments),
        cwd=REPOSITORY,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    ).stdout


def _worker() -> ProcessPoolExecutor:
    """A process for what needs large libraries."""
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, mp_context=context)


# Inside a worker: frames and the loops over them


def faces_of_examples() -> list[np.ndarray]:
    """Faces of the example photos with their surroundings, square, at least 90 px."""
    from face_detector import load
    from mask_detector.crops import cut_crops
    from mask_detector.images import read_photo

    finder = load("yunet", size=640, confidence=0.8)
    patches = []
    for name in ("example_01.png", "example_02.jpg", "example_04.jpg", "example_06.jpg"):
        image = read_photo(REPOSITORY / "examples" / name)
        boxes = finder.find(image).boxes
        sides = boxes[:, 2:] - boxes[:, :2]
        boxes = boxes[sides.max(axis=1) >= 90]
        patches += [crop[..., ::-1] for crop in cut_crops(image, boxes, 240, margin=0.5)]
    return patches


def frames_with_faces(width: int, height: int, faces: int, count: int) -> list[np.ndarray]:
    """Grey frames on which so many faces, of equal size, move a little from frame to frame."""
    import cv2
    import numpy as np

    patches = faces_of_examples()
    columns = round((faces * width / height) ** 0.5 + 0.3) or 1
    rows = -(-faces // columns) or 1
    cell_width, cell_height = width // columns, height // rows
    side = min(cell_width, cell_height, height // 2) * 9 // 10
    frames = []
    for number in range(count):
        frame = np.full((height, width, 3), 128, np.uint8)
        for index in range(faces):
            row, column = divmod(index, columns)
            swing = int(6 * np.sin(number / 3 + index))
            x = column * cell_width + max(
                0, min(cell_width - side, (cell_width - side) // 2 + swing)
            )
            y = row * cell_height + (cell_height - side) // 2
            patch = cv2.resize(patches[index % len(patches)], (side, side))
            frame[y : y + side, x : x + side] = patch
        frames.append(frame)
    return frames


def classic_loop(one_batch: bool) -> Callable[[np.ndarray], int]:
    """The classic video script's step: shrink, find, classify, draw. Gives the faces' number."""
    import cv2
    import imutils
    import numpy as np

    from benchmarks.classic import ClassicDetector

    class FaceByFace(ClassicDetector):
        def probabilities(self, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
            rows = [super(FaceByFace, self).probabilities(image, box[None]) for box in boxes]
            return np.concatenate(rows) if rows else super().probabilities(image, boxes)

    detector = ClassicDetector() if one_batch else FaceByFace()

    def step(frame: np.ndarray) -> int:
        frame = imutils.resize(frame, width=CLASSIC_FRAME_WIDTH)
        faces = detector.detect(frame)
        for face in faces:
            x1, y1, x2, y2 = face.box
            label = "Mask" if face.label == "with_mask" else "No Mask"
            colour = (0, 255, 0) if label == "Mask" else (0, 0, 255)
            text = f"{label}: {face.probability * 100:.2f}%"
            cv2.putText(frame, text, (x1, y1 - 10), cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, 2)
            cv2.rectangle(frame, (x1, y1), (x2, y2), colour, 2)
        return len(faces)

    return step


def our_loop(name: str) -> Callable[[np.ndarray], int]:
    """Our step on a video frame: find, classify, draw faces and counts."""
    from mask_detector import MaskDetector
    from mask_detector.detector import count_faces
    from mask_detector.drawing import draw_counts, draw_faces

    detector = MaskDetector.load(detector=name.lower(), thorough=False)

    def step(frame: np.ndarray) -> int:
        frame = frame.copy()
        faces = detector.detect(frame)
        draw_faces(frame, faces)
        draw_counts(frame, count_faces(faces, detector.classes))
        return len(faces)

    return step


class _Loop:
    """An engine's loop over frames, the only one in its process: others' threads would disturb."""

    step: Callable[[np.ndarray], int]
    frames: Iterator[np.ndarray]


def start_loop(engine: str) -> None:
    """Load an engine into this process."""
    ours = engine in ONE_PASS
    _Loop.step = staticmethod(our_loop(engine) if ours else classic_loop(engine == BATCHED))


def show(size: tuple[int, int], faces: int) -> float:
    """Give this process's loop its frames and let it warm up: the faces it finds on average."""
    frames = frames_with_faces(*size, faces, count=20)
    _Loop.frames = itertools.cycle(frames)
    return statistics.mean(map(_Loop.step, frames[:5]))


def block(frames: int) -> list[float]:
    """Milliseconds that this process's loop takes for each of its next frames."""
    times = []
    for frame in itertools.islice(_Loop.frames, frames):
        start = time.perf_counter()
        _Loop.step(frame)
        times.append((time.perf_counter() - start) * 1000)
    return times


Row = tuple[dict[str, Measured], dict[str, float]]
"""Milliseconds a frame, and faces found on average, by engine."""


@contextmanager
def loops() -> Iterator[dict[str, ProcessPoolExecutor]]:
    """A process with a loop for each engine; they take turns."""
    with ExitStack() as stack:
        workers = {engine: stack.enter_context(_worker()) for engine in ENGINES}
        for engine, worker in workers.items():
            worker.submit(start_loop, engine).result()
        yield workers


def time_frames(
    workers: Mapping[str, ProcessPoolExecutor],
    size: tuple[int, int],
    faces: int,
    frames: int,
    seconds: float,
) -> Row:
    """Time blocks of frames in turns, until each engine has looked at so many, or for so long."""
    found = {
        engine: worker.submit(show, size, faces).result() for engine, worker in workers.items()
    }
    times: dict[str, list[float]] = {engine: [] for engine in workers}

    def unfinished(engine: str) -> bool:
        return len(times[engine]) < frames and sum(times[engine]) < 1000 * seconds

    while waiting := [engine for engine in workers if unfinished(engine)]:
        for engine in waiting:
            times[engine] += workers[engine].submit(block, 10).result()
    return {engine: Measured(tuple(values)) for engine, values in times.items()}, found


def video(
    workers: Mapping[str, ProcessPoolExecutor], repeats: Repeats
) -> dict[tuple[tuple[int, int], int], Row]:
    """By frame size and number of faces."""
    return {
        (size, faces): time_frames(workers, size, faces, repeats.frames, repeats.seconds)
        for size in FRAME_SIZES
        for faces in FACE_COUNTS
    }


def curves(
    workers: Mapping[str, ProcessPoolExecutor], repeats: Repeats
) -> tuple[dict[int, Row], dict[tuple[int, int], Row]]:
    """By number of faces (640 x 480), and by frame size (4 faces)."""

    def row(size: tuple[int, int], faces: int) -> Row:
        return time_frames(workers, size, faces, repeats.calls, repeats.seconds / 4)

    return {n: row((640, 480), n) for n in FACE_GRID}, {size: row(size, 4) for size in PIXEL_GRID}


def write_photos(folder: Path, count: int) -> None:
    """The example photos again and again, each a little different, as JPEG."""
    import cv2

    from mask_detector.images import read_photo

    folder.mkdir()
    photos = [read_photo(path) for path in sorted((REPOSITORY / "examples").glob("example_0*.*g"))]
    for number in range(count):
        photo = photos[number % len(photos)]
        width = 800 + 8 * (number % 60)
        size = width, round(width * photo.shape[0] / photo.shape[1])
        cv2.imwrite(str(folder / f"{number:03}.jpg"), cv2.resize(photo, size))


def classic_folder(photos: Path, target: Path) -> float:
    """Seconds that the classic recipe takes for a folder, its models loaded before."""
    import cv2

    from mask_detector.images import read_photo

    global _classic
    if _classic is None:
        from benchmarks.classic import ClassicDetector

        _classic = ClassicDetector()
        _classic.detect(read_photo(PHOTO))
    start = time.perf_counter()
    for path in sorted(photos.iterdir()):
        image = read_photo(path)
        for face in _classic.detect(image):
            cv2.rectangle(image, face.box[:2], face.box[2:], (0, 255, 0), 2)
        cv2.imwrite(str(target / path.name), image)
    return time.perf_counter() - start


_classic: Any = None


# What it says


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
    """Everything that was measured, in the order of the report."""

    photo: dict[str, tuple[Measured, Measured]]
    load: dict[str, Measured]
    folder: tuple[dict[str, Measured], dict[str, float]]
    video: dict[tuple[tuple[int, int], int], Row]
    by_faces: dict[int, Row]
    by_pixels: dict[tuple[int, int], Row]
    records: dict[str, Cost]
    endurance: Endurance

    def ratios(self) -> list[tuple[str, float, str]]:
        """What is to be reached: in words, the figure, the goal."""
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
                (f"folder, {name}: time ÷ that of detecting alone on all cores", over, "below 1.3")
                for name, over in self.folder[1].items()
            ),
            *(
                (
                    f"{name}: rate with tracking, counts, JSON, recording ÷ bare",
                    cost.clock[0] / cost.clock[1],
                    "0.8",
                )
                for name, cost in self.records.items()
            ),
            (
                f"MiB grown over {self.endurance.frames:,} frames of video",
                self.endurance.grown,
                "below 5",
            ),
        ]


def measure(repeats: Repeats) -> Results:
    """Everything, the small processes first."""

    def tell(what: str) -> None:
        print(f"{what} …", file=sys.stderr, flush=True)

    tell("one photo, whole process")
    photo = one_photo(repeats)
    tell("loading")
    load = loading(repeats)
    tell("a folder of photos")
    folder = folder_of_photos(repeats)
    with loops() as workers:
        tell("video")
        frames = video(workers, repeats)
        tell("more faces, more pixels")
        by_faces, by_pixels = curves(workers, repeats)
    with _worker() as worker:
        tell("what records cost")
        costs = worker.submit(records, repeats).result()
        tell("many frames")
        held_out = worker.submit(endurance, repeats).result()
    return Results(photo, load, folder, frames, by_faces, by_pixels, costs, held_out)


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
            f"{repeats.seconds:g} s for those frames looks at fewer.\n",
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
                ["", "photos", "this ÷ classic", "time ÷ detecting alone on all cores"],
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
            "## What records cost, and how the video script lasts\n",
            "\n".join(f"* {name}: {cost}." for name, cost in results.records.items())
            + f"\n* The {results.endurance} (the script with recording, JSON, CSV, "
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
    path.parent.mkdir(parents=True, exist_ok=True)
    charts.save(figure, path)


def main() -> int:
    """Measure, print the report and, unless --quick, write the page and its chart."""
    parser = command_line.make_parser(__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="fewer repeats, and nothing is written"
    )
    parser.add_argument(
        "--docs", type=Path, default=REPOSITORY / "docs", help="folder of benchmarks.md"
    )
    arguments: argparse.Namespace = parser.parse_args()
    repeats = QUICK if arguments.quick else Repeats()
    results = measure(repeats)
    text = report(results, repeats)
    print(text)
    if not arguments.quick:
        chart(results, arguments.docs / "images" / "benchmarks.png")
        head = (
            "# Speed and memory\n\nWritten by `python -m benchmarks.speed` (`make bench`): "
            f"{__doc__.split('    python')[0].split(': ', 1)[1].strip()}\n"
            f"{__doc__.split('nothing')[1].strip()}\n\n"
            "![Time of a frame by engine, faces and pixels](images/benchmarks.png)\n\n"
        )
        (arguments.docs / "benchmarks.md").write_text(head + text, encoding="utf-8")
    return command_line.OK


if __name__ == "__main__":
    command_line.run(main)
