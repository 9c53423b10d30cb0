"""The static page finds what the Python version finds, in a real browser."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from waiting import new_page

from benchmarks.browser import camera_file, chromium, running_browser
from mask_detector import MaskDetector
from mask_detector.faces import is_unsure
from mask_detector.images import read_photo
from mask_detector.models.model_card import weigh_by_thresholds
from mask_detector.models.model_file import read_model
from scripts import make_web

ONNX_RUNTIME = "./node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def address(
    repository: Path, exported: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Where a copy of the page is served, with its networks and ONNX Runtime."""
    if chromium() is None or shutil.which("npm") is None:
        pytest.skip("the page needs npm and Chromium")
    site = tmp_path_factory.mktemp("web")
    for name in ("index.html", "page.js", "detector.js", "package.json"):
        shutil.copy(repository / "web" / name, site)
    npm = subprocess.run(["npm", "install", "--silent"], cwd=site, capture_output=True, text=True)
    if npm.returncode:
        pytest.skip(f"npm cannot install ONNX Runtime: {npm.stderr[-200:]}")
    with pytest.MonkeyPatch.context() as patch:
        network = (exported / "mask_detector.onnx").read_bytes()  # writing it again takes long
        patch.setattr(make_web, "onnx_bytes", lambda _: network)
        assert make_web.main(["--output", str(site / "models")]) == 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def page(address: str, examples: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The page, ready; its camera shows the example video."""
    camera = None
    if shutil.which("ffmpeg"):
        video = examples / "example_video.mp4"
        camera = camera_file(video, tmp_path_factory.mktemp("camera") / "camera.y4m")
    with running_browser(camera) as browser:
        opened = new_page(browser, viewport={"width": 1000, "height": 900})
        opened.errors = []
        opened.on("pageerror", lambda error: opened.errors.append(str(error)))
        opened.goto(address)
        opened.wait_for_selector("body[data-ready]")
        yield opened
        assert opened.errors == []


def faces_on(page: Any) -> list[dict[str, Any]]:
    page.wait_for_selector("body[data-faces]")
    faces: list[dict[str, Any]] = json.loads(page.evaluate("document.body.dataset.faces"))
    page.evaluate("delete document.body.dataset.faces")
    return faces


def distance(box: Sequence[int], other: Sequence[int]) -> int:
    return sum(abs(a - b) for a, b in zip(box, other, strict=True))


@pytest.fixture(scope="module")
def detector() -> MaskDetector:
    return MaskDetector.load(detector="yunet", detector_size=640)


@pytest.mark.parametrize("name", ["example_01.png", "example_03.jpg", "example_08.jpg"])
def test_boxes_and_labels_are_those_of_python(
    page: Any, detector: MaskDetector, examples: Path, name: str
) -> None:
    page.set_input_files("#file", examples / name)
    faces = faces_on(page)
    expected = detector.detect(read_photo(examples / name))
    assert len(faces) == len(expected) > 0
    for face in expected:
        nearest = min(faces, key=lambda each: distance(each["box"], face.box))
        assert nearest["box"] == pytest.approx(face.box, abs=1)
        assert nearest["score"] == pytest.approx(face.score, abs=0.01)
        assert nearest["label"] == face.label
        assert nearest["unsure"] == face.unsure
        assert nearest["probabilities"] == pytest.approx(face.probabilities, abs=0.03)


def test_a_file_that_is_no_photo_is_a_sentence(page: Any, tmp_path: Path) -> None:
    text = tmp_path / "notes.jpg"
    text.write_text("no photo")
    page.set_input_files("#file", text)
    page.get_by_text("notes.jpg is not a photo that this browser can read.").wait_for()


HELD_DETECTIONS = """async () => {
    const { Detector } = await import("./detector.js");
    const original = Detector.prototype.detect;
    window.held = [];
    window.release = () => (Detector.prototype.detect = original);
    Detector.prototype.detect = () =>
        new Promise((found, failed) => window.held.push({ found, failed }));
}"""


def test_only_what_is_shown_is_marked(page: Any, examples: Path) -> None:
    page.evaluate(HELD_DETECTIONS)
    status = page.get_by_role("status")
    for count, name in enumerate(("example_01.png", "example_03.jpg"), 1):
        page.set_input_files("#file", examples / name)
        page.wait_for_function("count => window.held.length === count", arg=count)
    page.evaluate("window.held[1].found([])")
    status.filter(has_text="No faces found.").wait_for()
    page.evaluate("window.held[0].failed(new Error('too late'))")
    page.set_input_files("#file", examples / "example_01.png")
    page.wait_for_function("() => window.held.length === 3")
    assert status.text_content() == "No faces found."
    page.evaluate("window.held[2].failed(new Error('out of memory'))")
    status.filter(has_text="could not be detected: out of memory").wait_for()
    page.evaluate("window.release(); delete document.body.dataset.faces")


def test_the_camera_starts_and_stops(page: Any) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed: it makes the browser's camera")
    page.get_by_role("button", name="Start the camera").click()
    # The example video shows three people, the left one masked.
    labels = {face["label"] for face in faces_on(page)}
    assert {"with_mask", "without_mask"} <= labels
    page.get_by_role("button", name="Stop the camera").click()
    page.get_by_role("button", name="Start the camera").wait_for()


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        ("NotFoundError", "No camera was found"),
        ("NotAllowedError", "was not allowed to use the camera"),
        ("NotReadableError", "in use by another program"),
        ("AbortError", "cannot be used (AbortError)"),
    ],
)
def test_a_camera_that_fails_is_a_sentence(
    page: Any, address: str, error: str, sentence: str
) -> None:
    other = new_page(page.context.browser)
    other.add_init_script(
        "navigator.mediaDevices.getUserMedia = "
        f"() => Promise.reject(new DOMException('', '{error}'))"
    )
    other.goto(address)
    other.wait_for_selector("body[data-ready]")
    other.get_by_role("button", name="Start the camera").click()
    other.get_by_role("status").filter(has_text=sentence).wait_for()
    other.context.close()


def test_the_manual_s_example_runs(page: Any, repository: Path) -> None:
    text = (repository / "docs" / "models.md").read_text(encoding="utf-8")
    code = text.split("```js\n")[1].split("```")[0]
    code = code.replace(
        'import * as ort from "onnxruntime-web"', f'const ort = await import("{ONNX_RUNTIME}")'
    ).replace("mask_detector.onnx", "models/masks.onnx")
    crops = "const pixels = new Float32Array(2 * 128 * 128 * 3);"
    program = f"async () => {{ {crops} {code} return Array.from(probabilities); }}"
    probabilities = page.evaluate(program)
    assert len(probabilities) == 4
    assert sum(probabilities[:2]) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    ("row", "band"),
    [
        ([0.6, 0.4], 0.0),
        ([0.6, 0.4], 0.15),
        ([0.7, 0.3], 0.15),
        ([0.17, 0.2, 0.46, 0.17], 0.1),  # less than an even chance
        ([0.17, 0.2, 0.46, 0.17], 0.0),
        ([0.1, 0.3, 0.6], 0.1),
    ],
)
def test_unsure_means_the_same(page: Any, row: list[float], band: float) -> None:
    settings = {"classes": [f"class_{index}" for index in range(len(row))], "unsure": band}
    program = """async ({settings, row}) => {
        const { Detector } = await import("./detector.js");
        const picture = { width: 10, height: 10 };
        return new Detector(settings).face(picture, [1, 1, 5, 5], 0.9, row).unsure; }"""
    unsure = page.evaluate(program, {"settings": settings, "row": row})
    assert unsure == is_unsure(row, band)


def test_thresholds_weigh_as_in_python(page: Any, repository: Path, tmp_path: Path) -> None:
    model = repository / "mask_detector_3.model"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(make_web, "onnx_bytes", lambda _: b"")
        assert make_web.main(["--model", str(model), "--output", str(tmp_path)]) == 0
    settings = json.loads((tmp_path / "settings.json").read_text())
    rows = [[0.6, 0.3, 0.1], [0.4, 0.3, 0.3], [0.1, 0.2, 0.7]]
    program = """async ({settings, rows}) => {
        const { Detector } = await import("./detector.js");
        const run = async () => ({ out: { data: Float32Array.from(rows.flat()) } });
        const network = { run, inputNames: ["in"], outputNames: ["out"] };
        const picture = { data: new Uint8Array(400), width: 10, height: 10 };
        const faces = rows.map(() => ({ box: [1, 1, 5, 5] }));
        const ort = { Tensor: class {} };
        return new Detector(settings, null, network, ort).classify(picture, faces); }"""
    weighed = page.evaluate(program, {"settings": settings, "rows": rows})
    card = read_model(model).card
    assert card.thresholds
    np.testing.assert_allclose(weighed, weigh_by_thresholds(np.array(rows), card), atol=1e-6)
