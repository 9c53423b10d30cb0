from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from mask_detector.photos.parallel import DetectorPool, PixelBudget, in_parallel, usable_cores


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 3, 40])
def test_results_come_in_the_items_order(workers, count) -> None:
    def work(item: int) -> int:
        time.sleep(0.002 * (item % 3))
        return item * item

    expected = [(item, item * item) for item in range(count)]
    assert list(in_parallel(work, range(count), workers)) == expected


def test_no_more_than_two_items_a_worker_wait() -> None:
    begun = []
    results = in_parallel(begun.append, iter(range(100)), 2)
    next(results)
    time.sleep(0.05)
    assert len(begun) <= 4
    results.close()


def test_an_error_comes_in_its_turn_and_ends_it() -> None:
    done = []

    def work(item: int) -> None:
        if item == 3:
            raise ZeroDivisionError
        done.append(item)

    with pytest.raises(ZeroDivisionError):
        for item, _ in in_parallel(work, range(1000), 2):
            assert item < 3
    assert len(done) < 10


def test_giving_up_early_leaves_no_thread() -> None:
    before = threading.active_count()
    results = in_parallel(lambda item: item, range(1000), 3)
    assert next(results) == (0, 0)
    results.close()
    assert threading.active_count() == before


@pytest.mark.parametrize(("pixels", "together"), [(1, 3), (4, 2), (5, 2), (6, 1), (10, 1), (99, 1)])
def test_large_pictures_are_held_one_at_a_time(pixels, together) -> None:
    budget, held, most = PixelBudget(10), 0, 0
    counting = threading.Lock()
    everyone = threading.Barrier(together)

    def work(_: int) -> None:
        nonlocal held, most
        with budget.hold(pixels):
            with counting:
                held += 1
                most = max(most, held)
            everyone.wait(timeout=60)  # all that may be here at the same time are
            with counting:
                held -= 1

    list(in_parallel(work, range(6), 3))
    assert (most, held) == (together, 0)


def test_a_picture_that_fails_is_let_go() -> None:
    budget = PixelBudget(10)
    with pytest.raises(ZeroDivisionError), budget.hold(10):
        raise ZeroDivisionError
    with budget.hold(10):
        pass


def test_usable_cores() -> None:
    assert usable_cores() >= 1


def test_no_two_threads_share_a_detector(monkeypatch) -> None:
    made = []

    class Fake:
        classes = ("with_mask", "without_mask")

        def __init__(self, **options: object) -> None:
            made.append(options)
            self.busy = threading.Lock()

        least_side = None

        def detect(self, image: np.ndarray) -> list[float]:
            assert self.busy.acquire(blocking=False), "in use by another thread"
            time.sleep(0.01)
            self.busy.release()
            return [image.mean()]

    monkeypatch.setattr("mask_detector.photos.parallel.MaskDetector.load", Fake)
    monkeypatch.setattr("mask_detector.photos.parallel.usable_cores", lambda: 8)
    pool = DetectorPool(4, confidence=0.7)
    assert (len(made), pool.classes) == (1, Fake.classes), "others are made when they are needed"
    images = [np.full((2, 2), number) for number in range(30)]
    assert [faces for _, faces in in_parallel(pool.detect, images, 4)] == [[n] for n in range(30)]
    assert 2 <= len(made) <= 4
    assert made[0] == {"threads": 2, "confidence": 0.7}


def test_many_threads_find_what_one_finds(examples, model) -> None:
    from mask_detector.detector import MaskDetector
    from mask_detector.images import read_photo

    images = [read_photo(examples / f"example_0{number}.jpg") for number in (2, 3, 4, 6)] * 2
    options = {"model": model, "detector": "ssd", "detector_size": 300}
    alone = MaskDetector.load(**options)
    expected = [alone.detect(image) for image in images]
    pool = DetectorPool(3, **options)
    together = [faces for _, faces in in_parallel(pool.detect, images, 3)]
    assert [[f.box for f in faces] for faces in together] == [
        [f.box for f in faces] for faces in expected
    ]
