"""The library as other programs call it."""

from __future__ import annotations

import subprocess
import sys
import types
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mask_detector import Face, Faces, MaskDetector
from mask_detector.errors import PhotoError, SourceError, UserFacingError
from mask_detector.faces import as_supervision
from mask_detector.images import read_photo
from mask_detector.video.captures import SourceOptions


@pytest.fixture(scope="module")
def detector(model) -> MaskDetector:
    return MaskDetector.load(model, "yunet", thorough=False, hiding=True)


@pytest.fixture(scope="module")
def photo(examples) -> np.ndarray:
    return read_photo(examples / "example_01.png")


def test_one_picture_of_every_kind(detector, examples, photo):
    path = examples / "example_01.png"
    faces = detector.detect(photo)
    assert faces
    assert detector.detect(path) == detector.detect(str(path)) == faces
    with Image.open(path) as picture:
        assert detector.detect(picture) == faces


def test_a_list_of_pictures_gives_a_list_of_results(detector, examples, photo):
    faces = detector.detect(photo)
    blank = np.zeros((60, 80, 3), np.uint8)
    assert detector.detect([]) == []
    assert detector.detect([blank, photo, examples / "example_01.png"]) == [[], faces, faces]
    assert detector.detect((photo,)) == [faces]


def test_an_array_of_any_layout_in_memory(detector, photo):
    faces = detector.detect(photo)
    assert detector.detect(np.asfortranarray(photo)) == faces
    assert detector.detect(photo[..., ::-1].copy()[..., ::-1]) == faces
    photo = photo.copy()
    photo.setflags(write=False)
    assert detector.detect(photo) == faces


@pytest.mark.parametrize("call", ["detect", "draw", "blur"])
def test_wrong_pictures_are_named(detector, call, tmp_path):
    arguments = ([],) if call != "detect" else ()
    for wrong, error in [
        (None, TypeError),
        (np.zeros((4, 4)), ValueError),
        (np.zeros((4, 4, 3)), TypeError),
        (tmp_path / "none.jpg", PhotoError),
    ]:
        with pytest.raises(error, match=r"expected a|no such file"):
            getattr(detector, call)(wrong, *arguments)


def test_wrong_pictures_of_a_list_are_named_by_their_place(detector, photo):
    with pytest.raises(TypeError, match=r"^image 1: .* got None"):
        detector.detect([photo, None])
    with pytest.raises(ValueError, match=r"^image 1: .*COLOR_GRAY2BGR"):
        detector.detect([photo, photo[..., 0]])
    with pytest.raises(ValueError, match=r"^image 0: "):
        detector.detect_many([photo[..., 0]])


