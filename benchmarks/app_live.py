#!/usr/bin/env python3
"""Measure the app in a real browser: first page, live rate and delay, leaks of the camera's starts.

    python -m benchmarks.app_live
    python -m benchmarks.app_live --seconds 20 --starts 50 --json app_live.json
    python -m benchmarks.app_live --door 60        # the door, kept open for an hour, only

Chromium's camera plays a video with a number drawn into each frame as black and white squares.
A script inside the page reads the number in the camera's own picture and in the one that came
back from the app, and so knows how long each frame took. Needs Debian's chromium and ffmpeg,
and requirements-app.txt and requirements-dev.txt.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from benchmarks.app_door import measure_door
from benchmarks.browser import REPOSITORY, App, running_app, running_browser

WIDTH, HEIGHT, RATE = 640, 480, 25
_FIRST_PAGES = 5
_BITS = 9
_SQUARE = 32  # pixels; a whole number of the codecs' blocks
_LOOP = 250  # frames until the camera's file starts again

# Reads the number out of a picture's lowest rows: white squares are ones, the last is the parity.
_READ_CLOCKS = (
    """
(() => {
  const bits = BITS, square = SQUARE;
  const canvas = document.createElement('canvas');
  canvas.width = bits + 1; canvas.height = 1;
  const context = canvas.getContext('2d', {willReadFrequently: true});
  const read = (video) => {
    const unit = video.videoWidth / WIDTH;
    context.drawImage(video, 0, video.videoHeight - 0.75 * square * unit,
                      (bits + 1) * square * unit, 0.5 * square * unit, 0, 0, bits + 1, 1);
    const pixels = context.getImageData(0, 0, bits + 1, 1).data;
    let number = 0, ones = 0;
    for (let bit = 0; bit <= bits; bit++) {
      const one = pixels[4 * bit] > 127 ? 1 : 0;
      ones += one;
      if (bit < bits) number = 2 * number + one;
    }
    return ones % 2 ? null : number;
  };
  window.clocks = {camera: [], annotated: []};
  const follow = (video, into) => {
    const next = (now, about) => {
      const number = read(video);
      // The camera's picture has the time at which it was taken, the annotated one that of display.
      const when = into === clocks.camera ? about.captureTime ?? now : now;
      if (number !== null) into.push([number, when]);
      video.requestVideoFrameCallback(next);
    };
    video.requestVideoFrameCallback(next);
  };
  const getUserMedia = navigator.mediaDevices?.getUserMedia.bind(navigator.mediaDevices);
  if (!getUserMedia) return;
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await getUserMedia(wanted);
    if (window.watching) {
      const camera = document.createElement('video');
      camera.muted = true;
      camera.srcObject = stream.clone();
      camera.play();
      follow(camera, clocks.camera);
      new MutationObserver(() => {
        for (const video of document.querySelectorAll('video:not([followed])')) {
          video.setAttribute('followed', '');
          follow(video, clocks.annotated);
        }
      }).observe(document.documentElement, {childList: true, subtree: true});
    }
    return stream;
  };
})()
""".replace("BITS", str(_BITS))
    .replace("SQUARE", str(_SQUARE))
    .replace("WIDTH", str(WIDTH))
)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--video", type=Path, default=REPOSITORY / "examples/example_video.mp4")
    parser.add_argument("--seconds", type=float, default=15, help="of live picture to measure")
    parser.add_argument("--starts", type=int, default=50, help="of the camera, one after the other")
    parser.add_argument(
        "--door", type=float, metavar="MINUTES", help="measure the door kept open, nothing else"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    return parser.parse_args()


def numbered_camera(video: Path, path: Path) -> Path:
    """The video, as large as a camera's picture, a number in each frame, for Chromium's camera."""
    encode = ["ffmpeg", "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "bgr24"]
    encode += ["-s", f"{WIDTH}x{HEIGHT}", "-r", str(RATE), "-i", "-"]
    encode += ["-pix_fmt", "yuv420p", "-f", "yuv4mpegpipe", str(path)]
    with av.open(str(video)) as container:
        frames = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    with subprocess.Popen(encode, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        for number in range(_LOOP):
            image = cv2.resize(frames[number % len(frames)], (WIDTH, HEIGHT))
            process.stdin.write(with_number(image, number).tobytes())
    return path


def with_number(image: np.ndarray, number: int) -> np.ndarray:
    """Draw a number into the lower left corner: a square a bit, and one for an even parity."""
    bits = [number >> bit & 1 for bit in reversed(range(_BITS))]
    for place, bit in enumerate([*bits, sum(bits) % 2]):
        left = place * _SQUARE
        image[-_SQUARE:, left : left + _SQUARE] = 255 * bit
    return image


def delays(camera: list[list[float]], annotated: list[list[float]]) -> list[float]:
    """Seconds from each camera frame to its annotated picture; repeated pictures do not count.

    Args:
        camera: number and time in milliseconds of each frame.
        annotated: the same of each picture that came back.
    """
    taken: list[float] = []
    last_number = None
    for number, shown in annotated:
        if number == last_number:
            continue
        last_number = number
        # Numbers repeat: the latest camera frame of that number before the picture counts.
        before = [when for seen, when in camera if seen == number and when <= shown]
        if before:
            taken.append((shown - before[-1]) / 1000)
    return taken


def measure_first_pages(browser: Any, folder: Path) -> dict[str, float]:
    """Seconds from a start to the first page, beside those of Streamlit with only a heading.

    Args:
        browser: is already open.
        folder: for the app with only a heading.

    Returns:
        Medians of starts that take turns, so that both see the same load; and of the seconds from
        a click on an example, as soon as the first page is there, to its result.
    """
    (folder / "app.py").write_text("import streamlit as st\nst.title('Only a heading')\n")
    seconds: dict[str, list[float]] = {"first_page_s": [], "only_a_heading_s": []}
    seconds["example_s"] = []
    for _ in range(_FIRST_PAGES):
        for name, of, heading in (
            ("only_a_heading_s", folder, "Only a heading"),
            ("first_page_s", REPOSITORY, "Face masks"),
        ):
            with running_app(of) as app:
                page = browser.new_page()
                page.goto(app.url)
                page.get_by_role("heading", name=heading).wait_for()
                seconds[name].append(time.monotonic() - app.started)
                if of == REPOSITORY:
                    seconds["example_s"].append(seconds_to_example(page))
                page.close()
    return {name: round(statistics.median(each), 2) for name, each in seconds.items()}


def seconds_to_example(page: Any) -> float:
    """From a click on an example photo of the first page to its result."""
    button = page.get_by_role("button", name="One person", exact=True)
    button.wait_for()
    clicked = time.monotonic()
    button.click()
    page.get_by_role("img", name="example_02.jpg: ").wait_for()
    return time.monotonic() - clicked


def measure_live(app: App, browser: Any, seconds: float) -> dict[str, float]:
    """Rate and delay of the annotated pictures, measured in the browser."""
    page = browser.new_page()
    page.add_init_script("window.watching = true")
    page.add_init_script(_READ_CLOCKS)
    live = open_live_page(app, page)
    page.get_by_text("Mirror the picture").click()  # numbers are read from left to right
    live.get_by_role("button", name="Start").click()
    page.get_by_text("frames per second").wait_for()
    time.sleep(5)  # the connection finds its bit rate
    frame = next(frame for frame in page.frames if "streamlit_webrtc" in frame.url)
    frame.evaluate("clocks.camera.length = clocks.annotated.length = 0")
    time.sleep(seconds)
    clocks = frame.evaluate("clocks")
    page_text = page.get_by_text("frames per second").inner_text()
    page.close()
    taken = delays(clocks["camera"], clocks["annotated"])
    camera_frames = len({when for _, when in clocks["camera"]})
    return {
        "camera_frames_per_second": round(camera_frames / seconds, 1),
        "annotated_frames_per_second": round(len(taken) / seconds, 1),
        "delay_median_ms": round(1000 * float(np.median(taken))),
        "delay_95th_ms": round(1000 * float(np.percentile(taken, 95))),
        "page_says": page_text,
    }


def measure_starts(app: App, browser: Any, starts: int) -> dict[str, float]:
    """Threads and memory of the app after many starts and stops, beside those after a few."""
    page = browser.new_page()
    live = open_live_page(app, page)
    kept: dict[str, float] = {"starts": starts}
    warm = min(5, starts)
    for number in range(1, starts + 1):
        live.get_by_role("button", name="Start").click()
        page.get_by_text("frames per second").wait_for()
        live.get_by_role("button", name="Stop").click()
        page.get_by_text("Press Start").wait_for()
        if number in (warm, starts):
            time.sleep(5)
            when = "after_a_few" if number == warm else "at_the_end"
            kept[f"threads_{when}"] = app.threads()
            kept[f"memory_mib_{when}"] = round(app.memory_mib(), 1)
    page.close()
    return kept


def open_live_page(app: App, page: Any) -> Any:
    """Go to the live page; gives the frame that holds its buttons."""
    page.goto(f"{app.url}/live")
    live = page.frame_locator("iframe").first
    live.get_by_role("button", name="Start").wait_for()
    return live


def main() -> None:
    """Measure the first page, the live picture and repeated starts, and print the figures."""
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory() as folder:
        camera = numbered_camera(arguments.video, Path(folder) / "camera.y4m")
        with running_browser(camera) as browser:
            figures: dict[str, Any] = {}
            if arguments.door:
                with running_app() as app:
                    figures["door"] = measure_door(app, browser, 60 * arguments.door)
            else:
                figures |= measure_first_pages(browser, Path(folder))
                with running_app() as app:
                    figures["live"] = measure_live(app, browser, arguments.seconds)
                    if arguments.starts:
                        figures["starts"] = measure_starts(app, browser, arguments.starts)
    print(json.dumps(figures, indent=2))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
