"""What the tests share: where things are, and how a script is run as its users run it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

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
    """Run a script of the repository in a process of its own, without a display."""

    def run(
        name: str, *arguments: object, timeout: float = 120, **options: object
    ) -> subprocess.CompletedProcess[str]:
        environment = {
            k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")
        }
        environment |= {"PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"}
        environment |= options.pop("env", {})
        return subprocess.run(
            [sys.executable, str(REPOSITORY / name), *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=timeout,
            env=environment,
            stdin=options.pop("stdin", subprocess.DEVNULL),
            **options,
        )

    return run