def test_draw_and_blur_leave_the_picture_as_it_is(detector, examples, photo):
    before = photo.copy()
    faces = detector.detect(photo)
    drawn, blurred = detector.draw(photo, faces), detector.blur(photo, faces)
    np.testing.assert_array_equal(photo, before)
    for picture in (drawn, blurred):
        assert picture.shape == photo.shape
        assert (picture != photo).any()
    np.testing.assert_array_equal(detector.draw(photo, []), photo)
    np.testing.assert_array_equal(detector.blur(photo, []), photo)
    np.testing.assert_array_equal(detector.draw(examples / "example_01.png", faces), drawn)
    x1, y1, x2, y2 = faces[0].box
    solid = detector.blur(photo, list(faces), style="solid")
    assert not solid[(y1 + y2) // 2, (x1 + x2) // 2].any()


@pytest.mark.parametrize("call", ["draw", "blur"])
@pytest.mark.parametrize(
    ("faces", "came"), [(None, "NoneType"), (3, "int"), ([(1, 2, 3, 4)], "tuple among them")]
)
def test_wrong_faces_are_named(detector, photo, call, faces, came):
    with pytest.raises(TypeError, match=f"^faces: expected what detect returned, .* got {came}$"):
        getattr(detector, call)(photo, faces)


@pytest.mark.parametrize(
    "options",
    [{"confidence": 5}, {"confidence": -0.1}, {"unsure": 0.6}, {"confidence": float("nan")}],
)
def test_numbers_out_of_range_are_named(model, options):
    (name,) = options
    with pytest.raises(ValueError, match=f"^{name}: expected a number from 0 to "):
        MaskDetector.load(model, **options)


def test_blur_chooses_whose(detector, photo):
    faces = Faces(detector.detect(photo))
    assert {face.label for face in faces} == {"with_mask", "without_mask"}
    np.testing.assert_array_equal(detector.blur(photo, faces, "none"), photo)
    some, all_of_them = detector.blur(photo, faces, "without_mask"), detector.blur(photo, faces)
    assert (photo != some).sum() < (photo != all_of_them).sum()
    with pytest.raises(ValueError, match=r"whose: expected one of none, .* got 'everybody'"):
        detector.blur(photo, faces, "everybody")
    with pytest.raises(ValueError, match=r"style: expected one of blur, .* got 'pixels'"):
        detector.blur(photo, faces, style="pixels")


def test_track(detector, examples):
    options = SourceOptions(every=5)
    film = examples / "example_video.mp4"
    views = list(detector.track(film, options, max_frames=4))
    assert [view.frame.number for view in views] == [0, 5, 10, 15]
    tracks = {face.track for view in views for face in view.faces}
    assert tracks - {None}
    assert all(view.frame.image.shape[2] == 3 for view in views)
    frames = detector.track(str(film))
    assert next(frames).frame.number == 0
    frames.close()


def test_track_says_what_cannot_be_read(detector, tmp_path):
    with pytest.raises(SourceError, match=r"film.mp4"):
        list(detector.track(tmp_path / "film.mp4"))
    with pytest.raises(ValueError, match="max_frames: expected at least 1"):
        detector.track(0, max_frames=0)


@dataclass
class Detections:
    """Takes what supervision's class of that name takes."""

    xyxy: np.ndarray
    confidence: np.ndarray
    class_id: np.ndarray
    tracker_id: np.ndarray | None
    data: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        count = len(self.xyxy)
        assert self.xyxy.shape == (count, 4)
        rows = [self.confidence, self.class_id, *self.data.values()]
        rows += [] if self.tracker_id is None else [self.tracker_id]
        assert all(each.shape == (count,) for each in rows)


def face(mask: float, **values) -> Face:
    return Face((1, 2, 3, 4), 0.9, {"with_mask": mask, "without_mask": 1 - mask}, **values)


def test_supervision(monkeypatch):
    module = types.SimpleNamespace(Detections=Detections)
    monkeypatch.setitem(sys.modules, "supervision", module)
    empty = Faces().as_supervision()
    assert empty.xyxy.shape == (0, 4)
    assert empty.tracker_id is None
    found = Faces([face(0.75), face(0.25, unsure=True)]).as_supervision()
    assert found.xyxy.tolist() == [[1, 2, 3, 4]] * 2
    assert found.class_id.tolist() == [0, 1]
    assert found.tracker_id is None
    assert found.data["class_name"].tolist() == ["with_mask", "without_mask"]
    assert found.data["probability"].tolist() == [0.75, 0.75]
    assert found.data["unsure"].tolist() == [False, True]
    assert as_supervision([face(0.9, track=3), face(0.8, track=1)]).tracker_id.tolist() == [3, 1]
    assert as_supervision([face(0.9, track=3), face(0.8)]).tracker_id is None


def test_supervision_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "supervision", None)
    with pytest.raises(UserFacingError, match="pip install supervision"):
        Faces().as_supervision()


def test_json():
    assert Faces([face(0.75)]).as_json() == [face(0.75).as_json()]
    assert Faces().as_json() == []


CLIENT = """
from pathlib import Path

import numpy as np
from PIL import Image
from typing_extensions import assert_type

import mask_detector
from mask_detector import Face, Faces, MaskDetector

detector = MaskDetector.load("mask_detector.model", detector="ssd")
image = np.zeros((4, 4, 3), np.uint8)
assert_type(detector.detect(image), Faces)
assert_type(detector.detect("a.jpg"), Faces)
assert_type(detector.detect(Path("a.jpg")), Faces)
assert_type(detector.detect(Image.new("RGB", (4, 4))), Faces)
assert_type(detector.detect([image, image]), list[Faces])
assert_type(detector.detect(["a.jpg", "b.jpg"]), list[Faces])
assert_type(detector.detect([Path("a.jpg")]), list[Faces])
for face in detector.detect(image):
    assert_type(face, Face)
    assert_type(face.box, tuple[int, int, int, int])
    assert_type(face.label, str)
    assert_type(face.probability, float)
    assert_type(face.probabilities, dict[str, float])
    assert_type(face.unsure, bool)
for view in detector.track(0, max_frames=3):
    print(view.frame.time_s, view.counts, detector.draw(view.frame.image, view.faces).shape)
print(detector.blur(image, []).shape, mask_detector.__version__)
detector.detect(3)  # type: ignore[call-overload]
"""


def test_types_are_complete_for_strict_clients(tmp_path, repository):
    """No Any comes out of the library: assert_type and unused ignores would tell."""
    client = tmp_path / "client.py"
    client.write_text(CLIENT, encoding="utf-8")
    options = ["--strict", "--follow-imports=silent", "--config-file=", "--ignore-missing-imports"]
    cache = f"--cache-dir={tmp_path / 'cache'}"
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, cache, str(client)],
        capture_output=True,
        text=True,
        cwd=repository,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(
        (repository / name / "py.typed").exists() for name in ("mask_detector", "face_detector")
    )
