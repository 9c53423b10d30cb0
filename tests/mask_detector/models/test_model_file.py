"""The model file: what is written is read, and damage of any kind is one sentence."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mask_detector.errors import ModelFileError
from mask_detector.models import model_file
from mask_detector.models.compiled_network import KNOWN_NETWORKS, sha256
from mask_detector.models.model_card import ModelCard
from mask_detector.models.model_file import (
    CARD_MEMBER,
    COMPILED_MEMBER,
    read_model,
    replace_card,
    write_model,
)

CLASSES = ("with_mask", "without_mask")


def test_card_survives_json():
    card = ModelCard(
        ("b", "a", "ç"), 96, 0.2, False, 0.1, {"faces": 3}, {"accuracy": 0.5}, {"keras": "3"}
    )
    assert ModelCard.from_json(card.to_json()) == card


@pytest.mark.parametrize(
    "values",
    [
        {"classes": ()},
        {"classes": ("a",)},
        {"classes": ("a", "a")},
        {"classes": ("a", "")},
        {"classes": ("a", 3)},
        {"input_size": 15},
        {"input_size": 128.0},
        {"input_size": True},
        {"training": []},
        {"classes": ("../../x", "a")},
        {"margin": -0.1},
        {"margin": 2.1},
        {"margin": float("nan")},
        {"unsure": 0.51},
    ],
)
def test_card_refuses_nonsense(values):
    with pytest.raises(ModelFileError):
        ModelCard(**{"classes": CLASSES, "input_size": 128} | values)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b'{"classes": ["a", "b"]}',
        b'{"classes": 3, "input_size": 128}',
        b'{"classes": "ab", "input_size": 128}',
        b'{"classes": ["a", "b"], "input_size": 128, "format": "new"}',
        b'{"classes": ["a", "b"], "input_size": 1e400}',
        b'{"classes": ["a", "b"], "input_size": ' + b"9" * 10_000 + b"}",
        b"[" * 100_000,
        b'{"classes": [["a"], ["b"]], "input_size": 128}',
        b'{"classes": ["a", "b"], "input_size": "large"}',
        b'{"classes": ["a", "b"], "input_size": 128, "margin": "wide"}',
        b'{"classes": ["a", "b"], "input_size": 128, "format": 99}',
        b"\xff\xfe",
    ],
)
def test_card_that_cannot_be_read_is_a_sentence(text):
    with pytest.raises(ModelFileError):
        ModelCard.from_json(text)


def test_card_keeps_what_it_knows_of_an_extended_card():
    text = '{"classes": ["a", "b"], "input_size": 64, "mood": "good"}'
    assert ModelCard.from_json(text) == ModelCard(("a", "b"), 64)


def test_shipped_model_can_be_read(shipped):
    assert set(CLASSES) <= set(shipped.card.classes)
    assert shipped.compiled
    with zipfile.ZipFile(shipped.path) as archive:  # decompressing is a tenth of the start-up
        assert archive.getinfo(COMPILED_MEMBER).compress_type == zipfile.ZIP_STORED
    assert shipped.card.training["data_sha256"]
    assert shipped.card.versions["keras"]


def test_written_model_is_read_back(small_model, small_network):
    file = read_model(small_model)
    assert file.card == ModelCard(CLASSES, 64, compiled_sha256=sha256(file.compiled))
    crops = np.random.default_rng(0).uniform(0, 255, (3, 64, 64, 3)).astype(np.float32)
    wanted = np.asarray(small_network(crops))
    np.testing.assert_allclose(np.asarray(file.load_keras()(crops)), wanted, atol=1e-6)


def test_keras_reads_the_file_under_its_own_ending(small_model, tmp_path):
    import keras

    renamed = small_model.rename(tmp_path / "model.keras")
    assert keras.models.load_model(renamed).output_shape == (None, 2)


def test_failed_writing_keeps_the_old_file(tmp_path):
    class Unwilling:
        def save(self, path):
            path.write_bytes(b"half a fi")
            raise OSError(28, "No space left on device")

    path = tmp_path / "mask_detector.model"
    path.write_bytes(b"the old one")
    with pytest.raises(ModelFileError, match="No space left"):
        write_model(path, Unwilling(), ModelCard(CLASSES, 64), None)
    assert path.read_bytes() == b"the old one"
    assert list(tmp_path.iterdir()) == [path]


def test_another_card_leaves_the_rest(small_model, tmp_path):
    packed = tmp_path / "packed.model"
    with zipfile.ZipFile(small_model) as old, zipfile.ZipFile(packed, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name), zipfile.ZIP_DEFLATED)
    card = dataclasses.replace(read_model(packed).card, scores={"accuracy": 0.5})
    replace_card(packed, card)
    assert read_model(packed).card == card
    with zipfile.ZipFile(small_model) as old, zipfile.ZipFile(packed) as new:
        assert set(new.namelist()) == set(old.namelist())
        for name in set(old.namelist()) - {CARD_MEMBER}:
            assert new.read(name) == old.read(name)
            assert new.getinfo(name).compress_type == zipfile.ZIP_STORED
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_folder_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(ModelFileError, match="cannot write there"):
        write_model(tmp_path / "none" / "m.model", None, ModelCard(CLASSES, 64), None)


def test_missing_file(tmp_path):
    with pytest.raises(ModelFileError, match="no such model file"):
        read_model(tmp_path / "none.model")


def test_folder_for_a_file(tmp_path):
    with pytest.raises(ModelFileError, match="directory"):
        read_model(tmp_path)


@pytest.mark.parametrize("content", [b"not a model", b"PK\x03\x04", bytes(1000)])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "mask_detector.model"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"not a mask_detector\.model"):
        read_model(path)


def zipped(path, *members, **options):
    """A zip archive with these members, each a name and its content."""
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("name", [CARD_MEMBER, COMPILED_MEMBER])
def test_zip_bombs_are_not_unpacked(small_model, tmp_path, rewritten, name, monkeypatch):
    monkeypatch.setitem(model_file._LARGEST_MEMBERS, name, 1 << 20)
    path, member = tmp_path / "bomb.model", {name.replace(".", "_"): bytes(1 << 22)}
    rewritten(small_model, path, **member)
    with pytest.raises(ModelFileError, match=f"{name} has 4194304 bytes, at most 1048576"):
        read_model(path)


def test_card_of_300_megabytes_is_not_read():
    assert model_file._LARGEST_MEMBERS[CARD_MEMBER] <= 4 << 20


def test_other_compression_is_refused(tmp_path):
    """LZMA and bzip2 unpack without regard to the size that is stated."""
    path = zipped(tmp_path / "a.model", (CARD_MEMBER, "{}"), compression=zipfile.ZIP_LZMA)
    with pytest.raises(ModelFileError, match="compressed in a way that is not supported"):
        read_model(path)


def test_encrypted_archive(small_model):
    """As a program for zip archives marks it: bit 0 in both headers of the card."""
    with zipfile.ZipFile(small_model) as archive:
        info = archive.getinfo(CARD_MEMBER)
    content = bytearray(small_model.read_bytes())
    content[info.header_offset + 6] |= 1
    content[content.rindex(b"PK\x01\x02", 0, content.rindex(CARD_MEMBER.encode())) + 8] |= 1
    small_model.write_bytes(content)
    with pytest.raises(ModelFileError, match="the archive is encrypted"):
        read_model(small_model)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name(tmp_path):
    path = zipped(tmp_path / "a.model", (CARD_MEMBER, "{}"), (CARD_MEMBER, "{}"))
    with pytest.raises(ModelFileError, match="two of one name"):
        read_model(path)


def test_network_that_is_not_the_described_one(small_model, tmp_path, rewritten):
    compiled = bytearray(read_model(small_model).compiled)
    compiled[-1] ^= 1
    path = rewritten(small_model, tmp_path / "other.model", compiled_tflite=bytes(compiled))
    with pytest.raises(ModelFileError, match="SHA-256 differs"):
        read_model(path)


@pytest.mark.parametrize("name", ["mask_detector.model", "mask_detector_3.model"])
def test_shipped_network_is_known(repository, name):
    """So that it loads without a process of its own; add its hash when it changes."""
    shipped = read_model(repository / name)
    assert shipped.safe
    assert sha256(shipped.compiled) in KNOWN_NETWORKS


def test_any_other_network_is_tried_first(small_model):
    assert not read_model(small_model).safe


@pytest.mark.parametrize("share", [0.2, 0.5, 0.99])
def test_truncated_file(small_model, share):
    content = small_model.read_bytes()
    small_model.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ModelFileError, match="damaged"):
        read_model(small_model)


@pytest.mark.parametrize("member", [COMPILED_MEMBER, CARD_MEMBER])
@pytest.mark.parametrize("place", [0.0, 0.1, 0.5, 0.9])
def test_every_damaged_byte_of_a_member_is_noticed(small_model, member, place):
    with zipfile.ZipFile(small_model) as archive:
        info = archive.getinfo(member)
    content = bytearray(small_model.read_bytes())
    start = info.header_offset + 30 + len(info.filename)
    content[start + int(place * info.compress_size)] ^= 0x55
    small_model.write_bytes(content)
    with pytest.raises(ModelFileError):
        read_model(small_model)


def test_archive_without_a_card_says_how_to_convert(small_model, tmp_path, rewritten):
    path = rewritten(small_model, tmp_path / "bare.model", model_card_json=None)
    with pytest.raises(ModelFileError, match=r"mask_detector\.convert"):
        read_model(path)


def test_file_never_executes_code(small_model, tmp_path):
    """A Lambda layer could do anything: Keras refuses it in safe mode."""
    import keras

    flag = str(tmp_path / "executed")
    layer = keras.layers.Lambda(
        lambda crops: (__import__("pathlib").Path(flag).touch(), crops)[1],
        output_shape=(64, 64, 3),
    )
    crops = keras.Input((64, 64, 3))
    model = keras.Model(crops, layer(crops))
    Path(flag).unlink(missing_ok=True)  # building it may have called the layer
    path = tmp_path / "evil.model"
    write_model(path, model, ModelCard(CLASSES, 64), None)
    with pytest.raises(ModelFileError, match="Keras cannot load it"):
        read_model(path).load_keras()
    assert not Path(flag).exists()


def test_archive_with_damaged_weights_fails_in_a_sentence(small_model, tmp_path, rewritten):
    path = rewritten(small_model, tmp_path / "m.model", model_weights_h5=b"\x89HDF nothing else")
    with pytest.raises(ModelFileError, match="Keras cannot load it"):
        read_model(path).load_keras()


@pytest.mark.parametrize(
    "config",
    [
        json.dumps({"module": "os", "class_name": "system", "config": {}}),
        json.dumps({"class_name": "Dense", "config": {"units": 10**12}}),
        "[" * 100_000,
        "{",
        "3",
    ],
    ids=["os.system", "a million million units", "deep", "cut off", "number"],
)
def test_archive_with_damaged_graph_fails_in_a_sentence(small_model, tmp_path, rewritten, config):
    path = rewritten(small_model, tmp_path / "m.model", config_json=config.encode())
    with pytest.raises(ModelFileError, match="Keras cannot load it"):
        read_model(path).load_keras()
