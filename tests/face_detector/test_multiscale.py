"""Scales, tiles and merging, checked by counting pixels and against OpenCV and hand-made cases."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from face_detector.detections import Detections
from face_detector.multiscale import (
    MAX_TILES_A_SIDE,
    merged,
    resized,
    suppressed,
    tiles,
    without_cut,
    without_parts,
)
from face_detector.ssd import thorough_windows
from face_detector.yunet import (
    MOST_PIXELS,
    ORIGINAL_SCALES,
    SCALES,
    TILE_SIZE,
    Scales,
    thorough_sizes,
)


def made(*rows: tuple[float, ...]) -> Detections:
    """Faces from rows x1, y1, x2, y2, score."""
    table = np.array(rows, np.float32).reshape(-1, 5)
    return Detections(table[:, :4], table[:, 4])


@pytest.mark.parametrize(
    ("width", "height", "size", "expected"),
    [
        (640, 480, 320, (320, 240)),
        (480, 640, 1280, (960, 1280)),
        (1, 1, 32, (32, 32)),
        (5000, 1, 100, (100, 1)),
    ],
)
def test_resized_sets_the_longer_side(
    width: int, height: int, size: int, expected: tuple[int, int]
) -> None:
    image = np.zeros((height, width, 3), np.uint8)
    assert resized(image, size).shape == (expected[1], expected[0], 3)


@pytest.mark.parametrize("size", [(1, 1), (640, 480), (1280, 1281), (3001, 700), (90000, 40)])
@pytest.mark.parametrize("tile", [(1280, 1280), (300.5, 77.7)])
def test_tiles_cover_every_pixel_and_share_a_third(
    size: tuple[int, int], tile: tuple[float, float]
) -> None:
    windows = list(tiles(*size, *tile))
    for axis in (0, 1):
        spans = sorted({(window[axis], window[axis + 2]) for window in windows})
        assert spans[0][0] == 0
        assert spans[-1][1] == size[axis]
        assert len(spans) <= MAX_TILES_A_SIDE
        for (_, stop), (start, next_stop) in pairwise(spans):
            assert (stop - start) >= (next_stop - start) / 3 - 1


@pytest.mark.parametrize(
    ("box", "kept"),
    [
        ((100, 10, 150, 50), False),
        ((150, 10, 200, 50), False),
        ((110, 0, 150, 50), True),
        ((110, 60, 150, 100), False),
        ((110, -3, 190, 40), True),
    ],
    ids=["left", "right", "inside", "bottom", "over the picture's own edge"],
)
def test_boxes_cut_by_inner_edges_are_dropped(box: tuple[float, ...], kept: bool) -> None:
    found = without_cut(made((*box, 0.9)), (100, 0, 200, 100), 300, 200)
    assert len(found) == kept


def test_suppressed_keeps_the_best_of_each_face() -> None:
    assert len(suppressed(made(), 0.3)) == 0
    found = made((0, 0, 10, 10, 0.6), (1, 0, 11, 10, 0.9), (50, 50, 60, 60, 0.7))
    assert suppressed(found, 0.3).scores.tolist() == pytest.approx([0.9, 0.7])


def test_merged_without_faces() -> None:
    assert len(merged([made(), made()], scales=[1, 2])) == 0


def test_merged_averages_boxes_by_the_fourth_power_of_the_score() -> None:
    found = merged([made((0, 0, 100, 100, 0.8)), made((4, 0, 104, 100, 0.4))])
    share = 0.4**4 / (0.8**4 + 0.4**4)
    np.testing.assert_allclose(found.boxes, [[4 * share, 0, 100 + 4 * share, 100]], rtol=1e-5)
    assert found.scores.tolist() == pytest.approx([0.8])


def test_merged_keeps_neighbours_apart() -> None:
    found = merged([made((0, 0, 10, 10, 0.5), (9, 0, 19, 10, 0.9)), made((0, 1, 10, 11, 0.7))])
    assert found.scores.tolist() == pytest.approx([0.9, 0.7])


def test_merged_drops_a_duplicate_without_averaging_it_in() -> None:
    found = merged([made((0, 0, 10, 10, 0.9), (0, 0, 10, 22, 0.8))])
    assert found.boxes.tolist() == [[0, 0, 10, 10]]


@pytest.mark.parametrize(
    ("second_view", "expected"),
    [((0, 0, 20, 20, 0.6), 0.85 * 0.5 + 0.5 * 0.725), ((90, 90, 99, 99, 0.1), 0.85 * 0.75)],
    ids=["agrees", "does not see it"],
)
def test_score_is_halfway_to_what_able_views_say(
    second_view: tuple[float, ...], expected: float
) -> None:
    # 20 pixels are 10, 20 and 80 in the three views: the third is not able to see such a face.
    views = [made((0, 0, 20, 20, 0.85)), made(second_view), made()]
    found = merged(views, scales=[0.5, 1, 4], face_sizes=(10, 40))
    assert found.scores[0] == pytest.approx(expected, abs=1e-6)


def test_scores_are_sorted_after_agreement_changed_them() -> None:
    views = [made((0, 0, 20, 20, 0.9), (50, 50, 70, 70, 0.8)), made((50, 50, 70, 70, 0.8))]
    found = merged(views, scales=[1, 1])
    assert found.boxes[0].tolist() == [50, 50, 70, 70]
    assert found.scores.tolist() == pytest.approx([0.8, 0.675])


def test_landmarks_are_averaged_like_boxes() -> None:
    box = np.array([[0, 0, 10, 10]], np.float32)
    views = [
        Detections(box, np.array([0.5], np.float32), np.full((1, 5, 2), value, np.float32))
        for value in (2, 4)
    ]
    landmarks = merged(views).landmarks
    assert landmarks is not None
    np.testing.assert_allclose(landmarks, np.full((1, 5, 2), 3))


@pytest.mark.parametrize(
    "size",
    # The last two are the worst of many for the two settings, with tiles that overlap.
    [(1, 1), (20000, 2000), (2000, 20000), (20000, 1), (8875, 4034), (15260, 9849), (33041, 17684)],
)
@pytest.mark.parametrize("scales", [SCALES, ORIGINAL_SCALES])
def test_thorough_work_is_bounded(size: tuple[int, int], scales: Scales) -> None:
    sizes = thorough_sizes(*size, scales)
    assert sizes == sorted(set(sizes))
    pixels = 0
    for longer in sizes:
        width, height = (max(1, round(side * longer / max(size))) for side in size)
        for left, top, right, bottom in tiles(width, height, TILE_SIZE, TILE_SIZE):
            pixels += (right - left) * (bottom - top)
    assert pixels < 3 * MOST_PIXELS
    assert len(thorough_windows(*size)) <= MAX_TILES_A_SIDE * (2 + 3)


def test_small_pictures_are_not_tiled() -> None:
    assert thorough_windows(1, 1) == []
    assert thorough_windows(20_000, 1) == []
    assert len(thorough_windows(200, 150)) == 4
    assert len(thorough_windows(900, 600)) == 4 + 9


@pytest.mark.parametrize(
    ("score", "part_score", "kept"), [(0.6, 0.9, 1), (0.4, 0.9, 2), (0.4, 0.3, 1)]
)
def test_parts_of_a_face_are_left_out(score: float, part_score: float, kept: int) -> None:
    boxes = np.array([[0, 0, 100, 100], [60, 20, 110, 60]], np.float32)
    found = Detections(boxes, np.array([score, part_score], np.float32))
    assert len(without_parts(found, 0.5)) == kept
    assert len(without_parts(Detections.none(), 0.5)) == 0
