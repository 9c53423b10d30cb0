"""A report as people get it: made in Chromium with one click, opened there, and printed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader
from waiting import new_page

from benchmarks.browser import App


@pytest.fixture
def made(app: App, page: Any, examples: Path, tmp_path: Path) -> dict[str, Path]:
    """The files of a report on a photo, in German, by the endings of their names."""
    page.goto(f"{app.url}/photos?lang=de")
    page.locator("input[type=file]").set_input_files(str(examples / "example_01.png"))
    page.get_by_role("img", name="example_01.png: ").wait_for()
    files = {}
    for kind in ("HTML", "PDF"):
        with page.expect_download() as waiting:
            page.get_by_role("button", name=f"Bericht ({kind})").click()
        path = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(path)
        files[path.suffix] = path
    return files


def test_a_report_is_made_opened_and_read(
    made: dict[str, Path], browser: Any, screenshot: Callable[..., None]
) -> None:
    reader = new_page(browser, viewport={"width": 390, "height": 844})
    problems: list[str] = []
    reader.on("console", lambda message: problems.append(message.text))
    reader.on("request", lambda request: problems.append(request.url))
    reader.goto(made[".html"].as_uri())
    assert (
        reader.get_by_role("heading", level=1).inner_text() == "Gesichtsmasken: Bericht über Fotos"
    )
    reader.get_by_text("50 % (2 von 4)").wait_for()
    reader.get_by_text("Alle Gesichter sind unkenntlich gemacht").wait_for()
    picture = reader.get_by_role("img", name="example_01.png: ")
    assert picture.evaluate("image => image.naturalWidth") > 600
    assert reader.evaluate("document.scrollingElement.scrollWidth <= window.innerWidth")
    # Itself and the pictures inside it: nothing else was asked for, nothing was refused.
    assert [each for each in problems if not each.startswith(("file:", "data:"))] == []
    reader.set_viewport_size({"width": 800, "height": 1000})
    screenshot(reader, "report")
    reader.context.close()

    pages = PdfReader(made[".pdf"]).pages
    printed = " ".join(" ".join(page.extract_text().split()) for page in pages)
    for words in ("Bericht über Fotos", "50 % (2 von 4)", "15 % bis 85 %", "example_01.png"):
        assert words in printed.replace("\xa0", " ")
