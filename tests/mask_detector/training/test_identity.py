"""What an interrupted training is recognised by."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mask_detector.training.identity import digest_of_samples, digests_of_files
from mask_detector.training.samples import Sample

LANDMARKS = np.arange(10, dtype=np.float32).reshape(5, 2)
FACES = [
    Sample(Path("a.png"), "with_mask", "anna", (1, 2, 30, 40), LANDMARKS),
    Sample(Path("b.png"), "without_mask", "ben", (1.5, 2, 30, 40), LANDMARKS, "scarf", 3),
]
CONTENTS = {Path("a.png"): "11", Path("b.png"): "22"}
KNOWN = digest_of_samples({"train": FACES}, CONTENTS)


@pytest.mark.parametrize(
    "change",
    [
        {"label": "without_mask"},
        {"group": "eve"},
        {"box": (1, 2, 30, 41)},
        {"landmarks": LANDMARKS + 0.5},
        {"landmarks": None},
        {"drawn": "hand"},
        {"drawn_seed": 4},
    ],
    ids=lambda change: next(iter(change)),
)
def test_any_change_of_a_sample_counts(change: dict[str, Any]) -> None:
    assert digest_of_samples({"train": [replace(FACES[0], **change), FACES[1]]}, CONTENTS) != KNOWN


def test_parts_order_and_contents_count_and_paths_do_not() -> None:
    first, second = FACES
    assert digest_of_samples({"train": [second, first]}, CONTENTS) != KNOWN
    assert digest_of_samples({"train": [first], "test": [second]}, CONTENTS) != KNOWN
    assert digest_of_samples({"train": FACES}, CONTENTS | {Path("a.png"): "33"}) != KNOWN
    moved = [replace(face, photo="elsewhere" / face.photo) for face in FACES]
    contents = {"elsewhere" / path: content for path, content in CONTENTS.items()}
    assert digest_of_samples({"train": moved}, contents) == KNOWN


def test_files_count_by_what_is_in_them(tmp_path: Path) -> None:
    path, copy = tmp_path / "a.model", tmp_path / "b.model"
    path.write_bytes(b"weights")
    copy.write_bytes(b"weights")
    before = digests_of_files([path, "imagenet"])
    assert before == digests_of_files([str(copy), "imagenet"])
    path.write_bytes(b"other weights")
    assert digests_of_files([path, "imagenet"]) != before
