"""The switch to the model that also tells masks worn wrongly: offered, and used on all pages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from app_pages import photo_page
from streamlit.testing.v1 import AppTest

from mask_app import config
from mask_app.live.processing import LiveProcessor
from mask_app.settings import Settings
from mask_app.video import workspace
from mask_app.video.job import VideoFacts
from mask_detector.images import read_photo
from mask_detector.models import onnx_file
from mask_detector.models.model_card import ModelCard
from mask_detector.models.model_file import write_compiled_model

CLASSES = ("with_mask", "without_mask", "incorrect_mask")
SIZE = 32


def three_class_model(path: Path, unsure: float = 0.2, **scores: float) -> Path:
    """A model file whose answer for every face is that the mask is worn wrongly."""
    nodes = [
        onnx_file.node("ReduceMean", [onnx_file.SOURCE], "means", axes=[1, 2], keepdims=0),
        onnx_file.node("MatMul", ["means", "weights"], "nothing"),
        onnx_file.node("Add", ["nothing", "bias"], "logits"),
        onnx_file.node("Softmax", ["logits"], onnx_file.TARGET, axis=1),
    ]
    constants = [
        onnx_file.tensor("weights", np.zeros((3, 3), np.float32)),
        onnx_file.tensor("bias", np.array([0, 0, 5], np.float32)),
    ]
    network = onnx_file.network(nodes, constants, SIZE, len(CLASSES))
    write_compiled_model(path, ModelCard(CLASSES, SIZE, unsure=unsure, scores=scores), network)
    return path


@pytest.fixture
def models(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the shipped model and one of three classes, which the app uses."""
    shutil.copy(model, tmp_path / "masks.model")
    three_class_model(tmp_path / "masks_3.model")
    monkeypatch.setenv("MASK_APP_MODEL", str(tmp_path / "masks.model"))
    st.cache_resource.clear()
    yield tmp_path
    st.cache_resource.clear()


def test_a_card_with_the_widest_band_and_one_figure_is_shown(models: Path) -> None:
    three_class_model(models / "masks.model", unsure=0.5, balanced_accuracy=0.9)
    about = AppTest.from_string("from mask_app import about\nabout.page()\n").run()
    assert not about.exception
    assert [each.value for each in about.metric] == ["90.0%"]
    page = photo_page().run()
    assert not page.exception
    assert page.slider(key="setting_unsure_below").value == 1.0


def test_the_switch_is_offered_only_where_there_is_such_a_model(models: Path) -> None:
    assert config.tells_worn_wrongly()
    (models / "masks_3.model").unlink()
    assert not config.tells_worn_wrongly()
    page = photo_page().run()
    assert not page.exception
    assert not page.toggle


def test_the_switch_chooses_the_model_of_photos(models: Path, examples: Path) -> None:
    page = photo_page().run()
    photo = ("me.jpg", (examples / "example_02.jpg").read_bytes(), "image/jpeg")
    page.file_uploader[0].set_value([photo]).run()
    assert "1 Mask" in page.markdown[0].value
    page.toggle(key="setting_worn_wrongly").set_value(True).run()
    assert not page.exception
    assert "1 Mask worn wrong" in page.markdown[0].value
    assert page.dataframe[0].value["Mask worn wrong"][0] > 0.9
    assert page.slider(key="setting_unsure_below").value == 0.7  # the model's own
    page.toggle(key="setting_worn_wrongly").set_value(False).run()
    assert "1 Mask worn wrong" not in page.markdown[0].value


def test_the_address_chooses_it_for_a_door_that_was_reloaded(models: Path) -> None:
    page = photo_page()
    page.query_params["worn_wrongly"] = "1"
    assert page.run().toggle(key="setting_worn_wrongly").value


def test_the_switch_chooses_the_model_of_videos(
    models: Path, examples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[tuple[object, ...]] = []
    monkeypatch.setattr(workspace, "VideoJob", lambda *arguments: started.append(arguments))
    video = models / "film.mp4"
    for chosen in (False, True):
        settings = Settings("yunet", 0.5, 0.1, "none", worn_wrongly=chosen)
        workspace.Video(1, "film.mp4", video, VideoFacts(64, 48, 1.0, 25)).begin(settings)
    assert [arguments[5] for arguments in started] == [
        models / "masks.model",
        models / "masks_3.model",
    ]


def test_the_camera_counts_by_the_model_that_was_chosen_meanwhile(
    models: Path, examples: Path
) -> None:
    from mask_app.live.door import state_of
    from mask_app.models import live_detector

    settings = Settings("yunet", 0.5, 0.1, "none")
    image = read_photo(examples / "example_02.jpg")
    processor = LiveProcessor(live_detector(settings), settings)
    processor.process(image.copy(), 0.0)
    assert processor.status().counts == {"with_mask": 1, "without_mask": 0}
    processor.detector = live_detector(Settings("yunet", 0.5, 0.1, "none", worn_wrongly=True))
    processor.process(image.copy(), 0.1)
    counts = processor.status().counts
    assert counts == {"with_mask": 0, "without_mask": 0, "incorrect_mask": 1}
    assert state_of(counts) == "cover"
