#!/usr/bin/env python3
"""Draw the pictures of docs/app.md: the app's pages in a browser, with the committed examples.

    python -m scripts.app_pictures                        # writes docs/images/app_*.jpg
    python -m scripts.app_pictures --output pictures --looks light dark phone

Needs Debian's chromium and ffmpeg, requirements-app.txt and requirements-dev.txt. The tests go
through the same scenes (tests/mask_app/test_looks.py).
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.browser import REPOSITORY, camera_file, running_app, running_browser
from mask_detector.files import make_folder, write_bytes

EXAMPLES = REPOSITORY / "examples"
VIDEO = EXAMPLES / "example_video.mp4"
PATIENCE_MS = 300_000
DESKTOP, PHONE = (1280, 860), (390, 844)
LOOKS = {"light": ("light", DESKTOP), "dark": ("dark", DESKTOP), "phone": ("light", PHONE)}
"""Colour scheme, and width and height in pixels, by name."""

DOCUMENTED = ("welcome", "photos", "video", "report", "zones", "live", "door")
"""The scenes whose pictures docs/app.md shows, in light and on a desktop."""

_QUALITY = 78
_UNTIL_IT_PLAYS = """video => new Promise(
  (done) => (video.readyState >= 3 ? done() : video.addEventListener('playing', done)))"""
# In frames, which a busy machine draws more slowly. Some pages never rest: they show a camera.
_UNTIL_IT_RESTS = """async () => {
  let rested = 0;
  const changes = new MutationObserver(() => { rested = 0; });
  const all = {subtree: true, childList: true, attributes: true, characterData: true};
  changes.observe(document, all);
  for (let frame = 0; frame < 60 && rested < 20; frame += 1) {
    await new Promise(requestAnimationFrame);
    const moving = document.getAnimations().some(
      (each) => each.playState === 'running' && each.effect.getTiming().iterations !== Infinity);
    rested = moving ? 0 : rested + 1;
  }
  changes.disconnect();
}"""
_HEIGHT = "(document.querySelector('[data-testid=stMain]') ?? document.body).scrollHeight"


def welcome(page: Any, address: str) -> None:
    """The first page."""
    _open(page, address, "", "Face masks")
    page.wait_for_function("[...document.images].every(image => image.naturalWidth)")


def photos_empty(page: Any, address: str) -> None:
    """The page for photos before the first."""
    _open(page, address, "photos", "Photos")
    page.get_by_role("button", name="Use the example photo").wait_for()


def photos(page: Any, address: str) -> None:
    """Results of a photo, and of a file that is none."""
    photos_empty(page, address)
    letter = {"name": "letter.jpg", "mimeType": "image/jpeg", "buffer": b"Dear all"}
    example = EXAMPLES / "example_01.png"
    image = {"name": example.name, "mimeType": "image/png", "buffer": example.read_bytes()}
    page.locator("input[type=file]").set_input_files([image, letter])
    page.get_by_role("img", name=f"{example.name}: ").wait_for()
    page.locator("[data-testid=stDataFrame] canvas").first.wait_for()


def video_empty(page: Any, address: str) -> None:
    """The page for videos before the first."""
    _open(page, address, "video", "Video")
    page.get_by_role("button", name="Use the example video").wait_for()


def video_queue(page: Any, address: str) -> None:
    """Videos that wait for each other, and a file that is none."""
    video_empty(page, address)
    names = ("entrance.mp4", "hall.mp4", "waiting room.mp4", "stairs.mp4")
    content = VIDEO.read_bytes()
    files = [{"name": name, "mimeType": "video/mp4", "buffer": content} for name in names]
    files.append({"name": "letter.mp4", "mimeType": "video/mp4", "buffer": b"Dear all"})
    page.locator("input[type=file]").set_input_files(files)
    page.get_by_role("button", name="Process all").click()
    page.get_by_text("Next in the queue").wait_for()


def video(page: Any, address: str) -> None:
    """The result of a video."""
    video_empty(page, address)
    page.get_by_role("button", name="Use the example video").click()
    page.get_by_role("button", name="Process video").click()
    page.get_by_role("slider", name="Time in the video").wait_for()
    page.wait_for_function("document.querySelector('video').readyState >= 3")
    page.evaluate("document.querySelector('video').currentTime = 3")
    page.get_by_role("list", name="When people were without a mask").wait_for()
    page.get_by_role("heading", name="Result of").evaluate("heading => heading.scrollIntoView()")


def report(page: Any, address: str) -> None:
    """The report on a video, which the page for videos gives as a file."""
    video(page, address)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Report (HTML)").click()
    page.set_content(Path(waiting.value.path()).read_text(encoding="utf-8"))
    page.get_by_role("heading", level=1).wait_for()


def zones(page: Any, address: str) -> None:
    """A zone that was drawn on a video's first picture."""
    video_empty(page, address)
    box = open_zones(page).bounding_box()
    for x, y in ((0.05, 0.05), (0.36, 0.05), (0.36, 0.95), (0.05, 0.95), (0.05, 0.05)):
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.get_by_label("Corners of Zone 1").wait_for()


def open_zones(page: Any) -> Any:
    """Choose the example video on the video page, and open the drawing of zones: where it is."""
    page.get_by_role("button", name="Use the example video").click()
    page.get_by_text("Zones", exact=True).click()
    drawer = page.get_by_role("application")
    drawer.wait_for()
    page.evaluate(_UNTIL_IT_RESTS)  # clicks would miss what still moves
    drawer.scroll_into_view_if_needed()
    page.evaluate(_UNTIL_IT_RESTS)
    return drawer


