"""What the tests of the core share: the shipped network, a small one, real faces."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import face_detector
from mask_detector.crops import cut_crops
from mask_detector.errors import ModelFileError
from mask_detector.images import read_photo
from mask_detector.models import hdf5, trial_program
from mask_detector.models.model_file import ModelCard, ModelFile, read_model, write_model

SMALL = 64
CLASSES = ("with_mask", "without_mask")


@pytest.fixture(scope="session")
def rewritten() -> Callable[..., Path]:
    """Copy a model file with other content for some members; None leaves one out.

    Members are named with ``_`` for their dot: ``model_card_json``.
    """

    def rewrite(source: Path, target: Path, **members: bytes | None) -> Path:
        with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
            for name in old.namelist():
                content = members.get(name.replace(".", "_"), b"")
                if content is not None:
                    new.writestr(name, content or old.read(name))
        return target

    return rewrite


@pytest.fixture
def hdf5_in_this_process(monkeypatch) -> None:
    """HDF5 files are read without a process of their own, for tests of many sound ones."""

    def read(what: str, kind: str, path: Path) -> None:
        try:
            trial_program.try_hdf5(str(path))
        except (OSError, ValueError) as error:
            raise ModelFileError(f"{what} is damaged or does not fit ({error})") from None

    monkeypatch.setattr(trial_program, "limit_resources", lambda: None)
    monkeypatch.setattr(hdf5, "try_in_child", read)


@pytest.fixture(scope="session")
def shipped(model) -> ModelFile:
    return read_model(model)


@pytest.fixture(scope="session")
def faces(examples, shipped) -> np.ndarray:
    """Crops of the faces in two of the example photos, as the shipped network wants them."""
    detector = face_detector.load("yunet", thorough=False)
    card = shipped.card
    crops = []
    for name in ("example_01.png", "example_04.jpg"):
        image = read_photo(examples / name)
        boxes = detector.find(image).boxes
        crops.append(cut_crops(image, boxes, card.input_size, card.margin, card.square))
    return np.concatenate(crops)


@pytest.fixture(scope="session")
def small_network() -> Any:
    """A Keras model as training ends with it: 64 px, random weights, answers that differ."""
    pytest.importorskip("tensorflow")
    from mask_detector.models.keras_backend import import_keras
    from mask_detector.training import network

    keras = import_keras()
    keras.utils.set_random_seed(7)
    net = network.build_network(CLASSES, SMALL, alpha=0.35)
    # Untrained statistics let the signal die away from block to block; others make it chaotic.
    random = np.random.default_rng(7)
    for layer in net.get_layer(network.BASE).layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            shape = layer.get_weights()[0].shape
            gamma, variance = random.uniform(1.2, 1.4, shape), np.full(shape, 0.2)
            layer.set_weights([gamma, np.zeros(shape), np.zeros(shape), variance])
    return network.with_probabilities(net, CLASSES, alpha=0.35)


@pytest.fixture(scope="session")
def small_model_file(small_network, tmp_path_factory) -> Path:
    """The small network as a model file with everything in it."""
    from mask_detector.training.compiling import compile_network

    path = tmp_path_factory.mktemp("small") / "mask_detector.model"
    flatbuffer = compile_network(small_network, "float16", np.empty((0, SMALL, SMALL, 3)))
    write_model(path, small_network, ModelCard(CLASSES, SMALL), flatbuffer)
    return path


@pytest.fixture
def small_model(small_model_file, tmp_path) -> Path:
    """A copy of its own for a test that may damage it."""
    return Path(shutil.copy(small_model_file, tmp_path / "small.model"))
