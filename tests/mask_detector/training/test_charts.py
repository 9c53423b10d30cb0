"""Charts: pictures of the right size, also of odd data."""

from __future__ import annotations

import numpy as np
import pytest

from mask_detector.images import read_photo
from mask_detector.training import charts
from mask_detector.training.dataset import Dataset


@pytest.mark.parametrize("count", [2, 60])
def test_sheet_shows_samples_of_each_class_but_of_no_more_than_fit(
    samples, monkeypatch, tmp_path, count
):
    monkeypatch.setattr(charts, "MOST_CLASSES", 2)
    written = []
    monkeypatch.setattr(charts, "write_photo", lambda path, image: written.append(image))
    classes = ("bright", "dark", *(f"other {number}" for number in range(count - 2)))
    charts.sample_sheet(tmp_path / "sheet.png", Dataset(samples, classes), 0.15, a_class=12)
    (sheet,) = written
    assert sheet.shape == (2 * (28 + 96), 12 * 96, 3)
    crops = sheet[28:124], sheet[28 + 124 :]  # below the titles
    assert crops[0].mean() > 150 > crops[1][:, : 8 * 96].mean()


def test_plot_of_phases(tmp_path):
    rows = [{"loss": 1, "val_loss": 2, "accuracy": 0.5, "val_accuracy": 0.6}] * 3
    charts.plot_training(tmp_path / "plot.png", {"head": rows[:1], "fine-tuning": rows})
    charts.plot_confusion(tmp_path / "confusion.png", np.array([[3, 1], [0, 4]]), ("a", "b"))
    for name in ("plot.png", "confusion.png"):
        assert read_photo(tmp_path / name).std() > 5
