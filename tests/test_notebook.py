"""The notebook runs from its first cell to its last."""

from __future__ import annotations

import inspect
import shutil
from pathlib import Path

import pytest

pytest.importorskip("keras")
nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")

LARGEST = 20_000  # bytes; no outputs are committed


def tiny_mobilenet(input_shape, alpha, include_top, weights, name):
    """Layers named like those of MobileNetV2, which takes a minute to build, train and compile."""
    import keras

    image = keras.Input(input_shape)
    features = keras.layers.Conv2D(4, 3, strides=8, name="Conv1")(image)
    features = keras.layers.Conv2D(8, 3, strides=4, name="block_4_expand")(features)
    features = keras.layers.Conv2D(8, 1, name="Conv_1")(features)
    return keras.Model(image, features, name=name)


@pytest.mark.filterwarnings("ignore")  # of Jupyter's own parts
def test_the_notebook_runs(repository: Path, tmp_path: Path, monkeypatch) -> None:
    notebook = nbformat.read(repository / "examples" / "quickstart.ipynb", as_version=4)
    shutil.copy(repository / "mask_detector.model", tmp_path)
    shutil.copytree(repository / "examples", tmp_path / "examples")
    for label in ("with_mask", "without_mask"):
        photos = sorted((repository / "dataset" / label).glob("*.jpg"))[::4]
        (tmp_path / "dataset" / label).mkdir(parents=True)
        for photo in photos:
            shutil.copy(photo, tmp_path / "dataset" / label)
    monkeypatch.setenv("PYTHONPATH", str(repository))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    tiny = f"{inspect.getsource(tiny_mobilenet)}\nimport keras\n"
    patch = "keras.applications.MobileNetV2 = tiny_mobilenet"
    notebook.cells.insert(0, nbformat.v4.new_code_cell(tiny + patch))
    quick = '"--epochs", "1", "--weights", "none", "--image-size", "32"'
    for cell in notebook.cells:
        cell.source = cell.source.replace('"--epochs", "5"', quick)
    nbclient.NotebookClient(
        notebook, timeout=500, resources={"metadata": {"path": str(tmp_path / "examples")}}
    ).execute()
    pictures = [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    assert len(pictures) >= 7
    assert (tmp_path / "my.model").exists()


def test_no_outputs_are_committed(repository: Path) -> None:
    path = repository / "examples" / "quickstart.ipynb"
    notebook = nbformat.read(path, as_version=4)
    assert path.stat().st_size < LARGEST
    assert all(not cell.get("outputs") for cell in notebook.cells)
