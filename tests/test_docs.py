"""The examples of the manual run, and give what the library gives."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mask_detector import convert
from mask_detector.classifier import Classifier
from mask_detector.models.model_file import read_model
from scripts import write_api


def python_blocks(page: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def project(repository, tmp_path, monkeypatch) -> Path:
    """A folder as the examples expect it: the model and the example pictures."""
    shutil.copy(repository / "mask_detector.model", tmp_path)
    shutil.copytree(repository / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_library_s_page_is_current(repository):
    page = (repository / "docs" / "api.md").read_text(encoding="utf-8")
    assert page == write_api.page(), "run python -m scripts.write_api"


def test_the_library_s_examples_run(repository, project, capsys):
    names: dict[str, Any] = {}
    for example in python_blocks(repository / "docs" / "api.md"):
        exec(example, names)
    assert len(names["faces"]) == 4
    assert all((project / f"{name}.png").exists() for name in ("boxed", "hidden"))
    assert names["view"].frame.number == 24
    assert capsys.readouterr().out.count("with_mask") > 25


def test_models_open_in_other_software(repository, project, exported, model):
    for path in exported.iterdir():
        shutil.copy(path, project)
    crops, *examples = python_blocks(repository / "docs" / "models.md")
    names: dict[str, Any] = {}
    exec(crops, names)
    results = []
    for example in examples:
        exec(example, names)
        assert names["probabilities"].shape == (4, 2)
        results.append(names["probabilities"])
    by_keras, by_litert, *others = results
    assert len(others) == 2  # ONNX Runtime, OpenCV
    np.testing.assert_allclose(by_litert, by_keras, atol=0.06)
    for result in others:  # int8: engines round each their own way
        np.testing.assert_allclose(result, by_litert, atol=0.03)
    assert tuple(names["classes"]) == read_model(model).card.classes


def test_keras_and_back(exported, model, small_crops, tmp_path):
    """Everything that detection needs to know comes back with the network."""
    again = tmp_path / "again.model"
    assert convert.main([str(exported / "mask_detector.keras"), str(again)]) == 0
    before, after = read_model(model), read_model(again)
    for name in ("classes", "input_size", "margin", "square", "unsure"):
        assert getattr(after.card, name) == getattr(before.card, name)
    wanted = Classifier(before).probabilities(small_crops)
    # float16 from Keras, int8 in the shipped model
    np.testing.assert_allclose(Classifier(after).probabilities(small_crops), wanted, atol=0.06)


@pytest.fixture
def small_crops() -> np.ndarray:
    return np.full((2, 128, 128, 3), [[[[90]]], [[[160]]]], np.uint8)
