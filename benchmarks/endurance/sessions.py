"""Many visitors of the app: each sees their own photo only, and nothing of them remains."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.browser import App, chromium, running_app, running_browser
from benchmarks.endurance import EXAMPLES, Deadline, Row
from benchmarks.process import Held, held

AT_ONCE = 3
GROWN_MIB = 60.0
"""The most that the app may hold more after the last session than after the first third."""

PATIENCE_MS = 120_000

NOBODYS = ".ses"
"""A file that ONNX Runtime writes into the temporary folder when it is imported."""


def missing() -> str:
    """What this part needs and does not find; empty where it finds all."""
    if find_spec("playwright") is None:
        return "playwright is not installed"
    return "" if chromium() else "Chromium is not installed"


def sessions(deadline: Deadline, most: int, scratch: Path) -> Row:
    """Let up to ``most`` sessions upload a photo each, some at a time."""
    row = Row(f"a session of the app, {AT_ONCE} at a time, each with a photo of its own")
    source = EXAMPLES / "example_02.jpg"
    after: list[Held] = []
    with running_app() as app, running_browser() as browser:
        while row.tried < most and deadline.left:
            numbers = range(row.tried, min(most, row.tried + AT_ONCE))
            photos = [Path(shutil.copy(source, scratch / f"visitor_{n}.jpg")) for n in numbers]
            row.faults += _visit(app, browser, photos)
            row.tried += len(photos)
            after.append(held(app.process.pid))
        if not _gone(app):
            row.faults.append("temporary files remain after the last session")
    if not after:
        return row
    first, last = after[len(after) // 3], after[-1]
    if last.mebibytes - first.mebibytes > GROWN_MIB:
        row.faults.append("the app's memory grew")
    row.outcome = (
        f"memory {first.mebibytes:.0f} MiB after a third of them, {last.mebibytes:.0f} at the end; "
        f"threads {first.threads} and {last.threads}, open files {first.files} and {last.files}"
    )
    return row


def _visit(app: App, browser: Any, photos: list[Path]) -> list[str]:
    """Sessions at the same time, each with its photo; what went wrong in them."""
    from playwright.sync_api import Error

    faults = []
    contexts = [browser.new_context() for _ in photos]
    try:
        pages = [context.new_page() for context in contexts]
        for page, photo in zip(pages, photos, strict=True):
            page.goto(f"{app.url}/photos")
            page.locator("input[type=file]").set_input_files(str(photo), timeout=PATIENCE_MS)
        for page, photo in zip(pages, photos, strict=True):
            page.get_by_role("img", name=f"{photo.name}: ").wait_for(timeout=PATIENCE_MS)
        for page, photo in zip(pages, photos, strict=True):
            shown = page.content()
            faults += [
                f"{photo.name}'s session shows {other.name}"
                for other in photos
                if other != photo and other.name in shown
            ]
            if page.locator(".stException").count():
                faults.append(f"{photo.name}'s session shows an exception")
    except Error as error:
        faults.append(str(error).splitlines()[0])
    finally:
        for context in contexts:
            context.close()
    return faults


def _gone(app: App) -> bool:
    """Whether what the sessions stored is deleted within a minute after the last one."""
    deadline = Deadline(60)
    while deadline.left:
        with suppress(OSError):
            left = [path.name for path in app.temporary.rglob("*") if path.is_file()]
            if set(left) <= {NOBODYS}:
                return True
        time.sleep(0.5)
    return False
