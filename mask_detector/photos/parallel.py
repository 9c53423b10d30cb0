"""Use all cores for many photos."""

from __future__ import annotations

import functools
import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

from mask_detector.detector import MaskDetector
from mask_detector.faces import Faces

Item = TypeVar("Item")
Result = TypeVar("Result")


def usable_cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_parallel(
    work: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Generator[tuple[Item, Result], None, None]:
    """Each item with what ``work`` makes of it, in the items' order.

    At most two items a worker are under way or wait to be taken, so memory stays bounded. What
    ``work`` raises is raised here, in its item's turn; items not begun by then are dropped.
    """
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    pool = ThreadPoolExecutor(workers)
    try:
        for item in items:
            waiting.append((item, pool.submit(work, item)))
            if len(waiting) >= 2 * workers:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
    finally:
        pool.shutdown(cancel_futures=True)


class PixelBudget:
    """Limits the pixels that threads hold at a time; a larger picture is held by itself.

    Args:
        most: pixels that may be held at a time.
    """

    def __init__(self, most: int) -> None:
        self._most, self._held = most, 0
        self._changed = threading.Condition()

    @contextmanager
    def hold(self, pixels: int) -> Iterator[None]:
        """Wait until there is room for a picture of this many pixels, and reserve it meanwhile."""
        with self._changed:
            self._changed.wait_for(lambda: not self._held or self._held + pixels <= self._most)
            self._held += pixels
        try:
            yield
        finally:
            with self._changed:
                self._held -= pixels
                self._changed.notify_all()


class DetectorPool:
    """A detector for each thread that wants one at a time.

    Detectors keep what they are working on: no two threads may share one.
    """

    def __init__(self, workers: int, **options: Any) -> None:
        """
        Args:
            workers: how many threads there are; the cores are divided among them.
            options: what :meth:`MaskDetector.load` takes.

        Raises:
            UserFacingError: as :meth:`MaskDetector.load` does, now rather than later.
        """
        threads = max(1, usable_cores() // workers) if workers > 1 else None
        self._load = functools.partial(MaskDetector.load, threads=threads, **options)
        self._loading = threading.Lock()
        self._free: queue.SimpleQueue[MaskDetector] = queue.SimpleQueue()
        first = self._load()
        self.classes, self.least_side = first.classes, first.least_side
        self._free.put(first)

    def detect(self, image: np.ndarray) -> Faces:
        """What :meth:`MaskDetector.detect` gives, from any thread."""
        with self._one() as detector:
            return detector.detect(image)

    def detect_reduced(
        self, image: np.ndarray, factor: int, read_whole: Callable[[], np.ndarray]
    ) -> Faces:
        """What :meth:`MaskDetector.detect_reduced` gives, from any thread."""
        with self._one() as detector:
            return detector.detect_reduced(image, factor, read_whole)

    @contextmanager
    def _one(self) -> Iterator[MaskDetector]:
        try:
            detector = self._free.get_nowait()
        except queue.Empty:
            with self._loading:
                detector = self._load()
        try:
            yield detector
        finally:
            self._free.put(detector)
