"""The model card: measured figures go from reports into the file, its card and the README."""

from __future__ import annotations

import json
import shutil

import pytest

from mask_detector.errors import UserFacingError
from mask_detector.models.model_file import read_model
from scripts import model_card
from scripts.slice_tables import FIGURES


def report(system: str, size: object, recall: float) -> dict:
    """What ``accuracy.py --json`` writes, of one face detector, with one figure throughout."""
    measure = {"value": recall, "low": recall - 0.1, "high": None}
    keys = "face_recall", "face_precision", "balanced_label_accuracy", "mean_average_precision"
    sizes = {name: dict.fromkeys(keys, measure) for name in ("all", "under 20 px")}
    labels = {"faces": 7, "balanced_accuracy": measure, "calibration_error": 0.0125}
    return {
        "photos": 4,
        "faces": {"with_mask": 5, "without_mask": 2},
        "settings": {"detector_size": size},
        "systems": {system: {"sizes": sizes}},
        "classifiers": {"mask_detector.model": {"all": labels}},
        "unsure_bands": {
            "mask_detector.model": {"0.15": {"unsure": 0.01, "error": 0.02, "caught": 0.3}}
        },
    }


def with_slices(part: dict) -> dict:
    """The report with two slices of skin tone, differences and gaps."""
    measure = {"value": 0.75, "low": 0.5, "high": 0.875}
    gap = measure | {"highest": "light", "lowest": "dark", "few": True}
    slices = {
        name: {"faces": faces, "face_recall": measure, "balanced_accuracy": measure}
        for name, faces in (("dark", 30), ("light", 400))
    }
    gaps = {key: {"all": gap, "enough": None} for key in ("face_recall", "balanced_accuracy")}
    figures = {"slices": slices, "gaps": gaps}
    loss = {"value": -0.25, "low": -0.5, "high": 0.0}
    part["differences"] = {"yunet minus classic": dict.fromkeys(FIGURES, loss)}
    by_group = {"systems": {"yunet": figures}, "classifiers": {"mask_detector.model": figures}}
    part["slices"] = {"measured skin tone": by_group}
    return part


@pytest.fixture
def pages(tmp_path, monkeypatch):
    """A model and the two pages, in a folder that stands for the repository."""
    shutil.copy(model_card.REPOSITORY / "mask_detector.model", tmp_path)
    marked = f"before\n{model_card.MARK_BEGIN}\nold figures\n{model_card.MARK_END}\nafter\n"
    (tmp_path / "docs").mkdir()
    for page in ("README.md", "docs/model-card.md"):
        (tmp_path / page).write_text(marked)
    monkeypatch.setattr(model_card, "REPOSITORY", tmp_path)
    return tmp_path


def run(pages, *reports: dict) -> int:
    arguments = ["--model", str(pages / "mask_detector.model"), "--accuracy"]
    for number, each in enumerate(reports):
        path = pages / f"{number}.json"
        path.write_text(json.dumps(each))
        arguments.append(str(path))
    return model_card.main(arguments)


def test_figures_of_several_reports_go_everywhere(pages):
    before = read_model(pages / "mask_detector.model")
    assert run(pages, report("ssd", "auto", 0.75), report("ssd", 300, 0.5)) == 0
    after = read_model(pages / "mask_detector.model")
    assert after.compiled == before.compiled
    assert after.card.training == before.card.training
    assert set(after.card.scores["end_to_end"]["systems"]) == {"ssd", "ssd 300"}
    readme = (pages / "README.md").read_text()
    assert readme.startswith("before\n") and readme.endswith("\nafter\n")
    assert "old figures" not in readme
    assert "| ours, SSD, thorough | 0.750 (0.650––) |" in readme
    assert "one pass at 300" not in readme
    card = (pages / "docs" / "model-card.md").read_text()
    assert "| ours, SSD, one pass at 300 | 0.500 (0.400––) |" in card
    # Of the classifier the first report tells.
    assert "| mask_detector.model, all | 7 | 0.750 (0.650––) | 0.013 |" in card
    assert "| 0.15 | 0.010 | 0.020 | 0.300 |" in card


def test_slices_stand_in_the_card_and_in_the_limits(pages):
    readme = pages / "README.md"
    marks = f"- It errs. {model_card.LIMITS_BEGIN}\n{model_card.LIMITS_END} A person decides.\n"
    readme.write_text(readme.read_text() + marks)
    assert run(pages, with_slices(report("yunet", "auto", 0.75))) == 0
    card = (pages / "docs" / "model-card.md").read_text()
    loss = "−0.250 (−0.500 to +0.000)"
    assert f"| ours, YuNet, thorough, minus the classic recipe | {loss} |" in card
    measure = "0.750 (0.500–0.875)"
    assert f"| measured skin tone: dark | 30 | {measure} | {measure} |" in card
    gap = "+0.750 (+0.500 to +0.875)\\*, light over dark"
    assert f"| measured skin tone | {gap} | {gap} |" in card
    text = " ".join(readme.read_text().split())
    assert (
        "are found (YuNet), by measured skin tone: dark 0.75 of 30, light 0.75. Share that is"
        in text
    )
    assert "<!-- /limits --> A person decides." in text


def test_a_page_without_marks_is_a_sentence(pages):
    (pages / "README.md").write_text("no place for figures")
    with pytest.raises(UserFacingError, match=r"README\.md: the marks"):
        run(pages, report("ssd", "auto", 0.75))
    assert (pages / "README.md").read_text() == "no place for figures"
