"""Files and folders that are given as a model and are none: one sentence each."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from mask_detector.errors import ModelFileError
from mask_detector.models.model_file import read_model


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.model", b"", "the file is empty"),
        ("a.model", b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        ("a.model", b"\n<!DOCTYPE html><html>", "a web page"),
        ("a.model", b"\x1c\0\0\0TFL3\0\0", r"LiteRT .*mask_detector\.convert"),
        ("a.tflite", b"\x1c\0\0\0nothing", "no LiteRT network, or damaged"),
        ("a.model", b"\x08\x07\x12\x07pytorch\x1a\x05", r"ONNX .*mask_detector\.convert"),
        ("a.onnx", b"\x08\x09", r"ONNX .*mask_detector\.convert"),
        ("a.pt", b"\x80\x02}q\x00", "never opened, as it could run code"),
        ("a.model", b"\x80\x04\x95", "never opened, as it could run code"),
        ("a.pb", b"\n\x10\n", "TensorFlow graph"),
        ("a.caffemodel", b"\n\x0c", "Caffe"),
        ("a.model", b"\xff\xd8\xff\xe0", "a JPEG photo"),
        ("a.model", b"\x1f\x8b\x08", "gzip archive: unpack it"),
        ("a.json", b'{"class_name": "Sequential"}', "without weights"),
        ("a.safetensors", b"\x40\0\0\0\0\0\0\0{", "weights without a network"),
        ("a.txt", b"hello", r"not a mask_detector\.model"),
    ],
)
def test_files(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=f"^{path}: .*{sentence}"):
        read_model(path)


@pytest.mark.parametrize(
    ("member", "sentence"),
    [
        ("archive/data.pkl", "PyTorch"),
        ("config.json", r"mask_detector\.convert OLD NEW --classes"),
        ("saved/saved_model.pb", "zipped TensorFlow SavedModel"),
        ("mask_detector.model", "unpack it"),
        ("notes.txt", r"not a mask_detector\.model"),
    ],
)
def test_zip_archives(tmp_path: Path, member: str, sentence: str) -> None:
    path = tmp_path / "a.model"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, b"")
    with pytest.raises(ModelFileError, match=f"^{path}: .*{sentence}"):
        read_model(path)


@pytest.mark.parametrize(
    ("member", "sentence"),
    [
        ("saved_model.pb", r"SavedModel folder, .*mask_detector\.convert"),
        ("model.json", "TensorFlow.js"),
        ("mask_detector.model", "name the model file in it"),
    ],
)
def test_folders(tmp_path: Path, member: str, sentence: str) -> None:
    (tmp_path / member).touch()
    with pytest.raises(ModelFileError, match=f"^{tmp_path}: .*{sentence}"):
        read_model(tmp_path)


def test_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ModelFileError, match="not a regular file"):
        read_model(tmp_path / "pipe")


def test_address() -> None:
    with pytest.raises(ModelFileError, match="this is an address; download the file"):
        read_model("https://example.com/mask_detector.model")


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000])
def test_names_that_no_file_can_have(name: str) -> None:
    with pytest.raises(ModelFileError, match="cannot be read"):
        read_model(name)
