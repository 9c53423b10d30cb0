"""Training crops: boxes and landmarks go where the pixels go."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from face_detector.training import crops
from face_detector.training.choice import centre_box
from face_detector.training.crops import CropMaker, CropSettings
from face_detector.training.degradation import degraded
from face_detector.training.fitting import make_batch
from face_detector.training.photos import TrainingPhoto, with_drawings

NOTHING = np.empty((0, 4), np.float32)
SETTINGS = CropSettings()


def training_photo(path: Path, boxes: np.ndarray, landmarks: np.ndarray) -> TrainingPhoto:
    known = np.ones(len(boxes), bool)
    scores = np.full(len(boxes), 0.9, np.float32)
    return TrainingPhoto(
        path, "train", True, boxes, known, landmarks, known, NOTHING, NOTHING, scores
    )


@pytest.fixture(scope="module")
def squares(tmp_path_factory: pytest.TempPathFactory) -> list[TrainingPhoto]:
    """Grey photos with green squares for faces, a red dot for each eye and the like."""
    folder = tmp_path_factory.mktemp("squares")
    rng = np.random.default_rng(0)
    photos = []
    for number in range(4):
        image = np.full((300, 400, 3), 90, np.uint8)
        corners = rng.integers(20, 200, (3, 2)) + np.array([[0, 0], [100, 0], [0, 40]])
        boxes = np.hstack([corners, corners + 40]).astype(np.float32)
        for x1, y1, x2, y2 in boxes.astype(int):
            image[y1:y2, x1:x2] = (0, 220, 0)
        path = folder / f"{number}.png"
        cv2.imwrite(str(path), image)
        centres = (boxes[:, None, :2] + boxes[:, None, 2:]) / 2
        landmarks = centres + np.array([[-9, -9], [9, -9], [0, 0], [-9, 9], [9, 9]], np.float32)
        photos.append(training_photo(path, boxes, landmarks))
    return photos


def test_the_same_number_gives_the_same_crop(squares: list[TrainingPhoto]) -> None:
    one, other = CropMaker(squares, 5, SETTINGS).make(3), CropMaker(squares, 5, SETTINGS).make(3)
    np.testing.assert_array_equal(one.image, other.image)
    np.testing.assert_array_equal(one.boxes, other.boxes)
    assert (CropMaker(squares, 6, SETTINGS).make(3).image != one.image).any()


def test_boxes_lie_on_the_faces(
    squares: list[TrainingPhoto], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crops, "degraded", lambda image, rng: (image, 1.0))
    maker = CropMaker(squares, 0, SETTINGS)
    seen = 0
    for number in range(60):
        crop = maker.make(number)
        assert crop.image.shape == (SETTINGS.size, SETTINGS.size, 3)
        assert (crop.boxes >= 0).all() and (crop.boxes <= SETTINGS.size).all()
        blue, green, _ = (channel.astype(int) for channel in cv2.split(crop.image))
        is_face = green - blue > 90
        for box, landmarks in zip(crop.boxes, crop.landmarks, strict=True):
            x1, y1, x2, y2 = np.rint(box).astype(int)
            if min(x2 - x1, y2 - y1) < 16:
                continue
            seen += 1
            assert is_face[y1:y2, x1:x2].mean() > 0.7
            inside = ((landmarks > box[:2] + 1) & (landmarks < box[2:] - 1)).all(axis=1)
            x, y = landmarks[inside].astype(int).T
            assert is_face[y, x].all()
            assert landmarks[0, 0] < landmarks[1, 0]  # mirrored or not
    assert seen > 40


def test_turned_and_missed_faces_are_chosen_more_often(tmp_path: Path) -> None:
    path = tmp_path / "three.png"
    cv2.imwrite(str(path), np.full((100, 300, 3), 120, np.uint8))
    boxes = np.array([[10, 10, 50, 50], [110, 10, 150, 50], [210, 10, 250, 50]], np.float32)
    eyes_nose_mouth = np.array([[10, 15], [30, 15], [20, 25], [12, 32], [28, 32]], np.float32)
    landmarks = boxes[:, None, :2] + eyes_nose_mouth
    landmarks[1, 2, 0] += 12  # the nose is beside the left eye
    photo = training_photo(path, boxes, landmarks)
    photo.scores[2] = 0.0
    rng = np.random.default_rng(0)
    chosen = np.zeros(3)
    for _ in range(600):
        box = centre_box(photo, 300, 100, rng)
        chosen += (boxes == box).all(axis=1)
    assert chosen[1] > 1.6 * chosen[0] and chosen[2] > 1.6 * chosen[0] > 0


def test_photos_without_faces_give_crops_without_faces(tmp_path: Path) -> None:
    path = tmp_path / "empty.png"
    cv2.imwrite(str(path), np.full((50, 400, 3), 120, np.uint8))
    photo = training_photo(path, NOTHING, np.empty((0, 5, 2), np.float32))
    images, boxes, landmarks, ignored = make_batch(CropMaker([photo], 0, SETTINGS), 0, 3)
    assert images.shape == (3, SETTINGS.size, SETTINGS.size, 3) and images.dtype == np.uint8
    assert boxes.shape == (3, 8, 4) and not boxes.any()
    assert landmarks.shape == (3, 8, 5, 2) and not ignored.any()


def test_faces_are_drawn_on(examples: Path, photo: Callable[[str], np.ndarray]) -> None:
    import face_detector

    path = examples / "example_02.jpg"
    found = face_detector.load("yunet", 640).find(photo(path.name))
    assert found.landmarks is not None
    bare = training_photo(path, found.boxes, found.landmarks)
    (drawn,) = with_drawings([bare], seed=1)
    assert drawn.drawn_seed is not None and drawn.path == path
    unknown = training_photo(path, found.boxes, np.full_like(found.landmarks, np.nan))
    assert with_drawings([unknown], seed=1) == []
    pictures = crops.ImagePyramids()
    assert (pictures.levels(drawn)[0] != pictures.levels(bare)[0]).any()


@pytest.mark.parametrize("seed", range(8))
def test_degraded_pictures_keep_their_shape(seed: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (64, 48, 3)).astype(np.uint8)
    worse, sharpness = degraded(image, np.random.default_rng(seed))
    assert worse.shape == image.shape and worse.dtype == np.uint8
    assert 0 < sharpness <= 1
