"""The accuracy benchmark: figures against pycocotools and by hand, the script."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import coco_reference
import cv2
import numpy as np
import pytest

from benchmarks import accuracy_measures, classic
from benchmarks.accuracy import classify_far, load_systems, parse_arguments
from benchmarks.accuracy_figures import compare
from benchmarks.accuracy_measures import Observation, System, label_figures
from benchmarks.intervals import differences, measures, ratios
from mask_detector.detector import MaskDetector
from mask_detector.faces import Face
from mask_detector.training.annotations import AnnotatedPhoto, read_annotations
from mask_detector.training.evaluation import ALL_SIZES, box_sizes

CLASSES = ("with_mask", "without_mask")
SIZES = [*accuracy_measures.END_TO_END_SIZES.values()]


def face(box, score: float, masked: float) -> Face:
    probabilities = dict(zip(CLASSES, (masked, 1 - masked), strict=True))
    return Face(tuple(map(int, box)), score, probabilities)


def observation(boxes=(), labels=(), faces=(), box_probabilities=()) -> Observation:
    photo = AnnotatedPhoto(Path("a.jpg"), np.array(boxes, float).reshape(-1, 4), list(labels))
    rows = np.array(box_probabilities, float).reshape(-1, 2)
    return Observation(photo, list(faces), rows, rows)


def end_to_end(*arguments, **options) -> dict:
    return measures(accuracy_measures.end_to_end(*arguments, **options))


@pytest.fixture
def observations(examples: Path) -> list[Observation]:
    """The example photos, found with shifted boxes, wrong labels and false alarms."""
    photos, problems = read_annotations(examples, examples / "annotations")
    assert problems == []
    random = np.random.default_rng(4)
    seen = []
    for photo in photos:
        boxes = np.repeat(photo.boxes, 2, axis=0)
        boxes = boxes + random.normal(0, 0.15, boxes.shape) * box_sizes(boxes)[:, None]
        corners = random.uniform(0, 400, (4, 2))
        alarms = np.hstack([corners, corners + random.uniform(10, 60, (4, 2))])
        found = [box for box in np.vstack([boxes, alarms]) if (box[2:] - box[:2] >= 2).all()]
        faces = [face(box, random.uniform(0.05, 1), random.uniform()) for box in found]
        masked = random.uniform(size=len(photo.boxes))
        rows = np.stack([masked, 1 - masked], axis=1)
        seen.append(Observation(photo, faces, rows, rows))
    return seen


def test_nothing_annotated_and_nothing_found():
    figures = end_to_end([observation()], CLASSES, 0.5)
    assert accuracy_measures.count_faces([observation()]) == 0
    assert np.isnan(figures["mean_average_precision"]["value"])
    assert np.isnan(figures["balanced_label_accuracy"]["low"])
    figures = label_figures([observation()], CLASSES)
    assert figures["faces"] == 0
    assert np.isnan(figures["calibration_error"])
    bands = accuracy_measures.unsure_bands([observation()], CLASSES)
    assert np.isnan(bands["0.15"]["unsure"])


@pytest.mark.parametrize("sizes", SIZES)
def test_average_precision_equals_pycocotools(observations, sizes):
    figures = end_to_end(observations, CLASSES, 0.5, sizes, resamples=20)
    averages = []
    for name in CLASSES:
        photos = [accuracy_measures.faces_of_class(o, name, CLASSES) for o in observations]
        measured = figures["average_precision"][name]["value"]
        expected = coco_reference.average_precision(photos, sizes)
        if np.isnan(measured):
            assert expected == -1  # how pycocotools says that nothing was annotated
        else:
            assert measured == pytest.approx(expected, abs=1e-9)
            averages.append(measured)
    if sizes is ALL_SIZES:
        assert len(averages) == 2
    mean = figures["mean_average_precision"]["value"]
    assert mean == pytest.approx(np.mean(averages) if averages else np.nan, nan_ok=True)


def test_by_hand():
    near, far = [10, 10, 50, 50], [100, 10, 112, 22]
    seen = observation(
        [near, far, [200, 10, 240, 50], [300, 10, 340, 50]],
        ["with_mask", "without_mask", "without_mask", "incorrect_mask"],
        [
            face(near, 0.9, 0.8),
            face(far, 0.8, 0.7),  # found, wrong label
            face([300, 10, 340, 50], 0.7, 0.9),  # of a class that the model does not know
            face([400, 10, 440, 50], 0.6, 0.4),  # a false alarm
            face([200, 10, 240, 50], 0.3, 0.1),  # too low a score for all but AP
        ],
        [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.5, 0.5]],
    )
    figures = end_to_end([seen], CLASSES, 0.5, resamples=5)
    assert accuracy_measures.count_faces([seen]) == 4
    assert figures["face_recall"] == {"value": 0.75, "low": 0.75, "high": 0.75}
    assert figures["face_precision"]["value"] == 0.75
    assert figures["label_accuracy"]["value"] == 0.5
    assert figures["balanced_label_accuracy"]["value"] == 0.5
    # Masks: right at 0.72, wrong at 0.56. Bare: wrong at 0.36, right at 0.27, one missed.
    assert figures["average_precision"]["with_mask"]["value"] == pytest.approx(1)
    assert figures["average_precision"]["without_mask"]["value"] == pytest.approx(51 / 101 / 2)
    small = end_to_end([seen], CLASSES, 0.5, (0, 20), resamples=5)
    assert accuracy_measures.count_faces([seen], (0, 20)) == 1
    assert small["face_recall"]["value"] == 1
    assert (small["face_precision"]["value"], small["label_accuracy"]["value"]) == (1, 0)

    rows, columns, counts = accuracy_measures.outcome_table([seen], CLASSES, 0.5)
    assert rows == ["with_mask", "without_mask", "incorrect_mask", "no face"]
    assert columns == ["with_mask", "without_mask", "not found"]
    assert counts.tolist() == [[1, 0, 0], [1, 0, 1], [1, 0, 0], [0, 1, 0]]

    labels = label_figures([seen], CLASSES)
    assert (labels["faces"], labels["confusion"]) == (3, [[1, 0], [1, 1]])
    assert labels["accuracy"]["value"] == pytest.approx(2 / 3)
    assert labels["balanced_accuracy"]["value"] == 0.75
    assert labels["recall"]["without_mask"]["value"] == 0.5
    assert labels["calibration_error"] == pytest.approx((0.1 + 0.2 + 0.6) / 3)

    # Sure at 0.9 and 0.8, both right; wrong at 0.6.
    bands = accuracy_measures.unsure_bands([seen], CLASSES)
    assert bands["0.05"] == {"unsure": 0, "error": pytest.approx(1 / 3), "caught": 0}
    assert bands["0.15"] == {"unsure": pytest.approx(1 / 3), "error": 0, "caught": 1}
    assert bands["0.45"]["unsure"] == bands["0.45"]["caught"] == 1
    assert np.isnan(bands["0.45"]["error"])


def test_intervals_hold_the_value(observations):
    figures = end_to_end(observations, CLASSES, 0.5, resamples=200)
    for name in ("face_recall", "label_accuracy", "mean_average_precision"):
        measure = figures[name]
        assert measure["low"] < measure["value"] < measure["high"]


def test_differences_are_of_the_same_resampled_photos(observations):
    better = accuracy_measures.end_to_end(observations, CLASSES, 0.2, resamples=50)
    worse = accuracy_measures.end_to_end(observations, CLASSES, 0.5, resamples=50)
    both = {"ssd": better, "ssd (original)": worse, "yunet": better, "classic": worse}
    pairs = compare(both, "minus", differences)
    names = ["ssd minus ssd (original)", "ssd minus classic"]
    assert list(pairs) == [*names, "ssd (original) minus classic", "yunet minus classic"]
    measured = pairs["ssd minus classic"]["face_recall"]
    assert measured["value"] == better["face_recall"][0] - worse["face_recall"][0]
    assert measured["low"] >= 0  # a lower score never loses a face, in whichever photos
    same = pairs["ssd (original) minus classic"]["average_precision"]["with_mask"]
    assert same == {"value": 0, "low": 0, "high": 0}
    measured = compare(both, "over", ratios)["ssd over classic"]["face_recall"]
    assert measured["value"] == better["face_recall"][0] / worse["face_recall"][0]


def test_baseline_means_original_weights_and_the_classic_recipe(model, monkeypatch):
    loaded = []

    class Anything:
        def __init__(self, *arguments, **options):
            loaded.append(options.get("detector_weights", "classic"))
            self.classes, self.detect, self.probabilities = CLASSES, None, None
            self.classifier = SimpleNamespace(card=None)

    monkeypatch.setattr(MaskDetector, "load", Anything)
    monkeypatch.setattr(classic, "ClassicDetector", Anything)
    photos = ["--images", "a", "--annotations", "b", "--detector", "ssd", "yunet"]
    systems = load_systems(parse_arguments([*photos, "--baseline"]))
    names = ["ssd", "ssd (original)", "yunet", "yunet (original)", "classic"]
    assert [system.name for system in systems] == names
    assert loaded == [None, "original", None, "original", "classic"]


def test_script_runs_by_its_path(repository, tmp_path):
    script = repository / "benchmarks" / "accuracy.py"
    command = [sys.executable, script, "--help"]
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "--baseline" in shown.stdout


def test_far_faces_are_shrunk_with_what_is_around_them():
    image = np.zeros((200, 300, 3), np.uint8)
    image[40:136, 100:196] = 255  # the face is white
    seen = []

    def classify(picture, boxes):
        seen.append((picture, boxes[0]))
        return np.array([[0.5, 0.5]])

    system = System("any", "any", CLASSES, lambda _: [], classify)
    boxes = np.array([[100, 40, 196, 136], [10, 10, 20, 22]])
    assert classify_far(system, image, boxes).shape == (2, 2)
    assert classify_far(system, image, boxes[:0]).shape == (0, 2)
    (picture, (x1, y1, x2, y2)), (_, same) = seen
    assert (x2 - x1, y2 - y1) == (24, 24)
    assert picture.shape == (50, 72, 3)  # cut at the photo's edge
    assert picture[y1:y2, x1:x2].min() == 255 and picture.sum() == 24 * 24 * 3 * 255
    assert (same[2] - same[0], same[3] - same[1]) == (10, 12)


def test_script_measures_the_examples(run, examples, model, tmp_path):
    slices = tmp_path / "slices.csv"
    slices.write_text("image,kind\nexample_01,drawn\nexample_02,drawn\nexample_05,real\n")
    result = run(
        "benchmarks.accuracy",
        *("--images", examples, "--annotations", examples / "annotations", "--model", model),
        *("--detector", "ssd", "yunet", "--detector-size", 300, "--slices", slices),
        *("--output", tmp_path / "plots", "--json", tmp_path / "accuracy.json"),
    )
    assert result.returncode == 0, result.stderr
    report = json.loads((tmp_path / "accuracy.json").read_text())
    assert report["photos"] == 8
    assert sum(report["faces"].values()) == report["systems"]["ssd"]["sizes"]["all"]["faces"]
    for name in ("ssd", "yunet"):
        figures = report["systems"][name]["sizes"]["all"]
        assert figures["face_precision"]["value"] > 0.5
        assert figures["label_accuracy"]["value"] > 0.6
        recall = figures["face_recall"]
        assert f"{recall['value']:.3f} [{recall['low']:.3f} {recall['high']:.3f}]" in result.stdout
    assert report["classifiers"]["mask_detector.model"]["all"]["accuracy"]["value"] > 0.6
    far = report["classifiers"]["mask_detector.model"]["all, shrunk to 24 px"]
    assert far["faces"] > 40 and far["calibration_error"] < 0.2
    assert set(report["slices"]["kind"]["systems"]["ssd"]["slices"]) == {"drawn", "real"}
    assert "\nyunet by kind" in result.stdout
    for name in ("outcomes", "precision_recall", "reliability"):
        assert cv2.imread(str(tmp_path / "plots" / f"{name}.png")) is not None


def test_script_measures_a_part_and_lists_what_it_leaves_out(run, examples, model, tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    for photo in examples.glob("example_0[123].*"):
        (images / photo.name).write_bytes(photo.read_bytes())
    damaged = images / "example_03.jpg"
    damaged.write_bytes(damaged.read_bytes()[:3000])
    groups = tmp_path / "groups.csv"
    # By the names' hashes g3 is in the test part, g1 in the training part.
    groups.write_text("image,group\nexample_01,g3\nexample_02,g1\nexample_03.jpg,g3\n")
    result = run(
        "benchmarks.accuracy",
        *("--images", images, "--annotations", examples / "annotations", "--model", model),
        *("--groups", groups, "--part", "test", "--detector-size", 300),
    )
    assert result.returncode == 1, result.stderr
    assert result.stdout.startswith("1 photos, ")
    left_out = [line for line in result.stderr.splitlines() if line.startswith("left out: ")]
    assert len(left_out) == 6
    assert sum("there is no photo" in line for line in left_out) == 5
    assert sum("example_03.jpg: the photo is damaged" in line for line in left_out) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--images", "nowhere"], "nowhere: there is no such folder of photos"),
        (["--annotations", "nowhere"], "nowhere: there are no such annotations"),
        (["--part", "test"], "--part test needs --groups: a CSV with image and group"),
        (["--model", "nowhere.model"], "nowhere.model: there is no such model file"),
        (["--output", Path(__file__)], "test_accuracy.py: cannot write there (this is a file)"),
        (["--slices", "nowhere.csv"], "nowhere.csv: there is no such file"),
        (["--limit", "0"], "must be 1 or more, not 0"),
    ],
)
def test_script_says_in_one_sentence_what_is_wrong(run, examples, arguments, sentence):
    known = ["--images", examples, "--annotations", examples / "annotations"]
    result = run("benchmarks.accuracy", *known, *arguments)
    assert result.returncode == 2
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
