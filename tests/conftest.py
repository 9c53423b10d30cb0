"""What the tests share: where things are, and the scripts, run in this process or in their own.

``run`` calls a script's ``main`` in this process: a second instead of three, and its lines count
as covered. ``run_script`` starts a process, for what only a process shows: signals, pipes, closed
streams, what is imported, what libraries in C print.
"""

from __future__ import annotations

import importlib
import io
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import pytest
from virtual_display import VirtualDisplay, missing_tools, virtual_display
from waiting import wait_until

from mask_detector import command_line, terminal
from mask_detector.terminal import STOP_SIGNALS

# TensorFlow's libraries export BoringSSL's functions under the names of OpenSSL's; pylibsrtp
# (of the app's live camera, by way of aiortc) crashes at import when it is loaded after them.
with suppress(ImportError):
    import aiortc  # noqa: F401

# A shell starts background jobs with Ctrl-C ignored, and children inherit that; the tests press it.
signal.signal(signal.SIGINT, signal.default_int_handler)

REPOSITORY = Path(__file__).resolve().parent.parent


def group(file: str) -> str:
    """What is run by one process when several share the tests (``pytest -n 2``).

    A file; or all files that drive the app in a browser, for which one of each is started.
    """
    name = file.rpartition("/")[2]
    return "browser" if "browser" in name or name == "test_looks.py" else file


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):  # one of several processes
        # The longest group first; the others run beside it, in their usual order.
        items.sort(key=lambda item: group(item.path.name) != "browser")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    # Its own way to name groups (--dist loadgroup) does nothing from pytest 9.2 on.
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group(nodeid.partition("::")[0])

    config.option.loadscopereorder = False  # it would put the files with most tests first
    return Groups(config, log)


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def examples() -> Path:
    return REPOSITORY / "examples"


@pytest.fixture(scope="session")
def model() -> Path:
    return REPOSITORY / "mask_detector.model"


@pytest.fixture(scope="session")
def exported(model, tmp_path_factory) -> Path:
    """A folder with the shipped model in the forms of other software, mask_detector.*."""
    pytest.importorskip("keras", reason="TensorFlow is not installed: it writes the Keras form")
    from mask_detector import convert

    folder = tmp_path_factory.mktemp("exported")
    for ending in ("tflite", "keras", "onnx"):
        assert convert.main([str(model), str(folder / f"mask_detector.{ending}")]) == 0
    return folder


class CapturedStream(io.TextIOWrapper):
    """A standard stream of text that keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", newline="\n", write_through=True)

    def text(self) -> str:
        return self.buffer.getvalue().decode()


@contextmanager
def fresh_logging() -> Iterator[None]:
    """Let a script set up logging for itself, as it does in a process of its own."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


@contextmanager
def signal_handlers() -> Iterator[None]:
    """Put back the handlers of the signals that a script may catch."""
    handlers = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


@pytest.fixture(autouse=True)
def no_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the Ctrl-C of one before it, which stays known for as long as a program runs."""
    monkeypatch.setattr(terminal, "_interruptions", [])


@pytest.fixture(scope="session")
def run() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a script of the repository, or a module, in this process, without a display."""

    def run(
        name: str,
        *arguments: object,
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
        stdin: BinaryIO | None = None,
    ) -> subprocess.CompletedProcess[str]:
        module = importlib.import_module(name.removesuffix(".py"))
        command = [str(module.__file__), *map(str, arguments)]
        output, errors = CapturedStream(), CapturedStream()
        with ExitStack() as stack:
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            for variable in ("DISPLAY", "WAYLAND_DISPLAY"):
                patch.delenv(variable, raising=False)
            for variable, value in (env or {}).items():
                patch.setenv(variable, value)
            if cwd:
                patch.chdir(cwd)
            patch.setattr(sys, "argv", command)
            patch.setattr(sys, "stdin", io.TextIOWrapper(stdin or io.BytesIO()))
            patch.setattr(sys, "stdout", output)
            patch.setattr(sys, "stderr", errors)
            stack.enter_context(fresh_logging())
            stack.enter_context(signal_handlers())
            with pytest.raises(SystemExit) as end:
                command_line.run(module.main)
        status = end.value.code
        assert isinstance(status, int | None)
        return subprocess.CompletedProcess(command, status or 0, output.text(), errors.text())

    return run


@pytest.fixture(scope="session")
def run_script() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a script of the repository, or a module, in a process of its own, without a display."""

    def run(
        name: str, *arguments: object, timeout: float = 500, **options: object
    ) -> subprocess.CompletedProcess[str]:
        environment = {
            k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")
        }
        environment |= {"PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"}
        environment |= options.pop("env", {})
        program = [str(REPOSITORY / name)] if name.endswith(".py") else ["-m", name]
        return subprocess.run(
            [sys.executable, *program, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=timeout,
            env=environment,
            stdin=options.pop("stdin", subprocess.DEVNULL),
            **options,
        )

    return run


@pytest.fixture(scope="session")
def display() -> Iterator[VirtualDisplay]:
    """A virtual display, to open windows on."""
    if missing := missing_tools():
        pytest.skip(missing)
    if not cv2.currentUIFramework():
        pytest.skip("this OpenCV opens no windows (opencv-python-headless)")
    with virtual_display() as started:
        yield started


@pytest.fixture(scope="session")
def wait_for() -> Callable[..., Any]:
    """A condition's value, as soon as it is true while a process runs."""
    return wait_until
