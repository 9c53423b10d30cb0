"""Damaged model files of many kinds, each read or refused in a sentence; the seeds are fixed.

Networks and HDF5 files that end the process are tried in child processes by
``python -m benchmarks.endurance``.
"""

from __future__ import annotations

import ast
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mask_detector.errors import ModelFileError
from mask_detector.models.legacy import parse_description
from mask_detector.models.model_card import ModelCard
from mask_detector.models.model_file import CARD_MEMBER, COMPILED_MEMBER, read_model

CARD = ModelCard(("with_mask", "without_mask"), 64, training={"faces": [1, 2.5, None, "ä"]})
NETWORK = {
    "class_name": "Sequential",
    "config": {
        "layers": [
            {"class_name": "InputLayer", "config": {"batch_shape": [None, 64, 64, 3]}},
            {"class_name": "Dense", "config": {"units": 2, "kernel_initializer": {"a": {}}}},
        ]
    },
}
VALUES = (None, True, -1, 0, 1e400, 10**30, "", "../x", "\ud800", [], {}, [[]], [None] * 4)


def mutated_bytes(data: bytes, randomness: random.Random) -> bytes:
    """Bytes changed, inserted, repeated and cut off."""
    mutant = bytearray(data)
    for _ in range(randomness.choice((1, 1, 2, 8))):
        place, length = randomness.randrange(len(mutant)), randomness.choice((1, 2, 4, 30))
        word = randomness.choice((b"\0", b"\xff", b"\x7f", b'"', b"{", b"1e9")) * length
        match randomness.randrange(4):
            case 0:
                mutant[place] ^= 1 << randomness.randrange(8)
            case 1:
                mutant[place : place + length] = word[:length]
            case 2:
                mutant[place:place] = mutant[max(0, place - length) : place] or word
            case _:
                del mutant[place + 1 : place + 1 + length]
    return bytes(mutant)


def mutated_values(value: object, randomness: random.Random) -> object:
    """The same JSON value with another one somewhere in it."""
    if not isinstance(value, dict | list) or not value or randomness.random() < 0.1:
        return randomness.choice(VALUES)
    copy = value.copy()
    place = randomness.choice(list(copy) if isinstance(copy, dict) else range(len(copy)))
    copy[place] = mutated_values(copy[place], randomness)
    return copy


def read_or_refused(read: Callable[[], object]) -> bool:
    """Whether it was read; any exception but our own fails the test."""
    try:
        read()
    except ModelFileError as error:
        assert "\n" not in str(error)
        return False
    return True


@pytest.mark.parametrize(
    ("value", "read"),
    [(json.loads(CARD.to_json()), ModelCard.from_json), (NETWORK, parse_description)],
    ids=["card", "network"],
)
def test_json(value: object, read: Callable[[str | bytes], object]) -> None:
    randomness, text = random.Random(0), json.dumps(value)
    outcomes = set()
    for _ in range(300):
        changed = json.dumps(mutated_values(value, randomness))
        outcomes.add(read_or_refused(lambda: read(changed)))  # noqa: B023
        damaged = mutated_bytes(text.encode(), randomness)
        outcomes.add(read_or_refused(lambda: read(damaged)))  # noqa: B023
    assert outcomes == {True, False}


def test_archives(tmp_path: Path) -> None:
    path, randomness = tmp_path / "mutant.model", random.Random(0)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(CARD_MEMBER, CARD.to_json())
        archive.writestr(COMPILED_MEMBER, b"network" * 20)
    content = path.read_bytes()
    outcomes = set()
    for _ in range(600):
        path.write_bytes(mutated_bytes(content, randomness))
        outcomes.add(read_or_refused(lambda: read_model(path)))
    assert outcomes == {True, False}


def test_nothing_in_the_package_unpickles(repository: Path) -> None:
    """Pickles run code when they are read; model files and messages use none."""
    for folder in ("face_detector", "mask_detector", "mask_app"):
        for path in (repository / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    names = {alias.name for alias in node.names} | {getattr(node, "module", "")}
                    assert not {"pickle", "marshal", "dill", "joblib", "shelve"} & names, path
                if isinstance(node, ast.keyword) and node.arg in ("allow_pickle", "safe_mode"):
                    assert isinstance(node.value, ast.Constant), path
                    assert node.value.value is (node.arg == "safe_mode"), path
