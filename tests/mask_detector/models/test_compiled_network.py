"""Compiled networks of unknown origin are tried in a process of their own."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from mask_detector.classifier import Classifier
from mask_detector.detector import MaskDetector
from mask_detector.errors import ModelFileError
from mask_detector.models import compiled_network, trial
from mask_detector.models.compiled_network import check_in_child
from mask_detector.models.model_file import COMPILED_MEMBER, read_model
from mask_detector.models.tflite_to_onnx import UnsupportedNetworkError


def damage(flatbuffer: bytes) -> bytes:
    """The network with its root table far outside the file."""
    return b"\xff\xff\xff\x3f" + flatbuffer[4:]


@pytest.fixture
def compiled(small_model: Path) -> bytes:
    flatbuffer = read_model(small_model).compiled
    assert flatbuffer
    return flatbuffer


def test_sound_network_passes(small_model: Path) -> None:
    file = read_model(small_model)
    assert not file.safe
    assert Classifier(file).classes == file.card.classes


def test_damaged_network_is_a_sentence(small_model, compiled, tmp_path, rewritten) -> None:
    card = small_model.with_name("card.json")
    text = read_model(small_model).card.to_json()
    damaged = damage(compiled)
    known = compiled_network.sha256(compiled)
    card = text.replace(known, compiled_network.sha256(damaged)).encode()
    path = rewritten(
        small_model,
        tmp_path / "crash.model",
        **{COMPILED_MEMBER.replace(".", "_"): damaged, "model_card_json": card},
    )
    with pytest.raises(ModelFileError, match=f"^{path}: its compiled network is damaged"):
        Classifier(read_model(path))


@pytest.mark.parametrize(
    ("size", "classes", "sentence"),
    [(64, 5, "for 1 crops and 5 classes"), (96, 2, r"takes crops \[64 64 +3\], .* 96 pixels")],
)
def test_network_that_does_not_fit_its_card(compiled, size, classes, sentence) -> None:
    with pytest.raises(ModelFileError, match=sentence):
        check_in_child(compiled, size, classes, 1)


def test_network_that_gives_no_answer(compiled, monkeypatch) -> None:
    monkeypatch.setattr(trial, "LONGEST_SECONDS", 0.0)
    with pytest.raises(ModelFileError, match="did not end within 0 s"):
        check_in_child(compiled, 64, 2, 1)


def test_child_that_crashes(compiled, monkeypatch, tmp_path) -> None:
    program = tmp_path / "crash.py"
    program.write_text("import os; os.abort()")
    monkeypatch.setattr(trial, "_PROGRAM", program)
    with pytest.raises(ModelFileError, match="damaged: reading it ends the process"):
        check_in_child(compiled, 64, 2, 1)


def test_modules_beside_the_program_replace_no_others(compiled, monkeypatch, tmp_path) -> None:
    """``mask_detector/files.py`` and the like are no top-level modules for the child."""
    program = tmp_path / "program.py"
    program.write_bytes(trial._PROGRAM.read_bytes())
    (tmp_path / "numpy.py").write_text("raise SystemExit(5)")
    monkeypatch.setattr(trial, "_PROGRAM", program)
    check_in_child(compiled, 64, 2, 1)


def test_python_that_cannot_be_started(compiled, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    with pytest.raises(ModelFileError, match="cannot be checked"):
        check_in_child(compiled, 64, 2, 1)


def without_litert_package(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ai_edge_litert", "ai_edge_litert.interpreter"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.fixture
def without_litert(monkeypatch) -> None:
    """As on Windows on ARM and Intel Macs, which LiteRT has no package for."""
    without_litert_package(monkeypatch)


def test_onnx_runtime_runs_the_same_network(shipped, faces, monkeypatch) -> None:
    wanted = Classifier(shipped).probabilities(faces)
    without_litert_package(monkeypatch)
    classifier = Classifier(shipped)
    atol = 0.03  # rounding to whole numbers: LiteRT's own kernels differ as much
    np.testing.assert_allclose(classifier.probabilities(faces), wanted, atol=atol)
    np.testing.assert_allclose(classifier.probabilities(faces[:1]), wanted[:1], atol=atol)


def test_network_that_needs_litert_is_a_sentence(compiled, without_litert, monkeypatch) -> None:
    def unsupported(flatbuffer: bytes) -> bytes:
        raise UnsupportedNetworkError("it has an operation that is not known")

    monkeypatch.setattr(compiled_network, "onnx_from_tflite", unsupported)
    with pytest.raises(ModelFileError, match="not known; with the package ai-edge-litert it runs"):
        compiled_network.load_network(compiled, 1)


def test_faces_are_detected_without_litert(model, examples, without_litert) -> None:
    detector = MaskDetector.load(model, "yunet", thorough=False)
    labels = [face.label for face in detector.detect(examples / "example_01.png")]
    assert sorted(labels) == ["with_mask"] * 2 + ["without_mask"] * 2


def test_damaged_networks_are_a_sentence_without_litert(compiled, without_litert) -> None:
    with pytest.raises(ModelFileError, match="is damaged"):
        compiled_network.load_network(compiled[: len(compiled) // 2], 1)


def test_networks_are_tried_without_litert(small_model, monkeypatch, tmp_path) -> None:
    """The child cannot import LiteRT either."""
    for name in ("ai_edge_litert", "ai_edge_litert.interpreter"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    (tmp_path / "ai_edge_litert.py").write_text("raise ImportError", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    file = read_model(small_model)
    assert file.compiled
    check_in_child(file.compiled, 64, 2, 1)
    with pytest.raises(ModelFileError, match="and 5 classes"):
        check_in_child(file.compiled, 64, 5, 1)
    with pytest.raises(ModelFileError, match="damaged"):
        check_in_child(file.compiled[:-5000], 64, 2, 1)
