"""Masks drawn on faces: what changes in a picture, what stays, and that chance is seeded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from mask_detector.images import read_photo
from mask_detector.training.drawn.masks import (
    OCCLUSIONS,
    STYLES,
    WEARINGS,
    draw_mask,
    draw_occlusion,
)

# YuNet's landmarks of the face in example_03.jpg: eyes, nose tip, mouth corners.
HOPPER = np.array([[223.7, 195.7], [305.5, 192.3], [266.4, 238.5], [232.1, 275.0], [303.2, 272.9]])

Draw = Callable[[np.ndarray, np.ndarray | None, np.random.Generator], np.ndarray]
DRAWS: dict[str, Draw] = {
    **{style: lambda i, m, r, s=style: draw_mask(i, m, s, r) for style in STYLES},
    **{kind: lambda i, m, r, k=kind: draw_occlusion(i, m, k, r) for kind in OCCLUSIONS},
}
each_draw = pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)


@pytest.fixture(scope="module")
def hopper(examples: Path) -> np.ndarray:
    return read_photo(examples / "example_03.jpg")


def changed(before: np.ndarray, after: np.ndarray, least: int = 12) -> np.ndarray:
    """Where a picture differs visibly, bool (H, W)."""
    return cv2.absdiff(before, after).max(axis=2) >= least


def share_changed(before: np.ndarray, after: np.ndarray, centre: np.ndarray, radius: int) -> float:
    x, y = centre.astype(int)
    patch = changed(before, after)[y - radius : y + radius + 1, x - radius : x + radius + 1]
    return float(patch.mean())


@pytest.mark.parametrize("landmarks", [None, np.zeros((0, 5, 2), np.float32)], ids=["none", "N=0"])
def test_without_faces_the_picture_is_returned_as_a_copy(
    hopper: np.ndarray, landmarks: np.ndarray | None
) -> None:
    for draw in DRAWS.values():
        result = draw(hopper, landmarks, np.random.default_rng(0))
        assert result is not hopper
        np.testing.assert_array_equal(result, hopper)


@each_draw
def test_shape_and_type_stay_and_the_input_is_not_touched(hopper: np.ndarray, draw: Draw) -> None:
    before = hopper.copy()
    result = draw(hopper, HOPPER, np.random.default_rng(0))
    assert (result.shape, result.dtype) == (hopper.shape, np.uint8)
    np.testing.assert_array_equal(hopper, before)
    assert changed(hopper, result).sum() > 2_000


@each_draw
def test_equal_generators_give_equal_pictures_and_others_do_not(
    hopper: np.ndarray, draw: Draw
) -> None:
    first, again, other = (draw(hopper, HOPPER, np.random.default_rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert changed(first, other).any()


@pytest.mark.parametrize(("seed", "style"), list(enumerate(STYLES)))
def test_only_the_lower_face_changes(hopper: np.ndarray, style: str, seed: int) -> None:
    difference = changed(hopper, draw_mask(hopper, HOPPER, style, np.random.default_rng(seed)))
    rows, columns = np.nonzero(difference)
    eyes, chin = 189, 330
    assert rows.min() > eyes - 40  # bands round the head pass above the ears
    assert rows.max() < chin + 30
    assert not difference[: eyes + 8, 200:330].any()
    assert columns.min() > 120
    assert columns.max() < 420


@pytest.mark.parametrize(("seed", "style"), list(enumerate(STYLES[:-1])))
@pytest.mark.parametrize(
    ("wearing", "nose_covered", "mouth_covered"),
    [
        ("right", True, True),
        ("under_nose", False, True),
        ("under_mouth", False, False),
        ("under_chin", False, False),
    ],
)
def test_what_is_covered_follows_the_way_of_wearing(
    hopper: np.ndarray,
    style: str,
    seed: int,
    wearing: str,
    nose_covered: bool,
    mouth_covered: bool,
) -> None:
    masked = draw_mask(hopper, HOPPER, style, np.random.default_rng(seed), wearing)
    nose, mouth = HOPPER[2], HOPPER[3:].mean(axis=0)
    chin = mouth + np.array([0, 48])
    assert (share_changed(hopper, masked, nose, 5) > 0.5) == nose_covered
    assert (share_changed(hopper, masked, mouth, 8) > 0.5) == mouth_covered
    assert share_changed(hopper, masked, chin, 8) > 0.5


def test_a_mask_keeps_its_colour_however_it_is_worn(hopper: np.ndarray) -> None:
    colours = []
    for wearing in WEARINGS:
        masked = draw_mask(hopper, HOPPER, "surgical", np.random.default_rng(4), wearing)
        covered = changed(hopper, masked, least=40)
        hues = cv2.cvtColor(masked, cv2.COLOR_BGR2HSV)[..., 0][covered]
        colours.append(np.median(hues))
    assert np.ptp(colours) <= 15


@pytest.mark.parametrize("name", ["surgical", "hand", "scarf", "niqab", "cup"])
@pytest.mark.parametrize("height", [8, 20, 160, 600])
def test_faces_of_all_sizes(hopper: np.ndarray, name: str, height: int) -> None:
    scale = height / 205
    image = cv2.resize(hopper, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    result = DRAWS[name](image, HOPPER * scale, np.random.default_rng(2))
    share = changed(image, result).mean()
    assert share == 0 if height == 8 else 0.01 < share < 0.9


@pytest.mark.parametrize(
    ("name", "shift"),
    [
        ("ffp2", (-250, 0)),
        ("cloth", (240, 0)),
        ("hand", (0, -230)),
        ("scarf", (0, 300)),
        ("patterned", (-250, 300)),
    ],
)
def test_faces_partly_outside(hopper: np.ndarray, name: str, shift: tuple[int, int]) -> None:
    moved = cv2.warpAffine(hopper, np.array([[1.0, 0, shift[0]], [0, 1.0, shift[1]]]), (512, 600))
    result = DRAWS[name](moved, HOPPER + shift, np.random.default_rng(5))
    assert result.shape == moved.shape
    assert changed(moved, result).any()


@pytest.mark.parametrize(
    "landmarks",
    [
        HOPPER + 5_000,
        HOPPER - 5_000,
        np.full((5, 2), 100.0),
        np.full((5, 2), np.nan),
        np.array([[100.0, 100], [200, 100], [150, 100], [100, 100], [200, 100]]),
    ],
    ids=["far right", "far left", "one point", "not numbers", "a line"],
)
def test_what_cannot_be_drawn_leaves_the_picture(hopper: np.ndarray, landmarks: np.ndarray) -> None:
    for draw in DRAWS.values():
        np.testing.assert_array_equal(draw(hopper, landmarks, np.random.default_rng(0)), hopper)


def test_each_of_several_faces_gets_its_own_mask(hopper: np.ndarray) -> None:
    image = np.hstack([hopper, hopper])
    both = np.stack([HOPPER, HOPPER + np.array([512, 0])])
    result = draw_mask(image, both, None, np.random.default_rng(1))
    left, right = result[:, :512], result[:, 512:]
    assert changed(hopper, left).sum() > 2_000
    assert changed(hopper, right).sum() > 2_000
    assert changed(left, right).sum() > 2_000


def test_a_profile_hides_the_far_side_of_the_mask(hopper: np.ndarray) -> None:
    """With the nose tip far to the left, the mask reaches only from there to the right."""
    profile = np.array([[240.0, 189], [275, 189], [205, 237], [232, 273], [262, 273]])
    result = draw_mask(hopper, profile, "black", np.random.default_rng(0))
    columns = np.nonzero(changed(hopper, result, least=40))[1]
    assert columns.min() > 205 - 35
    assert columns.max() > 205 + 70


@pytest.mark.parametrize(("brightness", "is_darker"), [(0.35, True), (1.0, False)])
def test_a_white_mask_is_as_dark_as_its_light(
    hopper: np.ndarray, brightness: float, is_darker: bool
) -> None:
    image = (hopper * brightness).astype(np.uint8)
    result = draw_mask(image, HOPPER, "white", np.random.default_rng(0))
    x, y = HOPPER[3:].mean(axis=0).astype(int)
    level = float(result[y - 5 : y + 5, x - 20 : x + 20].mean())
    assert (level < 130) == is_darker


def test_grey_photos_stay_grey(hopper: np.ndarray) -> None:
    grey = cv2.cvtColor(cv2.cvtColor(hopper, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    for seed, style in enumerate(STYLES):
        result = draw_mask(grey, HOPPER, style, np.random.default_rng(seed)).astype(int)
        assert np.ptp(result, axis=2).max() <= 1


def test_a_window_shows_the_mouth(hopper: np.ndarray) -> None:
    x, y = HOPPER[3:].mean(axis=0).astype(int)
    contrasts = []
    for style in ("cloth", "window"):
        masked = draw_mask(hopper, HOPPER, style, np.random.default_rng(6))
        mouth = cv2.cvtColor(masked, cv2.COLOR_BGR2GRAY)[y - 8 : y + 9, x - 25 : x + 26]
        before = cv2.cvtColor(hopper, cv2.COLOR_BGR2GRAY)[y - 8 : y + 9, x - 25 : x + 26]
        contrasts.append(np.corrcoef(mouth.ravel(), before.ravel())[0, 1])
    assert contrasts[0] < 0.6 < contrasts[1]


@pytest.mark.parametrize("wearing", ["one_ear", "over_eyes"])
def test_a_mask_on_one_ear_or_over_the_eyes_leaves_the_mouth_free(
    hopper: np.ndarray, wearing: str
) -> None:
    for seed in range(4):
        masked = draw_mask(hopper, HOPPER, "black", np.random.default_rng(seed), wearing)
        brow = share_changed(hopper, masked, HOPPER[:2].mean(axis=0) - [0, 15], 5)
        assert brow == (wearing == "over_eyes")
        assert share_changed(hopper, masked, HOPPER[3:].mean(axis=0), 8) == 0
        assert changed(hopper, masked).sum() > 1_000


@pytest.mark.parametrize(
    ("kind", "covered"), [("veil", True), ("niqab", True), ("headscarf", False)]
)
def test_what_cloth_round_the_head_covers(hopper: np.ndarray, kind: str, covered: bool) -> None:
    result = draw_occlusion(hopper, HOPPER, kind, np.random.default_rng(1))
    mouth = share_changed(hopper, result, HOPPER[3:].mean(axis=0), 8)
    assert (mouth > 0.9) == covered
    for eye in HOPPER[:2]:
        assert share_changed(hopper, result, eye, 4) < 0.6


def test_a_hand_has_the_colour_of_the_face(hopper: np.ndarray) -> None:
    result = draw_occlusion(hopper, HOPPER, "hand", np.random.default_rng(2))
    hand = result[changed(hopper, result)].astype(float)
    forehead = hopper[150:170, 240:290].reshape(-1, 3).astype(float)
    hues = [
        cv2.cvtColor(np.median(pixels, axis=0).astype(np.uint8)[None, None], cv2.COLOR_BGR2HSV)[
            0, 0, 0
        ]
        for pixels in (hand, forehead)
    ]
    assert abs(int(hues[0]) - int(hues[1])) <= 8


@pytest.mark.parametrize(
    "call",
    [
        lambda i: draw_mask(i, HOPPER, "tie", np.random.default_rng(0)),
        lambda i: draw_mask(i, HOPPER, None, np.random.default_rng(0), "upside_down"),
        lambda i: draw_occlusion(i, HOPPER, "balloon", np.random.default_rng(0)),
    ],
)
def test_unknown_names_are_told(hopper: np.ndarray, call: Callable[[np.ndarray], object]) -> None:
    with pytest.raises(ValueError, match="must be one of"):
        call(hopper)
