"""Zones as people draw them, in Chromium: with the mouse and by keyboard."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.browser import App
from mask_detector.video.zones import parse_zone
from scripts.app_pictures import open_zones


def test_zones_are_drawn_named_used_kept_and_removed(
    app: App, page: Any, tmp_path: Path, screenshot: Callable[..., None]
) -> None:
    page.goto(f"{app.url}/video")
    drawer = open_zones(page)
    box = drawer.bounding_box()

    def at(x: float, y: float) -> tuple[float, float]:
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    # The left third, where somebody wears a mask: a click on the first corner finishes it.
    for corner in ((0.05, 0.05), (0.3, 0.05), (0.3, 0.95), (0.05, 0.95), (0.05, 0.05)):
        page.mouse.click(*at(*corner))
    corners = page.get_by_label("Corners of Zone 1")
    corners.wait_for()
    page.mouse.move(*at(0.3, 0.95))
    page.mouse.down()
    page.mouse.move(*at(0.36, 0.9), steps=3)
    page.mouse.up()
    page.wait_for_function("document.querySelectorAll('input[value*=\"0.36,\"]').length == 1")
    drawn = [float(number) for number in corners.input_value().split(",")]
    for number, wanted in zip(drawn, [0.05, 0.05, 0.3, 0.05, 0.36, 0.9, 0.05, 0.95], strict=True):
        assert abs(number - wanted) < 0.01

    # A second one by keyboard, around nobody; Escape discards what is not finished.
    drawer.focus()
    for key in ("Space", "Escape", *["ArrowDown"] * 22, "Space", "ArrowRight", "Space"):
        page.keyboard.press(key)
    for key in ("ArrowDown", "Space", "Enter"):
        page.keyboard.press(key)
    page.get_by_label("Corners of Zone 2").wait_for()
    assert page.get_by_label("Corners of Zone 2").input_value() == "0.5,0.94,0.52,0.94,0.52,0.96"
    name = page.get_by_label("Name").first
    name.fill("Door")
    name.press("Enter")
    page.get_by_label("Corners of Door").wait_for()
    drawer.scroll_into_view_if_needed()
    screenshot(page, "zones")
    options = shlex.split(page.locator("code").inner_text())
    assert [parse_zone(text).name for text in options[1::2]] == ["Door", "Zone 2"]

    # By its corners in a field; what is no zone is refused in a sentence.
    field = page.get_by_role("textbox", name="Add a zone by its corners")
    field.fill("0,0,1")
    field.press("Enter")
    page.get_by_text("These are not the corners of a zone").wait_for()
    field.fill("0.9,0.9,1,0.9,1,1")
    field.press("Enter")
    page.get_by_role("button", name="Remove Zone 3").click()
    page.get_by_label("Corners of Zone 3").wait_for(state="detached")

    page.get_by_role("link", name="About").click()
    page.get_by_text("Training data").wait_for()
    page.get_by_role("link", name="Video").click()
    page.get_by_text("Counted only inside: Door, Zone 2").wait_for()
    page.get_by_role("button", name="Process video").click()
    page.locator("video").wait_for()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Data (JSON)").click()
    path = tmp_path / "faces.jsonl"
    waiting.value.save_as(path)
    records = [json.loads(line) for line in path.read_text().splitlines()]
    faces = sorted(records[10]["faces"], key=lambda face: face["box"][0])
    assert [face.get("zone") for face in faces] == ["Door", None, None]
    assert [face.get("outside_zone", False) for face in faces] == [False, True, True]
    assert records[10]["counts"] == {"with_mask": 1, "without_mask": 0}
