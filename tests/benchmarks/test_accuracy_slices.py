"""Figures by slice: the CSV of slices, what a slice sees of a photo, gaps between slices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.accuracy_measures import Observation, System
from benchmarks.accuracy_report import print_slices
from benchmarks.accuracy_slices import by_slice, count_members, gaps, read_slices
from mask_detector.errors import DatasetError
from mask_detector.faces import Face
from mask_detector.training.annotations import AnnotatedPhoto

CLASSES = ("with_mask", "without_mask")
LEFT, RIGHT, ELSEWHERE = [10, 10, 50, 50], [100, 10, 140, 50], [200, 200, 240, 240]


def photo(name: str, boxes=(LEFT, RIGHT)) -> AnnotatedPhoto:
    labels = ["with_mask", "without_mask"][: len(boxes)]
    return AnnotatedPhoto(Path(name), np.array(boxes, np.float32).reshape(-1, 4), labels)


@pytest.fixture
def table(tmp_path):
    """Writes a file of slices."""

    def write(text: str) -> Path:
        path = tmp_path / "slices.csv"
        path.write_text(text)
        return path

    return write


def test_rows_name_faces_or_whole_photos(table):
    rows = [
        "Image; x1; y1; x2; y2; pose; tone",
        "a.jpg; 12; 9; 50; 51; front; dark",  # close to the annotated box
        "a; 100; 10; 140; 50; profile;",
        "b.jpg; ; ; ; ; front; light",
        "c.jpg; ; ; ; ; front; light",
        "empty.jpg; ; ; ; ; front; light",
    ]
    photos = [photo("a.jpg"), photo("b.jpg"), photo("empty.jpg", ())]
    slices, problems = read_slices([table("\n".join(rows))], photos)
    members = {
        (group, name): {path.name: member.tolist() for path, member in one.members.items()}
        for group, names in slices.items()
        for name, one in names.items()
    }
    assert members == {
        ("pose", "front"): {"a.jpg": [True, False], "b.jpg": [True, True], "empty.jpg": []},
        ("pose", "profile"): {"a.jpg": [False, True]},
        ("tone", "dark"): {"a.jpg": [True, False]},
        ("tone", "light"): {"b.jpg": [True, True], "empty.jpg": []},
    }
    assert slices["tone"]["light"].whole_photos and not slices["pose"]["front"].whole_photos
    (problem,) = problems
    assert problem.endswith("slices.csv, line 5: there is no annotated photo 'c.jpg'")
    assert count_members(slices, photos) == 2
    assert count_members(slices, photos[2:]) == 0


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "line 1: expected the column image, then"),
        ("photo,pose\na.jpg,front", "line 1: expected the column image, then"),
        ("image\na.jpg", "line 1: expected the column image, then"),
        ("image,pose,pose\na.jpg,front,down", "line 1: expected the column image, then"),
        ("image,x1,y1,pose\na.jpg,1,2,front", "line 1: expected x1, y1, x2 and y2, or none"),
        ("image,pose\na.jpg,front\na.jpg", "line 3: expected 2 cells"),
        ("image,pose\na.jpg,front,down", "line 2: expected 2 cells"),
        ("image,pose\n,front", "line 2: the photo's name is missing"),
        ("image,x1,y1,x2,y2,pose\na.jpg,1,2,,4,front", "line 2: expected a number, found ''"),
        ("image,x1,y1,x2,y2,pose\na.jpg,nan,2,3,4,front", "line 2: expected a finite number"),
        ("image,x1,y1,x2,y2,pose\na.jpg,9,2,3,4,front", "line 2: expected x1 < x2 and y1 < y2"),
        (
            "image,x1,y1,x2,y2,pose\n\na.jpg,60,10,90,40,front",
            "line 3: 'a.jpg' has no annotated face at 60, 10, 90, 40",
        ),
        ('image,pose\na.jpg,"' + "x" * 140_000 + '"', "line 2: field larger than field limit"),
    ],
)
def test_errors_name_the_line(table, text, sentence):
    path = table(text)
    with pytest.raises(DatasetError) as error:
        read_slices([path], [photo("a.jpg")])
    assert str(error.value).startswith(f"{path}, {sentence}")


def face(box, masked: float) -> Face:
    return Face(tuple(box), 0.9, dict(zip(CLASSES, (masked, 1 - masked), strict=True)))


def test_figures_of_a_slice_are_of_its_faces(table, capsys):
    # a.jpg: the left face is found, the right one is labelled wrong, one find is no face.
    # b.jpg: the left face is missed.
    right, wrong = [0.9, 0.1], [0.8, 0.2]
    seen = [
        ("a.jpg", [face(LEFT, 0.9), face(RIGHT, 0.8), face(ELSEWHERE, 0.7)]),
        ("b.jpg", [face(RIGHT, 0.3), face(ELSEWHERE, 0.7)]),
    ]
    rows = np.array([right, wrong])
    observations = [Observation(photo(name), faces, rows, rows) for name, faces in seen]
    text = (
        "image,x1,y1,x2,y2,side,place\na.jpg,10,10,50,50,left,\na.jpg,100,10,140,50,right,\n"
        "b.jpg,10,10,50,50,left,\na.jpg,,,,,,indoors\n"
    )
    slices, _ = read_slices([table(text)], [photo("a.jpg"), photo("b.jpg")])
    system = System("any", "model", CLASSES, lambda _: [], lambda *_: rows, observations)
    report = by_slice([system], slices, 0.5)

    sides = report["side"]["systems"]["any"]
    left, other = sides["slices"]["left"], sides["slices"]["right"]
    assert (left["photos"], left["faces"]) == (2, 2)
    assert (other["photos"], other["faces"]) == (1, 1)
    assert left["face_recall"]["value"] == 0.5
    assert left["label_accuracy"]["value"] == 1
    assert (other["face_recall"]["value"], other["label_accuracy"]["value"]) == (1, 0)
    assert "face_precision" not in left
    gap = sides["gaps"]["face_recall"]["all"]
    assert (gap["value"], gap["highest"], gap["lowest"], gap["few"]) == (0.5, "right", "left", True)
    assert sides["gaps"]["face_recall"]["enough"] is None

    indoors = report["place"]["systems"]["any"]["slices"]["indoors"]
    assert indoors["face_recall"]["value"] == 1
    assert indoors["face_precision"]["value"] == pytest.approx(2 / 3)  # nothing of b.jpg
    assert report["place"]["systems"]["any"]["gaps"]["face_recall"]["all"] is None

    labels = report["side"]["classifiers"]["model"]["slices"]
    assert (labels["left"]["faces"], labels["left"]["accuracy"]["value"]) == (2, 1)
    assert labels["right"]["accuracy"]["value"] == 0
    assert labels["right"]["calibration_error"] == pytest.approx(0.8)

    print_slices("any by side", sides)
    printed = capsys.readouterr().out
    assert "any by side (* one of the two has fewer than 100 faces)" in printed
    (recall,) = [line for line in printed.splitlines() if line.startswith("face recall")]
    assert recall.count("0.500 [") == 2 and recall.rstrip().endswith("]*")


def test_gaps_of_enough_faces_are_told_apart():
    samples = {
        "light": {"face_recall": np.array([0.9, 0.9, 0.8])},
        "medium": {"face_recall": np.array([0.8, 0.9, 0.6])},
        "dark": {"face_recall": np.array([0.4, 0.1, 0.7])},
        "unknown": {"face_recall": np.full(3, np.nan)},
    }
    both = gaps(samples, {"light": 300, "medium": 100, "dark": 99, "unknown": 500})["face_recall"]
    assert (both["all"]["highest"], both["all"]["lowest"]) == ("light", "dark")
    assert both["all"]["value"] == pytest.approx(0.5) and both["all"]["few"]
    assert both["all"]["low"] == pytest.approx(0.1 + 0.7 * 0.025)
    assert (both["enough"]["lowest"], both["enough"]["few"]) == ("medium", False)
    assert both["enough"]["value"] == pytest.approx(0.1)
