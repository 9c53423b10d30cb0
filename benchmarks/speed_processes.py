"""Whole processes: one photo, loading, a folder, a long video."""

from __future__ import annotations

import functools
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
    from benchmarks.large_photos import Comparison
    from benchmarks.video_loop import Cost, LongRun

_SETTINGS: dict[str, tuple[str, Size]] = {
    **{name: (name.lower(), size) for name, size in ONE_PASS.items()},
    **{f"{name}, thorough": (name.lower(), "auto") for name in ONE_PASS},
}
"""Name and size of the face detector, by engine."""

_SHARES = {
    CLASSIC: 0.1,
    SSD: 0.4,
    YUNET: 1.0,
    f"{SSD}, thorough": 0.05,
    f"{YUNET}, thorough": 0.15,
}
"""Of the photos, what an engine processes: each takes about as long as the others."""

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


@dataclass(frozen=True)
class FolderRun:
    """What a folder of photos takes.

    Attributes:
        photos: how many it has.
        rate: photos a second, read, processed, annotated and written.
        over: time over that of detection only, if that were spread over all cores at no cost;
            None for the classic recipe.
        records_over: the same where records are written and no pictures.
    """

    photos: int
    rate: Measured
    over: float | None = None
    records_over: float | None = None


def folder_of_photos(repeats: Repeats) -> dict[str, FolderRun]:
    """Runs over a folder, by engine; a slow one gets fewer photos.

    Ours is the image script as a whole process, start included; the classic recipe has no folder
    run: it is a loop in a process that is up and running.
    """
    with tempfile.TemporaryDirectory() as scratch, worker() as process:
        folder, target = Path(scratch), Path(scratch) / "marked"
        process.submit(write_photos, folder / "all", repeats.photos).result()
        counts = {name: max(8, round(share * repeats.photos)) for name, share in _SHARES.items()}
        for name, count in counts.items():
            (folder / name).mkdir()
            for photo in sorted((folder / "all").iterdir())[:count]:
                (folder / name / photo.name).hardlink_to(photo)

        def ours(name: str, *results: str) -> Callable[[], float]:
            command = ["detect_mask_image.py", "--image", str(folder / name), *results]
            command += ["--no-display", *_options(*_SETTINGS[name])]

            def measure() -> float:
                shutil.rmtree(target, ignore_errors=True)
                return counts[name] / run_python(command)[0]

            return measure

        def classic() -> float:
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir()
            took: float = process.submit(classic_folder, folder / CLASSIC, target).result()
            return counts[CLASSIC] / took

        tasks = {CLASSIC: classic}
        for name in _SETTINGS:
            tasks[name] = ours(name, "--output", str(target))
            tasks[f"{name}, records"] = ours(name, "--json", str(folder / "faces.jsonl"))
        rates = take_turns(tasks, repeats.folders, warm_up=0)
        runs = {CLASSIC: FolderRun(counts[CLASSIC], rates[CLASSIC])}
        for name, setting in _SETTINGS.items():
            with worker() as detecting:
                least = detecting.submit(detection_seconds, *setting, folder / name).result()
            both = (rates[name], rates[f"{name}, records"])
            over = [counts[name] / rate.median / least for rate in both]
            runs[name] = FolderRun(counts[name], rates[name], *over)
        return runs


def _options(detector: str, size: Size) -> list[str]:
    return ["--detector", detector, "--detector-size", str(size)]


def detection_seconds(detector: str, size: Size, photos: Path) -> float:
    """Processor seconds of detection in one thread, by the cores: spread over them at no cost."""
    from mask_detector import MaskDetector
    from mask_detector.images import read_photo
    from mask_detector.photos.parallel import usable_cores

    loaded = MaskDetector.load(detector=detector, detector_size=size, threads=1)
    loaded.detect(read_photo(PHOTO))
    seconds = 0.0
    for path in sorted(photos.iterdir()):
        image = read_photo(path)
        start = time.process_time()
        loaded.detect(image)
        seconds += time.process_time() - start
    return seconds / usable_cores()


def parts_of_a_photo(repeats: Repeats) -> dict[str, dict[str, float]]:
    """Milliseconds of processor time of a photo in one thread, by face detector and by part."""
    import json

    from mask_detector import MaskDetector, images
    from mask_detector.drawing import draw_faces
    from mask_detector.faces import count_faces
    from mask_detector.records import photo_record

    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "photos"
        write_photos(folder, repeats.calls)
        for name, size in ONE_PASS.items():
            detector = MaskDetector.load(detector=name.lower(), detector_size=size, threads=1)
            detector.detect(images.read_photo(PHOTO))
            spent: dict[str, float] = {}

            def time_of(part: str, work: Callable[[], Any], to: dict[str, float] = spent) -> Any:
                start = time.process_time()
                result = work()
                took = 1e3 * (time.process_time() - start) / repeats.calls
                to[part] = to.get(part, 0.0) + took
                return result

            for path in sorted(folder.iterdir()):
                image = time_of("read and decode", functools.partial(images.read_photo, path))
                faces = time_of("detect", functools.partial(detector.detect, image))
                counts = count_faces(faces, detector.classes)
                record = photo_record(path.name, 1, 1, faces, counts)
                time_of("record", functools.partial(json.dumps, record))
                time_of("draw", functools.partial(draw_faces, image, faces))
                time_of("encode", functools.partial(images.encode_photo, path, image))
            found[name] = spent
    return found


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


def large_photos(repeats: Repeats) -> Comparison:
    """Photos of 12 megapixels, decoded whole and decoded smaller."""
    from benchmarks import large_photos

    return large_photos.compare(large_photos.enlarged_examples(), repeats.folders)


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
