"""Whole processes: one photo, loading, a folder, a long video."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.engines import CLASSIC, ONE_PASS, PHOTO, SSD, YUNET, Size
from benchmarks.measuring import (
    REPOSITORY,
    Measured,
    Repeats,
    python_output,
    run_python,
    take_turns,
    worker,
)

if TYPE_CHECKING:
    from benchmarks.video_loop import Cost, LongRun

# What is imported inside functions runs in worker processes: the measuring process stays small.


def one_photo(repeats: Repeats) -> dict[str, tuple[Measured, Measured]]:
    """Seconds and peak MiB of a process that is started for one photo, by engine."""
    seconds: dict[str, list[float]] = {}
    peaks: dict[str, list[float]] = {}

    def task(name: str, command: Sequence[str]) -> Callable[[], float]:
        def measure() -> float:
            took, peak = run_python(command)
            seconds.setdefault(name, []).append(took)
            peaks.setdefault(name, []).append(peak)
            return took

        return measure

    commands = {CLASSIC: ["-m", "benchmarks.classic", "--image", str(PHOTO)]}
    ours = ["detect_mask_image.py", "--image", str(PHOTO), "--json", "-", "--detector"]
    for name, size in ONE_PASS.items():
        commands[name] = [*ours, name.lower(), "--detector-size", str(size)]
        commands[f"{name}, thorough"] = [*ours, name.lower()]
    take_turns({name: task(name, c) for name, c in commands.items()}, repeats.processes)
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
        return lambda: float(python_output(code))

    return take_turns({name: task(load) for name, load in loads.items()}, repeats.processes)


def folder_of_photos(repeats: Repeats) -> tuple[dict[str, Measured], dict[str, float]]:
    """Photos a second, read, processed, annotated and written; and time over detection only.

    Ours is the image script as a whole process, start included; the classic recipe has no folder
    run: it is a loop in a process that is up and running. The second figure is the script's time
    over that of detection only, if that were spread over all cores at no cost.
    """
    with tempfile.TemporaryDirectory() as scratch, worker() as process:
        photos, target = Path(scratch) / "photos", Path(scratch) / "marked"
        process.submit(write_photos, photos, repeats.photos).result()

        def ours(detector: str, size: Size) -> Callable[[], float]:
            command = ["detect_mask_image.py", "--image", str(photos), "--output", str(target)]
            command += ["--detector", detector, "--detector-size", str(size)]

            def measure() -> float:
                shutil.rmtree(target, ignore_errors=True)
                return repeats.photos / run_python(command)[0]

            return measure

        def classic() -> float:
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir()
            return repeats.photos / process.submit(classic_folder, photos, target).result()

        settings: dict[str, tuple[str, Size]]
        settings = {name: (name.lower(), size) for name, size in ONE_PASS.items()}
        settings |= {f"{name}, thorough": (name.lower(), "auto") for name in ONE_PASS}
        tasks = {CLASSIC: classic} | {name: ours(*setting) for name, setting in settings.items()}
        rates = take_turns(tasks, repeats.folders, warm_up=0)
        over = {}
        for name, setting in settings.items():
            with worker() as detecting:
                least = detecting.submit(detection_seconds, *setting, photos).result()
            over[name] = repeats.photos / rates[name].median / least
        return rates, over


def detection_seconds(detector: str, size: Size, photos: Path) -> float:
    """Seconds that detection takes, if it were spread over all cores at no cost."""
    from mask_detector import MaskDetector
    from mask_detector.images import read_photo
    from mask_detector.photos.parallel import usable_cores

    loaded = MaskDetector.load(detector=detector, detector_size=size, threads=1)
    loaded.detect(read_photo(PHOTO))
    seconds = 0.0
    for path in sorted(photos.iterdir()):
        image = read_photo(path)
        start = time.perf_counter()
        loaded.detect(image)
        seconds += time.perf_counter() - start
    return seconds / usable_cores()


def records(repeats: Repeats) -> dict[str, Cost]:
    """What tracking, counts, JSON and recording cost a frame of the example video."""
    from benchmarks import video_loop

    with tempfile.TemporaryDirectory() as folder:
        return video_loop.cost(repeats.folders, Path(folder))


def long_run(repeats: Repeats) -> LongRun:
    """The video script over many frames, everything on."""
    from benchmarks import video_loop

    with tempfile.TemporaryDirectory() as folder:
        return video_loop.long_run(repeats.long_run, Path(folder))


def write_photos(folder: Path, count: int) -> None:
    """Write the example photos repeatedly, each a little different, as JPEG."""
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
