"""What both detectors promise, on the example photos; then each against OpenCV's own way."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import pytest

from face_detector import (
    DETECTORS,
    FaceDetector,
    UserFacingError,
    WeightsError,
    load,
    ssd,
    yunet,
)
from face_detector.weights import SSD_CAFFEMODEL, SSD_PROTOTXT, YUNET, fetch

SETTINGS: dict[str, dict[str, Any]] = {
    "thorough": {},
    "video": {"thorough": False},
    "one pass": {"size": 480},
}


@pytest.fixture(scope="module", params=[(name, way) for name in DETECTORS for way in SETTINGS])
def detector(request: pytest.FixtureRequest) -> FaceDetector:
    name, way = request.param
    return load(name, **SETTINGS[way])


def overlaps(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """IoU (N, M), written out box by box."""
    table = np.zeros((len(boxes), len(others)))
    for row, (ax1, ay1, ax2, ay2) in enumerate(boxes):
        for column, (bx1, by1, bx2, by2) in enumerate(others):
            common = max(0, min(ax2, bx2) - max(ax1, bx1)) * max(0, min(ay2, by2) - max(ay1, by1))
            union = (ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1) - common
            table[row, column] = common / union
    return table


def test_nothing_is_found_where_nothing_is(
    detector: FaceDetector, empty_picture: np.ndarray
) -> None:
    found = detector.find(empty_picture)
    assert found.boxes.shape == (0, 4) and found.boxes.dtype == np.float32
    assert found.scores.shape == (0,) and found.scores.dtype == np.float32


def test_faces_of_a_photo(
    detector: FaceDetector,
    photo: Callable[[str], np.ndarray],
    annotated: Callable[[str], np.ndarray],
) -> None:
    image = photo("example_01.png")
    found = detector.find(image)
    faces = annotated("example_01.png")
    assert len(found) == len(faces) == 4
    assert (overlaps(found.boxes, faces).max(axis=0) > 0.5).all()
    assert (np.diff(found.scores) <= 0).all()
    assert found.scores.min() >= 0.5 and found.scores.max() <= 1
    assert found.boxes.dtype == found.scores.dtype == np.float32


def test_boxes_stay_inside_a_cut_photo(
    detector: FaceDetector, photo: Callable[[str], np.ndarray]
) -> None:
    whole = photo("example_03.jpg")
    (box,) = detector.find(whole).boxes
    middle = int((box[0] + box[2]) / 2 + (box[2] - box[0]) / 6)
    image = np.ascontiguousarray(whole[:, :middle])
    found = detector.find(image)
    assert len(found) >= 1
    assert (found.boxes >= 0).all()
    assert (found.boxes[:, 2] <= image.shape[1]).all()
    assert (found.boxes[:, 3] <= image.shape[0]).all()
    assert (found.boxes[:, :2] < found.boxes[:, 2:]).all()


def test_higher_confidence_finds_a_part_of_the_same(photo: Callable[[str], np.ndarray]) -> None:
    image = photo("example_08.jpg")
    for name in DETECTORS:
        some, all_of_them = (
            load(name, confidence=least, thorough=False).find(image) for least in (0.8, 0.3)
        )
        assert 0 < len(some) < len(all_of_them)
        assert some.scores.min() >= 0.8


@pytest.mark.parametrize(("name", "more"), [("ssd", 1.4), ("yunet", 1.0)])
def test_a_thorough_search_finds_more_of_a_crowd(
    photo: Callable[[str], np.ndarray],
    annotated: Callable[[str], np.ndarray],
    name: str,
    more: float,
) -> None:
    image, faces = photo("example_08.jpg"), annotated("example_08.jpg")

    def recalled(detector: FaceDetector) -> int:
        return int((overlaps(detector.find(image).boxes, faces).max(axis=0) > 0.5).sum())

    thorough, quick = recalled(load(name)), recalled(load(name, thorough=False))
    assert thorough >= more * quick
    assert thorough >= 0.8 * len(faces)


@pytest.mark.parametrize("name", DETECTORS)
def test_face_in_a_panorama(photo: Callable[[str], np.ndarray], name: str) -> None:
    panorama = np.zeros((160, 2400, 3), np.uint8)
    panorama[:, 1600:1760] = cv2.resize(photo("example_03.jpg"), (160, 160))
    found = load(name).find(panorama)
    assert found.scores[0] > 0.7
    assert 1600 < found.boxes[0, 0] < found.boxes[0, 2] < 1760


def test_unknown_name_is_told_the_choices() -> None:
    with pytest.raises(UserFacingError, match=r"'haar': choose ssd or yunet"):
        load("haar")


def test_import_loads_no_engine(repository: Path) -> None:
    program = "import sys, face_detector; print({'cv2', 'onnxruntime'} & set(sys.modules))"
    output = subprocess.check_output([sys.executable, "-c", program], text=True, cwd=repository)
    assert output.strip() == "set()"


def test_ssd_is_the_classic_recipe_with_adjusted_boxes(photo: Callable[[str], np.ndarray]) -> None:
    image = photo("example_01.png")
    height, width = image.shape[:2]
    network = cv2.dnn.readNet(str(*fetch(SSD_CAFFEMODEL)), str(SSD_PROTOTXT))
    squashed = cv2.resize(image, (300, 300))
    network.setInput(cv2.dnn.blobFromImage(squashed, 1.0, (300, 300), (104.0, 177.0, 123.0)))
    expected = [
        [*(row[3:] * (width, height, width, height)), row[2]]
        for row in network.forward()[0, 0]
        if row[2] > 0.5
    ]
    found = load("ssd", size=300, weights="original").find(image)
    assert len(found) == len(expected) > 0
    for box, score, (*corners, reference) in zip(found.boxes, found.scores, expected, strict=True):
        x1, y1, x2, y2 = corners
        sides = np.array([x2 - x1, y2 - y1] * 2)
        by_hand = np.array(corners) + sides * ssd.BOX_ADJUSTMENT
        np.testing.assert_allclose(box, np.clip(by_hand, 0, [width, height] * 2), atol=0.05)
        assert score == pytest.approx(reference, abs=1e-5)


@pytest.mark.parametrize(
    ("size", "weights"), [("auto", None), (300, None), ("auto", "original"), (300, "original")]
)
@pytest.mark.parametrize("name", ["example_01.png", "example_03.jpg"])
def test_a_close_up_has_one_face(
    photo: Callable[[str], np.ndarray],
    annotated: Callable[[str], np.ndarray],
    name: str,
    size: int | Literal["auto"],
    weights: str | None,
) -> None:
    image = photo(name)
    detector = load("ssd", size=size, weights=weights)
    for x1, y1, x2, y2 in annotated(name).astype(int):
        across, down = int(0.3 * (x2 - x1)), int(0.3 * (y2 - y1))
        close_up = image[max(0, y1 - down) : y2 + down, max(0, x1 - across) : x2 + across]
        # As OpenCV's samples use it, the network is sure of a second face in these corners.
        assert len(detector.find(np.ascontiguousarray(close_up))) == 1


@pytest.mark.parametrize("name", ["example_01.png", "example_03.jpg", "example_08.jpg"])
@pytest.mark.parametrize("size", [(640, 480), (517, 389), (96, 1000), (1280, 960)])
def test_yunet_detects_what_opencv_detects(
    photo: Callable[[str], np.ndarray], name: str, size: tuple[int, int]
) -> None:
    image = cv2.resize(photo(name), size)
    (path,) = fetch(YUNET)
    reference = cv2.FaceDetectorYN.create(str(path), "", size, 0.5, yunet.NMS_OVERLAP, 5000)
    rows = reference.detect(image)[1]
    expected = np.empty((0, 15), np.float32) if rows is None else rows
    found = yunet.YuNetNetwork(path.read_bytes()).forward(image, 0.5)
    assert len(found) == len(expected)
    assert found.landmarks is not None
    boxes = np.hstack([expected[:, :2], expected[:, :2] + expected[:, 2:4]])
    np.testing.assert_allclose(found.boxes, boxes, atol=0.05)
    np.testing.assert_allclose(found.landmarks.reshape(-1, 10), expected[:, 4:14], atol=0.05)
    np.testing.assert_allclose(found.scores, expected[:, 14], atol=1e-3)


def test_yunet_keeps_nothing_of_the_picture_before(photo: Callable[[str], np.ndarray]) -> None:
    network = yunet.YuNetNetwork(yunet.read_model(yunet.DEFAULT_WEIGHTS))
    image = cv2.resize(photo("example_03.jpg"), (250, 250))
    first = network.forward(image, 0.5)
    for size in (256, 300):
        network.forward(np.full((size, size, 3), 255, np.uint8), 0.5)
        np.testing.assert_array_equal(network.forward(image, 0.5).boxes, first.boxes)


def test_yunet_detects_the_same_without_onnx_runtime(
    photo: Callable[[str], np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    image = photo("example_08.jpg")
    wanted = load("yunet", size=800).find(image)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)  # as if it were not installed
    found = load("yunet", size=800).find(image)
    assert len(found) == len(wanted) > 5
    np.testing.assert_allclose(found.boxes, wanted.boxes, atol=0.05)
    np.testing.assert_allclose(found.scores, wanted.scores, atol=1e-3)


def test_landmarks_lie_on_the_face(photo: Callable[[str], np.ndarray]) -> None:
    found = load("yunet").find(photo("example_03.jpg"))
    assert found.landmarks is not None
    right_eye, left_eye, nose, right_mouth, left_mouth = found.landmarks[0]
    x1, y1, x2, y2 = found.boxes[0]
    assert x1 < right_eye[0] < nose[0] < left_eye[0] < x2
    assert y1 < right_eye[1] < nose[1] < right_mouth[1] < y2
    assert right_mouth[0] < left_mouth[0]


def test_weights_of_a_file_are_used_as_they_are(
    photo: Callable[[str], np.ndarray], tmp_path: Path
) -> None:
    """Only the weights named ``original`` have their boxes adjusted."""
    image = photo("example_01.png")
    files = {"ssd": SSD_CAFFEMODEL, "yunet": YUNET}
    adjustments = {"ssd": ssd.BOX_ADJUSTMENT, "yunet": yunet.BOX_ADJUSTMENT}
    for name in DETECTORS:
        (path,) = fetch(files[name])
        original = load(name, 480, weights="original").find(image)
        plain = load(name, 480, weights=path).find(image)
        np.testing.assert_allclose(original.scores, plain.scores)
        adjusted = plain.adjusted(adjustments[name]).clipped(*image.shape[1::-1])
        np.testing.assert_allclose(original.boxes, adjusted.boxes, atol=1e-3)


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize("content", [None, b"none"])
def test_files_that_are_no_weights(name: str, content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "weights"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"weights: (cannot be read|expected)"):
        load(name, weights=path)


@pytest.mark.parametrize("name", DETECTORS)
def test_threads_are_those_of_opencv_too(name: str) -> None:
    before = cv2.getNumThreads()
    try:
        load(name, threads=before + 1)
        assert cv2.getNumThreads() == before + 1
    finally:
        cv2.setNumThreads(before)
