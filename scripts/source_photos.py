"""The free photos that the examples and the starter dataset are made from.

They are taken from released packages, by name: pip and npm must be able to reach a registry.
``examples/README.md`` says who took the photos and under which licence.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import face_detector
from mask_detector.images import read_photo

SCIKIT_IMAGE = "scikit-image==0.26.0"
FACE_API = "@vladmandic/face-api@1.7.15"

LEAST_SCORE = 0.8
"""YuNet's score of the least certain real face; a dark corner of sample1.jpg gets 0.6."""


@dataclass(frozen=True)
class SourcePhoto:
    """A photo and the faces in it, from left to right."""

    name: str
    image: np.ndarray  # uint8 BGR (H, W, 3)
    boxes: np.ndarray  # float32 (N, 4): x1, y1, x2, y2
    landmarks: np.ndarray  # float32 (N, 5, 2)


def load_source_photos() -> dict[str, SourcePhoto]:
    """All source photos by name: ``astronaut``, ``grace_hopper``, ``sample1`` to ``sample6``."""
    detector = face_detector.load("yunet", confidence=LEAST_SCORE)
    photos = {}
    with tempfile.TemporaryDirectory() as folder:
        for path in _fetch(Path(folder)):
            image = read_photo(path)
            found = detector.find(image)
            if found.landmarks is None:
                raise RuntimeError("the face detector gave no landmarks")
            order = np.argsort(found.boxes[:, 0])
            photos[path.stem] = SourcePhoto(
                path.stem, image, found.boxes[order], found.landmarks[order]
            )
    return photos


def _fetch(folder: Path) -> list[Path]:
    """Copy the source photos into a folder."""
    matplotlib = importlib.util.find_spec("matplotlib")
    if matplotlib is None or matplotlib.origin is None:
        raise RuntimeError("matplotlib is missing: pip install -r requirements.txt")
    # Grace Hopper comes with matplotlib, which is installed.
    hopper = Path(matplotlib.origin).parent / "mpl-data/sample_data/grace_hopper.jpg"
    paths = [Path(shutil.copy(hopper, folder))]

    download = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary",
        ":all:",
    ]
    subprocess.run([*download, "--dest", folder, SCIKIT_IMAGE], check=True)
    with zipfile.ZipFile(next(folder.glob("scikit_image-*.whl"))) as wheel:
        paths.append(folder / "astronaut.png")
        paths[-1].write_bytes(wheel.read("skimage/data/astronaut.png"))

    subprocess.run(
        ["npm", "pack", "--silent", FACE_API], cwd=folder, check=True, stdout=subprocess.DEVNULL
    )
    with tarfile.open(next(folder.glob("vladmandic-face-api-*.tgz"))) as package:
        for number in range(1, 7):
            member = package.extractfile(f"package/demo/sample{number}.jpg")
            if member is None:
                raise RuntimeError(f"{FACE_API} holds no demo/sample{number}.jpg")
            paths.append(folder / f"sample{number}.jpg")
            paths[-1].write_bytes(member.read())
    return paths
