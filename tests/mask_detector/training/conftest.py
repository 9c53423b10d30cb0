"""What the tests of training share: photos that any network can learn, and a fast recipe."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mask_detector.images import write_photo
from mask_detector.training.augmentation import Augmentation
from mask_detector.training.recipe import Recipe
from mask_detector.training.samples import Sample


@pytest.fixture(scope="session")
def classes() -> tuple[str, str]:
    return ("bright", "dark")


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    return Recipe(
        image_size=32,
        alpha=0.35,
        batch_size=8,
        learning_rate=0.02,
        least_crops=1,
        augmentation=Augmentation(light=0),
    )


@pytest.fixture(scope="session")
def samples(tmp_path_factory) -> list[Sample]:
    """Sixteen bright photos and eight dark ones: what any network can learn."""
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    made = []
    for index in range(24):
        low, label = ((150, "bright"), (0, "dark"))[index % 3 == 2]
        coarse = random.integers(low, low + 100, (6, 6, 3), dtype=np.uint8)
        path = folder / f"{index}.png"
        write_photo(path, cv2.resize(coarse, (48, 48), interpolation=cv2.INTER_LINEAR))
        made.append(Sample(path, label, str(index), (8, 8, 40, 40)))
    return made
