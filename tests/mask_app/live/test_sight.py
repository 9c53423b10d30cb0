"""Whether a camera sees anything."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mask_app.live.sight import FROZEN_AFTER_S, Sight

RANDOM = np.random.default_rng(0)
SCENE = cv2.resize(RANDOM.integers(0, 256, (6, 8, 3), np.uint8), (640, 480))


def flat(shade: int) -> np.ndarray:
    return np.full((480, 640, 3), shade, np.uint8)


@pytest.mark.parametrize(
    ("image", "seen"),
    [
        (SCENE, "clear"),
        (SCENE // 8, "dark"),  # night
        (SCENE // 4, "clear"),  # evening
        (flat(0), "dark"),
        (flat(140), "dark"),  # a hand on the lens
        (np.zeros((1, 1, 3), np.uint8), "dark"),
    ],
)
def test_darkness_and_a_covered_lens_are_noticed(image: np.ndarray, seen: str) -> None:
    assert Sight().look(image, 0.0) == seen


def test_a_picture_that_stands_still_is_noticed_after_a_while() -> None:
    sight = Sight()
    times = np.arange(0, FROZEN_AFTER_S + 2, 0.5)
    seen = [sight.look(SCENE, time_s) for time_s in times]
    assert seen == ["clear" if time_s < FROZEN_AFTER_S else "frozen" for time_s in times]
    moved = SCENE.copy()
    moved[200:280, 300:380] = 0
    assert sight.look(moved, times[-1] + 1) == "clear"
    assert sight.look(moved[:240], times[-1] + 500) == "clear"  # another size: another picture


def test_noise_and_slow_light_are_no_standstill() -> None:
    sight = Sight()
    for time_s in range(300):
        noise = RANDOM.integers(-3, 4, SCENE.shape)
        image = np.clip(SCENE.astype(int) + noise, 0, 255).astype(np.uint8)
        assert sight.look(image, time_s) == "clear"