def live_stopped(page: Any, address: str) -> None:
    """The camera's page before Start."""
    _open(page, address, "live", "Live camera")
    _camera(page).get_by_role("button", name="Start").wait_for()


def live(page: Any, address: str) -> None:
    """The camera's page with its picture."""
    live_stopped(page, address)
    start_camera(page)
    page.get_by_text("The last minutes").wait_for()
    page.locator("[data-testid=stVegaLiteChart] svg").wait_for()


def door(page: Any, address: str) -> None:
    """The door's message with what the browser's camera sees."""
    page.goto(f"{address}/live?door=1")
    page.locator(".door:not([data-state=blind])").wait_for()
    _camera(page).locator("video").evaluate(_UNTIL_IT_PLAYS)


def about(page: Any, address: str) -> None:
    """The page about the model."""
    _open(page, address, "about", "About")
    page.get_by_text("train_mask_detector.py").wait_for()


SCENES: dict[str, Callable[[Any, str], None]] = {
    scene.__name__: scene
    for scene in (
        welcome,
        photos_empty,
        photos,
        video_empty,
        video_queue,
        video,
        report,
        zones,
        live_stopped,
        live,
        door,
        about,
    )
}
"""Each opens a page at the app's address in a state, by its name."""


def entrance_camera(path: Path, seconds: int = 3) -> Path:
    """What a camera at a door sees, for Chromium, over and over, at 7 pictures a second.

    Somebody with a mask, the same without one, nobody, darkness: each for that many seconds.
    """
    capture = cv2.VideoCapture(str(VIDEO))
    frames = []
    while (read := capture.read())[0]:
        frames.append(read[1][5:155, 155:355])  # the person in the middle
    masked, unmasked = frames[:40:2], frames[50:80:2]
    room = cv2.GaussianBlur(frames[0], (0, 0), 40)
    count = 7 * seconds
    scenes = [(masked * count)[:count], (unmasked * count)[:count], [room] * count]
    with path.open("wb") as file:
        file.write(b"YUV4MPEG2 W640 H480 F7:1 Ip A1:1 C420jpeg\n")
        for image in np.concatenate([*scenes, [room // 40] * count]):
            planes = cv2.cvtColor(cv2.resize(image, (640, 480)), cv2.COLOR_BGR2YUV_I420)
            file.write(b"FRAME\n" + planes.tobytes())
    return path


def picture(page: Any, look: str, whole: bool = False) -> bytes:
    """The page as it looks, as a JPEG.

    Args:
        page: of the browser.
        look: one of ``LOOKS``; it stays.
        whole: the window becomes as high as the page.
    """
    scheme, (width, height) = LOOKS[look]
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": height})
    page.mouse.move(0, 0)  # no button looks pressed
    page.evaluate(_UNTIL_IT_RESTS)
    if whole:
        needed = page.evaluate(_HEIGHT)
        page.set_viewport_size({"width": width, "height": max(height, needed)})
        page.evaluate(_UNTIL_IT_RESTS)
    taken: bytes = page.screenshot(type="jpeg", quality=_QUALITY)
    return taken


def start_camera(page: Any) -> None:
    """Press Start until live pictures come.

    On a machine too busy to answer in time, the browser and the app give up connecting, as with
    any WebRTC page; a visitor then stops and starts again.
    """
    from playwright.sync_api import TimeoutError

    start, stop = (_camera(page).get_by_role("button", name=name) for name in ("Start", "Stop"))
    for _ in range(5):
        start.click(timeout=120_000)
        with contextlib.suppress(TimeoutError):
            page.get_by_text("frames per second").wait_for(timeout=60_000)
            return
        if stop.is_visible():
            stop.click()
    raise RuntimeError("no live picture came, after five starts")


def _open(page: Any, address: str, name: str, heading: str) -> None:
    page.goto(f"{address}/{name}")
    page.get_by_role("heading", name=heading, exact=True).wait_for()


def _camera(page: Any) -> Any:
    return page.frame_locator("iframe[src*=webrtc_streamer]").first


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--output", type=Path, default=REPOSITORY / "docs" / "images")
    parser.add_argument("--looks", nargs="+", choices=LOOKS, help="all scenes in these")
    parser.add_argument("--scenes", nargs="+", choices=SCENES, help="only these")
    arguments = parser.parse_args()
    make_folder(arguments.output)
    names = arguments.scenes or (SCENES if arguments.looks else DOCUMENTED)
    with tempfile.TemporaryDirectory() as folder, running_app() as app:
        group = camera_file(VIDEO, Path(folder) / "group.y4m")
        entrance = entrance_camera(Path(folder) / "entrance.y4m", seconds=20)
        for name in names:
            with running_browser(entrance if name == "door" else group) as browser:
                page = browser.new_page(viewport={"width": DESKTOP[0], "height": DESKTOP[1]})
                page.set_default_timeout(PATIENCE_MS)
                SCENES[name](page, app.url)
                for look in arguments.looks or ["light"]:
                    end = f"_{look}" if arguments.looks else ""
                    path = arguments.output / f"app_{name}{end}.jpg"
                    write_bytes(path, picture(page, look, whole=bool(arguments.looks)))
                    print(path)


if __name__ == "__main__":
    main()
