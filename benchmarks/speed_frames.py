"""Video frames in memory: the time that each engine takes for one."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from benchmarks.engines import (
    BATCHED,
    ENGINES,
    FACE_COUNTS,
    FACE_GRID,
    FRAME_SIZES,
    ONE_PASS,
    PIXEL_GRID,
)
from benchmarks.measuring import REPOSITORY, Measured, Repeats, worker

if TYPE_CHECKING:
    import numpy as np

CLASSIC_FRAME_WIDTH = 400
"""The classic video script shrinks each frame to this width."""

# What is imported inside functions runs in worker processes: the measuring process stays small.


def faces_of_examples() -> list[np.ndarray]:
    """Faces of the example photos with their surroundings, square, at least 90 px."""
    from face_detector import load
    from mask_detector.crops import cut_crops
    from mask_detector.images import read_photo

    face_detector = load("yunet", size=640, confidence=0.8)
    patches = []
    for name in ("example_01.png", "example_02.jpg", "example_04.jpg", "example_06.jpg"):
        image = read_photo(REPOSITORY / "examples" / name)
        boxes = face_detector.find(image).boxes
        sides = boxes[:, 2:] - boxes[:, :2]
        boxes = boxes[sides.max(axis=1) >= 90]
        patches += [crop[..., ::-1] for crop in cut_crops(image, boxes, 240, margin=0.5)]
    return patches


def frames_with_faces(width: int, height: int, faces: int, count: int) -> list[np.ndarray]:
    """Grey frames with a number of faces of equal size that move a little from frame to frame."""
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
    """The classic video script's step: shrink, detect, classify, draw; the number of faces."""
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
    """Our step on a video frame: detect, classify, draw faces and counts."""
    from mask_detector import MaskDetector
    from mask_detector.drawing import draw_counts, draw_faces
    from mask_detector.faces import count_faces

    detector = MaskDetector.load(detector=name.lower(), thorough=False)

    def step(frame: np.ndarray) -> int:
        frame = frame.copy()
        faces = detector.detect(frame)
        draw_faces(frame, faces)
        draw_counts(frame, count_faces(faces, detector.classes))
        return len(faces)

    return step


class _Loop:
    """An engine's loop over frames, the only one in its process: other threads would disturb it."""

    step: Callable[[np.ndarray], int]
    frames: Iterator[np.ndarray]


def start_loop(engine: str) -> None:
    """Load an engine into this process."""
    ours = engine in ONE_PASS
    _Loop.step = staticmethod(our_loop(engine) if ours else classic_loop(engine == BATCHED))


def warm_up(size: tuple[int, int], faces: int) -> float:
    """Give this process's loop its frames and warm it up; gives the mean number of faces found."""
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
        workers = {engine: stack.enter_context(worker()) for engine in ENGINES}
        for engine, process in workers.items():
            process.submit(start_loop, engine).result()
        yield workers


def time_frames(
    workers: Mapping[str, ProcessPoolExecutor],
    size: tuple[int, int],
    faces: int,
    frames: int,
    seconds: float,
) -> Row:
    """Time blocks of frames in turns, until each engine has done ``frames`` or run ``seconds``."""
    found = {
        engine: process.submit(warm_up, size, faces).result() for engine, process in workers.items()
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
