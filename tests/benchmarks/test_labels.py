"""Figures on masks worn wrongly and veils, by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.intervals import measures
from benchmarks.labels import Faces, on_calls, on_pair, on_worn_wrongly, read_veiled

TRUTH = ["with_mask", "with_mask", "without_mask", "incorrect_mask", "incorrect_mask"]
SAID = ["with_mask", "unsure", "incorrect_mask", "incorrect_mask", "with_mask"]
LIKELIEST = ["with_mask", "with_mask", "incorrect_mask", "incorrect_mask", "with_mask"]


def faces() -> Faces:
    groups, sizes = np.arange(5), np.full(5, 50.0)
    return Faces(np.array(TRUTH), groups, sizes, np.array(SAID), np.array(LIKELIEST), 0.1)


def values(figures: dict) -> dict[str, float]:
    return {name: each["value"] for name, each in measures(figures["samples"]).items()}


def test_recall_and_precision_of_calls() -> None:
    assert values(on_calls(faces())) == {"recall": 0.5, "precision": 0.5}


def test_worn_wrongly_is_no_mask_or_unsure() -> None:
    wrongly = faces().only(np.array(TRUTH) == "incorrect_mask")
    assert values(on_worn_wrongly(wrongly)) == {
        "called Mask": 0.5,
        "called No Mask": 0.0,
        "called unsure": 0.0,
        "not called Mask": 0.5,
    }


def test_of_two_classes_the_likeliest_counts() -> None:
    figures = values(on_pair(faces().only(np.array(TRUTH) != "incorrect_mask")))
    assert figures["with_mask"] == 1
    assert figures["without_mask"] == 0
    assert figures["balanced accuracy"] == 0.5
    assert figures["calibration error"] == pytest.approx(0.1)


@pytest.mark.parametrize("label", ["with_mask", "without_mask"])
def test_worn_wrongly_counts_as_another_label(label: str) -> None:
    merged = faces().with_worn_wrongly_as(label).likeliest
    assert merged.tolist() == ["with_mask", "with_mask", label, label, "with_mask"]


def test_veiled_faces_are_named_in_a_table(tmp_path: Path) -> None:
    path = tmp_path / "slices.csv"
    path.write_text("image,x1,head covering\na.jpg,1,scarf\nb.jpg,2,veil over the mouth\n")
    assert read_veiled(path) == {"b"}
