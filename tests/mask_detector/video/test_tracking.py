"""Who is who over time, and what each is taken for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from mask_detector import MaskDetector
from mask_detector.faces import Face
from mask_detector.video.sources import Sources
from mask_detector.video.tracking import FORGET_S, HIDE_S, FaceTracker, LabelOverTime, TrackedFace

CLASSES = ("with_mask", "without_mask")
RATES = (3.0, 10.0, 25.0, 60.0)


def face(x: float, y: float = 100, mask: float = 0.9, size: float = 60, score: float = 0.9) -> Face:
    box = (round(x), round(y), round(x + size), round(y + size))
    return Face(box, score, {"with_mask": mask, "without_mask": 1 - mask})


def follow(frames: Sequence[Sequence[Face]], rate: float = 25.0) -> list[list[TrackedFace]]:
    tracker = FaceTracker(CLASSES, 0.15)
    return [tracker.update(faces, number / rate) for number, faces in enumerate(frames)]


def tracks(frames: Sequence[Sequence[Face]], rate: float = 25.0) -> list[list[int | None]]:
    return [[each.track for each in faces] for faces in follow(frames, rate)]


def labels(masks: Sequence[float], rate: float, band: float = 0.15) -> Iterator[tuple[str, bool]]:
    label = LabelOverTime()
    for number, mask in enumerate(masks):
        label.update(np.array([mask, 1 - mask]), number / rate, band)
        yield CLASSES[label.label], label.unsure


def changes(values: Sequence[object]) -> int:
    return sum(a != b for a, b in pairwise(values))


def test_no_faces_have_no_tracks() -> None:
    assert tracks([[], [], []]) == [[], [], []]


def test_numbers_follow_faces_whatever_their_order() -> None:
    frames = [[face(50 + n), face(300 - n)] for n in range(20)]
    frames += [list(reversed(each)) for each in frames[19:]]
    assert tracks(frames) == [[1, 2]] * 20 + [[2, 1]]


@pytest.mark.parametrize("rate", RATES)
def test_a_number_survives_a_second_unseen(rate: float) -> None:
    gap = math.floor(rate)
    assert tracks([[face(50)]] * 5 + [[]] * gap + [[face(52)]], rate)[-1] == [1]


def test_who_comes_back_late_is_somebody_new() -> None:
    gap = math.ceil(25 * FORGET_S) + 2
    assert tracks([[face(50)]] * 5 + [[]] * gap + [[face(50)]])[-1] == [2]


def test_a_face_may_move_by_most_of_its_width_between_frames() -> None:
    assert tracks([[face(10 + 45 * n)] for n in range(12)], rate=8) == [[1]] * 12


def test_two_people_who_pass_each_other_keep_their_numbers() -> None:
    frames = [[face(8 * n, 100), face(320 - 8 * n, 170)] for n in range(40)]
    assert tracks(frames) == [[1, 2]] * 40


def test_a_doubtful_find_is_numbered_when_it_is_seen_again() -> None:
    once, again = face(300, score=0.52), face(500, score=0.52)
    frames = [[face(50)], [face(50), once], [face(50), again], [face(50), again]]
    assert tracks(frames) == [[1], [1, None], [1, None], [1, 2]]


def test_time_that_runs_backwards_stands_still() -> None:
    tracker = FaceTracker(CLASSES, 0.15)
    times = (0.0, 5.0, 4.96, -3.0, 5.04)
    assert [tracker.update([face(50)], at)[0].track for at in times] == [
        1,
        2,
        2,
        2,
        2,
    ]  # five seconds without a frame are too long


def test_memory_of_people_is_bounded() -> None:
    tracker = FaceTracker(CLASSES, 0.15)
    for number in range(3000):
        tracker.update([face(97 * number % 5000)], number / 5)
    assert len(tracker._people) < 40


def test_a_face_lost_a_moment_ago_is_remembered() -> None:
    tracker = FaceTracker(CLASSES, 0.15)
    tracker.update([face(50)], 0.0)
    assert tracker.just_lost() == []
    tracker.update([], 0.1)
    assert [each.box for each in tracker.just_lost()] == [face(50).box]
    tracker.update([], HIDE_S + 0.1)
    assert tracker.just_lost() == []


@pytest.mark.parametrize("rate", RATES)
def test_a_mask_pulled_down_is_noticed_within_half_a_second(rate: float) -> None:
    masks = [0.97] * round(3 * rate) + [0.03] * round(3 * rate)
    names = [name for name, _ in labels(masks, rate)]
    assert changes(names) == 1
    assert names.index("without_mask") - 3 * rate < 0.5 * rate


@pytest.mark.parametrize("rate", RATES[1:])
def test_noise_does_not_make_a_label_flicker(rate: float) -> None:
    noise = np.random.default_rng(3).normal(0, 0.12, round(60 * rate))
    assert changes(list(labels(np.clip(0.75 + noise, 0, 1).tolist(), rate, band=0.05))) == 0


def test_a_single_wrong_look_changes_nothing() -> None:
    masks = ([0.95] * 12 + [0.05]) * 10
    assert set(labels(masks, 25)) == {("with_mask", False)}


def test_close_calls_are_unsure_at_first_sight_and_when_they_last() -> None:
    assert next(labels([0.55] * 3, 25)) == ("with_mask", True)
    lasting = list(labels([0.95] * 25 + [0.45] * 50, 25))
    assert lasting[30] == ("with_mask", False)
    assert lasting[-1] == ("with_mask", True)  # 0.45 does not lead by enough to change it
    assert list(labels([0.95] * 25 + [0.45] * 50 + [0.95] * 10, 25))[-1] == ("with_mask", False)


def test_a_mask_pulled_down_is_unsure_only_while_the_label_is_about_to_change() -> None:
    ramp = np.linspace(0.97, 0.03, 10)  # 0.4 s
    seen = list(labels([0.97] * 25 + [*ramp] + [0.03] * 25, 25))
    unsure = [number for number, (_, doubtful) in enumerate(seen) if doubtful]
    change = [name for name, _ in seen].index("without_mask")
    assert 1 <= len(unsure) <= 3
    assert unsure == list(range(change - len(unsure), change))


@pytest.mark.parametrize("band", [0.0, 0.02, 0.15, 0.4])
@pytest.mark.parametrize("rate", RATES)
def test_a_label_that_is_not_the_likeliest_is_unsure(rate: float, band: float) -> None:
    random = np.random.default_rng(5)
    # Slow swings with noise: through the middle, along it and away from it.
    masks = 0.5 + 0.4 * np.sin(np.arange(600) / 40) + random.normal(0, 0.15, 600)
    label, behind = LabelOverTime(), 0
    for number, mask in enumerate(np.clip(masks, 0, 1)):
        label.update(np.array([mask, 1 - mask]), number / rate, band)
        likeliest = label.average[label.label] == label.average.max()
        assert likeliest or label.unsure
        assert not (band == 0 and label.unsure)
        behind += not likeliest
    assert bool(behind) is (band > 0)


def test_among_three_classes_a_label_needs_an_even_chance() -> None:
    label, seen = LabelOverTime(), []
    for number in range(20):
        probabilities = [0.9, 0.05, 0.05] if number < 5 else [0.45, 0.28, 0.27]
        label.update(np.array(probabilities), number / 25, 0.15)
        seen.append((label.unsure, bool(label.average[label.label] < 0.5)))
    assert all(unsure or not unlikely for unsure, unlikely in seen)
    assert seen[0] == (False, False)
    assert seen[-1] == (True, True)


def test_an_average_is_of_the_looks_there_were() -> None:
    label = LabelOverTime()
    for number, mask in enumerate((0.9, 0.6, 0.3)):
        label.update(np.array([mask, 1 - mask]), number * 1e-3, 0.15)
    assert label.average == pytest.approx([0.6, 0.4])


def test_a_tracked_face_is_written_with_its_decided_label() -> None:
    frames = follow([[face(50)]] * 10 + [[face(50, mask=0.3)]] * 2)
    record = frames[-1][0].as_json()
    assert record["track"] == 1
    assert record["label"] == "with_mask"
    assert sum(record["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    assert frames[-1][0].probability == frames[-1][0].probabilities["with_mask"]


def test_a_woman_pulls_her_mask_down(examples: Path, model: Path) -> None:
    """In the video it is under her nose from frame 41 and under her chin from frame 45 on."""
    detector = MaskDetector.load(model, "yunet", thorough=False)
    tracker = FaceTracker(detector.classes, detector.unsure)
    seen: dict[int | None, list[tuple[int, str]]] = {}
    with Sources([str(examples / "example_video.mp4")]) as sources:
        for frames in sources:
            for frame in frames.values():
                for each in tracker.update(detector.detect(frame.image), frame.time_s):
                    seen.setdefault(each.track, []).append((frame.number, each.label))
    assert {track: len(looks) for track, looks in seen.items()} == {1: 80, 2: 80, 3: 80}
    changed = [
        (track, number)
        for track, looks in seen.items()
        for (_, before), (number, after) in pairwise(looks)
        if before != after
    ]
    assert len(changed) == 1
    assert 41 <= changed[0][1] <= 45 + 10
