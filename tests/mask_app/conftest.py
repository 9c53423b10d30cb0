"""A running app and a browser for all tests of this folder; their screenshots go to runs/app/."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from waiting import new_page

from benchmarks.browser import App, camera_file, chromium, running_app, running_browser


@pytest.fixture(scope="session")
def app() -> Iterator[App]:
    with running_app() as app:
        yield app


@pytest.fixture(scope="session")
def camera(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the browser's camera sees: the example video, over and over."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed: it makes the browser's camera")
    path = tmp_path_factory.mktemp("camera") / "camera.y4m"
    return camera_file(examples / "example_video.mp4", path)


@pytest.fixture(scope="session")
def browser(request: pytest.FixtureRequest) -> Iterator[Any]:
    if find_spec("playwright") is None:
        pytest.skip("playwright is not installed: it drives the browser")
    if chromium() is None:
        pytest.skip("chromium is not installed")
    with running_browser(request.getfixturevalue("camera")) as browser:
        yield browser


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page of a session of its own."""
    page = new_page(browser, viewport={"width": 1280, "height": 860})
    yield page
    page.context.close()


SCREENSHOTS = Path(__file__).resolve().parents[2] / "runs" / "app"


@pytest.fixture(scope="session")
def screenshot() -> Callable[[bytes | Any, str], None]:
    """Keep a picture, or what a page shows now, under a name."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)

    def keep(shown: bytes | Any, name: str) -> None:
        taken = shown if isinstance(shown, bytes) else shown.screenshot(type="jpeg", quality=85)
        (SCREENSHOTS / f"{name}.jpg").write_bytes(taken)

    return keep


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if SCREENSHOTS.exists():
        terminalreporter.write_line(f"screenshots of the app: {SCREENSHOTS}")
