"""What the tests share: where things are, and how a script is run as its users run it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest
from virtual_display import VirtualDisplay, missing_tools, virtual_display

# A shell starts background jobs with Ctrl-C ignored, and children inherit that; the tests press it.
signal.signal(signal.SIGINT, signal.default_int_handler)

REPOSITORY = Path(__file__).resolve().parent.parent


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
def run_script() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a script of the repository, or a module, in a process of its own, without a display."""

    def run(
        name: str, *arguments: object, timeout: float = 120, **options: object
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
    """A display that nobody sees, to open windows on."""
    if missing := missing_tools():
        pytest.skip(missing)
    if not cv2.currentUIFramework():
        pytest.skip("this OpenCV opens no windows (opencv-python-headless)")
    with virtual_display() as started:
        yield started


@pytest.fixture(scope="session")
def wait_for() -> Callable[..., Any]:
    """What a condition comes to, as soon as it is true while a process runs; within a minute."""

    def wait(condition: Callable[[], Any], process: subprocess.Popen[str]) -> Any:
        deadline = time.monotonic() + 60
        while not (result := condition()):
            if process.poll() is not None:
                errors = process.stderr.read() if process.stderr else ""
                pytest.fail(f"ended with {process.returncode}: {errors}")
            if time.monotonic() > deadline:
                process.kill()
                pytest.fail("waited a minute in vain")
            time.sleep(0.05)
        return result

    return wait
