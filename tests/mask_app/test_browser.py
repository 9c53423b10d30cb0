"""The app as people use it, in Chromium with a camera that plays the example video."""

from __future__ import annotations

import json
import shutil
import socket
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pytest
from accessibility import violations
from streams import MjpegServer
from waiting import new_page, wait_until

from benchmarks.browser import App, running_app, running_browser
from mask_app.history.store import HistoryStore, minute_now
from mask_detector.images import read_photo
from scripts.app_pictures import entrance_camera, start_camera

Screenshot = Callable[..., None]


# Hears the alarm without a loudspeaker: counts the tones that are started.
_COUNT_TONES = """
window.tones = 0;
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (when) { window.tones += 1; start.call(this, when); };
"""


def open_page(page: Any, app: App, name: str, title: str) -> None:
    page.goto(f"{app.url}/{name}")
    page.get_by_role("heading", name=title, exact=True).wait_for()


def counted(page: Any) -> dict[str, int]:
    """The tiles' numbers; empty while they show dashes."""
    tiles = page.locator("dl.tiles dd").all()
    pairs = [(tile.get_attribute("data-count"), tile.inner_text()) for tile in tiles]
    return {name: int(number) for name, number in pairs if number.isdigit()}


def upload(page: Any, *paths: Path) -> None:
    page.locator("input[type=file]").set_input_files([str(path) for path in paths])


def download(page: Any, label: str, folder: Path) -> Path:
    with page.expect_download() as waiting:
        page.get_by_role("link", name=label).click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


LIVE_COMPONENT = "iframe[src*=webrtc_streamer]"


def live_buttons(page: Any) -> Any:
    return page.frame_locator(LIVE_COMPONENT).first


def live_frame(page: Any) -> Any:
    page.locator(LIVE_COMPONENT).wait_for()
    return next(frame for frame in page.frames if "webrtc_streamer" in frame.url)


def no_traceback(page: Any) -> bool:
    return "Traceback" not in page.content() and page.locator(".stException").count() == 0


def test_photos_are_counted_shown_and_taken_along(
    app: App, page: Any, examples: Path, tmp_path: Path
) -> None:
    open_page(page, app, "photos", "Photos")
    upload(page, examples / "example_01.png", examples / "example_02.jpg")
    result = page.get_by_role("img", name="example_01.png: ")
    result.wait_for()
    page.get_by_role("img", name="example_02.jpg: ").wait_for()
    assert sum(counted(page).values()) == 5
    page.locator("[data-testid=stDataFrame] canvas").first.wait_for()

    lines = download(page, "Data (JSON)", tmp_path).read_text().splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["image"] for record in records] == ["example_01.png", "example_02.jpg"]
    assert [len(record["faces"]) for record in records] == [4, 1]
    assert len(download(page, "Table (CSV)", tmp_path).read_text().splitlines()) == 1 + 5
    # On a slow line a file comes although its page is drawn again meanwhile, here or elsewhere.
    address = page.get_by_role("link", name="Table (CSV)").get_attribute("href")
    slider = page.get_by_role("slider", name="Minimum face confidence")
    for key, count in (("End", 0), ("Home", 5)):
        slider.press(key)
        wait_until(lambda: sum(counted(page).values()) == count)  # noqa: B023
    assert len(page.request.get(f"{app.url}/{address}").text().splitlines()) == 1 + 5
    with zipfile.ZipFile(download(page, "Pictures (zip)", tmp_path)) as archive:
        assert archive.namelist() == ["example_01.png_mask.jpg", "example_02.jpg_mask.jpg"]
        archive.extractall(tmp_path)
    drawn = read_photo(tmp_path / "example_01.png_mask.jpg")
    original = read_photo(examples / "example_01.png")
    assert drawn.shape == original.shape
    assert (cv2.absdiff(drawn, original) > 100).any()


def test_settings_act_at_once(app: App, page: Any, examples: Path) -> None:
    open_page(page, app, "photos", "Photos")
    page.get_by_role("button", name="Use the example photo").click()
    page.get_by_role("img", name="example_02.jpg: ").wait_for()
    assert sum(counted(page).values()) == 1
    page.get_by_role("slider", name="Minimum face confidence").press("End")
    page.get_by_text("No face was detected").wait_for()
    page.get_by_role("combobox", name="Blur faces of").click()
    page.get_by_role("option", name="Everybody").click()
    page.get_by_text("The original is not shown").wait_for()
    assert page.get_by_role("img", name="as it was uploaded").count() == 0


def repeated(source: Path, target: Path, times: int) -> Path:
    """Write the video several times over: long enough to be seen before it is done."""
    frames = [frame for _, frame in iter(cv2.VideoCapture(str(source)).read, (False, None))]
    size = frames[0].shape[1::-1]
    writer = cv2.VideoWriter(str(target), cv2.VideoWriter.fourcc(*"mp4v"), 25, size)
    for frame in frames * times:
        writer.write(frame)
    writer.release()
    return target


def test_settings_photos_and_a_video_survive_other_pages(
    app: App, page: Any, examples: Path, tmp_path: Path
) -> None:
    open_page(page, app, "", "Face masks")
    page.wait_for_function("[...document.images].every(image => image.naturalWidth)")
    page.get_by_role("button", name="Open photos").click()
    upload(page, examples / "example_02.jpg")
    page.get_by_role("img", name="example_02.jpg: ").wait_for()
    page.get_by_role("combobox", name="Blur faces of").click()
    page.get_by_role("option", name="Everybody").click()
    page.get_by_role("link", name="Video").click()
    page.get_by_role("button", name="Use the example video").wait_for()
    upload(page, repeated(examples / "example_video.mp4", tmp_path / "long.mp4", times=6))
    page.get_by_role("button", name="Process video").click()
    page.get_by_text("% done").wait_for()
    page.get_by_role("link", name="About").click()
    page.get_by_text("Video long.mp4: ").wait_for()
    page.get_by_role("link", name="Photos").click()
    page.get_by_text("The original is not shown").wait_for()
    page.get_by_role("img", name="example_02.jpg: ").wait_for()
    page.get_by_role("link", name="Video").click()
    page.locator("video").wait_for()
    assert page.get_by_text("other settings").count() == 0
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("button", name="Use the example video").wait_for()
    page.get_by_role("link", name="Photos").click()
    page.get_by_role("button", name="Remove", exact=True).click()
    page.get_by_role("button", name="Use the example photo").wait_for()


def test_an_example_is_one_click_away(app: App, page: Any) -> None:
    open_page(page, app, "", "Face masks")
    page.get_by_role("button", name="Many small faces", exact=True).click()
    page.get_by_role("img", name="example_08.jpg: ").wait_for()
    assert sum(counted(page).values()) > 20
    page.get_by_role("link", name="Welcome").click()
    page.get_by_role("button", name="A video of four seconds").click()
    page.get_by_text("% done").wait_for()
    page.get_by_role("link", name="Photos").click()
    page.get_by_role("img", name="example_08.jpg: ").wait_for()


@pytest.mark.parametrize("name", ["photos", "video", "live", "about"])
def test_every_page_has_an_address(app: App, page: Any, name: str) -> None:
    """And asks the server for nothing that is not there."""
    failed: list[str] = []
    page.on("response", lambda answer: answer.ok or failed.append(answer.url))
    page.goto(f"{app.url}/{name}")
    page.get_by_role("heading", level=1).wait_for()
    assert page.get_by_text("Page not found").count() == 0
    current = page.locator("[aria-current=page]")
    current.wait_for()
    assert current.get_attribute("href") == name
    assert failed == []


def test_a_damaged_photo_is_a_sentence(app: App, page: Any, examples: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes((examples / "example_01.png").read_bytes()[:20_000])
    text = tmp_path / "letter.jpg"
    text.write_text("Dear all")
    open_page(page, app, "photos", "Photos")
    upload(page, damaged, text, examples / "example_02.jpg")
    page.get_by_role("img", name="example_02.jpg: ").wait_for()
    messages = page.get_by_role("alert").inner_text().splitlines()
    assert any("damaged.png: " in each and "damaged (" in each for each in messages)
    assert any("letter.jpg: " in each and "not a photo" in each for each in messages)
    assert sum(counted(page).values()) == 1
    assert no_traceback(page)


def test_a_video_is_processed_and_plays(
    app: App, page: Any, examples: Path, tmp_path: Path
) -> None:
    open_page(page, app, "video", "Video")
    upload(page, repeated(examples / "example_video.mp4", tmp_path / "long.mp4", times=12))
    for _ in range(2):  # one that was cancelled can be processed again
        page.get_by_role("button", name="Process video").click()
        page.get_by_role("button", name="Cancel").click()
        page.get_by_role("button", name="Cancel").wait_for(state="detached")
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("button", name="Use the example video").wait_for()
    upload(page, examples / "example_video.mp4")
    page.get_by_role("button", name="Process video").click()
    video = page.locator("video")
    video.wait_for()
    page.wait_for_function("document.querySelector('video').readyState >= 3")
    video.evaluate("video => { video.muted = true; return video.play(); }")
    page.wait_for_function("document.querySelector('video').currentTime > 0.5")
    assert counted(page)["with_mask"] + counted(page)["without_mask"] >= 3
    page.get_by_role("heading", name="People without a mask").wait_for()
    timeline = page.get_by_role("slider", name="Time in the video")
    timeline.wait_for()
    # The second person pulls her mask down after two seconds: her entry shows that.
    video.evaluate("video => { video.pause(); video.currentTime = 0; }")
    page.get_by_role("list", name="When people were without a mask").get_by_role("button").nth(
        1
    ).click()
    page.wait_for_function("document.querySelector('video').currentTime >= 1.5")
    # So do a click into the timeline, where she is counted as unmasked, and the keyboard.
    place = timeline.bounding_box()
    timeline.click(position={"x": place["width"] - 60, "y": 40})
    page.wait_for_function("document.querySelector('video').currentTime > 3")
    assert "2 No Mask" in timeline.get_attribute("aria-valuetext")
    timeline.press("Home")
    page.wait_for_function("document.querySelector('video').currentTime === 0")
    wait_until(lambda: "2 Mask" in timeline.get_attribute("aria-valuetext"))
    lines = download(page, "Data (JSON)", tmp_path).read_text().splitlines()
    assert [json.loads(line)["frame"] for line in lines] == list(range(80))
    assert download(page, "Video (MP4)", tmp_path).stat().st_size > 10_000


def test_videos_wait_for_each_other(app: App, page: Any, examples: Path, tmp_path: Path) -> None:
    first, second, broken = (tmp_path / f"{name}.mp4" for name in ("first", "second", "broken"))
    repeated(examples / "example_video.mp4", first, times=12)
    shutil.copy(examples / "example_video.mp4", second)
    broken.write_bytes(b"\0\0\0\x18ftypmp42" + bytes(5000))
    open_page(page, app, "video", "Video")
    upload(page, first, second, broken)
    page.get_by_text("broken.mp4: this is not a video, or it is damaged.").wait_for()
    page.get_by_role("button", name="Process all").click()
    page.get_by_text("Next in the queue").wait_for()
    page.get_by_role("link", name="About").click()
    page.get_by_text("1 more to do").wait_for()
    page.get_by_role("link", name="Video").click()
    cards = page.locator("[class*=st-key-video_]")
    cards.filter(has_text="first.mp4").get_by_role("button", name="Cancel").click()
    page.get_by_role("heading", name="Result of second.mp4").wait_for()
    assert page.get_by_text("not processed yet").count() == 1


def test_a_broken_video_is_a_sentence(app: App, page: Any, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"\0\0\0\x18ftypmp42" + bytes(5000))
    open_page(page, app, "video", "Video")
    upload(page, broken)
    assert "damaged" in page.get_by_role("alert").inner_text()
    assert no_traceback(page)


def test_live_counts_change_when_the_mask_comes_off(app: App, page: Any) -> None:
    page.add_init_script(_COUNT_TONES)
    open_page(page, app, "live", "Live camera")
    page.get_by_text("Sound when somebody wears no mask").click()
    buttons = live_buttons(page)
    for attempt in range(2):
        start_camera(page)
        if attempt == 0:
            # The video is 4 seconds long: the mask is on in one half of it and off in the other.
            seen: set[int | None] = {None}
            wait_until(lambda: seen.add(counted(page).get("with_mask")) or len(seen) > 2)  # noqa: B023
            wait_until(lambda: page.evaluate("window.tones") >= 2)
            page.get_by_text("The last minutes").wait_for()
            # A busy machine makes the browser send a smaller picture, but all of it.
            assert buttons.locator("video").evaluate("v => v.videoWidth / v.videoHeight") == 4 / 3
        buttons.get_by_role("button", name="Stop").click()
        page.get_by_text("Press Start").wait_for()
        assert counted(page) == {}
    assert no_traceback(page)


# A camera that can be unplugged: the session's storage outlives a reload of the page.
_UNPLUG = """
const real = navigator.mediaDevices?.getUserMedia.bind(navigator.mediaDevices);
window.cameras = [];
if (real) navigator.mediaDevices.getUserMedia = async (wanted) => {
  if (sessionStorage.unplugged) throw new DOMException('Raw', 'NotFoundError');
  const stream = await real(wanted);
  window.cameras.push(stream);
  return stream;
};
window.locks = 0;
const request = async () => { window.locks += 1; };
Object.defineProperty(navigator, 'wakeLock', {value: {request}});
"""


def test_the_door_says_what_it_sees(
    app: App, browser: Any, tmp_path: Path, screenshot: Screenshot
) -> None:
    """In the browser's language; it starts without a click, and after a reload and a camera that
    was gone, too.
    """
    with running_browser(entrance_camera(tmp_path / "camera.y4m")) as other:
        page = new_page(other, viewport={"width": 820, "height": 1180}, locale="de-DE")
        page.add_init_script(_UNPLUG)
        page.add_init_script(_COUNT_TONES)
        page.goto(f"{app.url}/live?door=1&sound=tone")
        for state, words in (
            ("thanks", "Danke, dass Sie eine Maske tragen"),
            ("put_on", "Bitte setzen Sie Ihre Maske auf"),
            ("nobody", "Willkommen"),
            ("dark", "Es ist zu dunkel für die Kamera"),
        ):
            page.locator(f"[data-state={state}]", has_text=words).wait_for()
            screenshot(page, f"door_{state}")
        wait_until(lambda: page.evaluate("window.tones") >= 2)  # a request is heard, too
        assert page.evaluate("window.locks") >= 1  # the screen stays awake
        assert not page.get_by_role("link", name="Photos").is_visible()
        page.reload()
        page.locator("[data-state=put_on]").wait_for()
        page.evaluate("sessionStorage.unplugged = 'yes'")
        live_frame(page).evaluate(
            "cameras.forEach((stream) => stream.getTracks().forEach((track) => track.stop()))"
        )
        page.locator("[data-state=blind]", has_text="sieht zurzeit nichts").wait_for()
        # After half a minute the page begins again by itself.
        with page.expect_navigation():
            page.evaluate("() => { const now = Date.now; Date.now = () => now() + 40_000; }")
        live_buttons(page).get_by_text("keine Kamera gefunden").wait_for()
        page.evaluate("delete sessionStorage.unplugged")
        page.locator("[data-state=put_on]").wait_for()
        page.get_by_role("button", name="Verlassen").click()
        page.get_by_role("heading", name="Live-Kamera", exact=True).wait_for()
        assert "door" not in page.url


def test_a_missing_camera_is_a_sentence(app: App, page: Any) -> None:
    """As where the browser's user says no, or another program has the camera."""
    open_page(page, app, "live", "Live camera")
    buttons = live_buttons(page)
    buttons.get_by_role("button", name="Start").wait_for()
    page.get_by_title("Live camera").wait_for()
    frame = next(frame for frame in page.frames if "webrtc_streamer" in frame.url)
    for name, sentence in (
        ("NotAllowedError", "allow it in the address bar"),
        ("NotFoundError", "No camera was found"),
        ("NotReadableError", "another program is using it"),
        ("UnknownError", "could not be started"),
    ):
        frame.evaluate(
            "name => navigator.mediaDevices.getUserMedia ="
            " () => Promise.reject(new DOMException('Raw', name))",
            name,
        )
        buttons.get_by_role("button", name="Start").click()
        buttons.get_by_text(sentence).wait_for()
        assert "Error" not in frame.inner_text("body")


def test_stills_where_video_cannot_come(app: App, page: Any) -> None:
    open_page(page, app, "live", "Live camera")
    page.get_by_text("Take single pictures").click()
    page.wait_for_function(
        "document.querySelector('[data-testid=stCameraInput] video')?.readyState >= 3"
    )
    page.get_by_role("button", name="Take photo").click()
    page.get_by_role("img", name="Picture: ").wait_for()


def test_two_sessions_see_only_their_own_photos(
    app: App, browser: Any, page: Any, examples: Path
) -> None:
    """And one's heavy video does not hold up the other's page."""
    open_page(page, app, "video", "Video")
    upload(page, examples / "example_video.mp4")
    page.get_by_role("button", name="Process video").click()
    page.get_by_text("% done").wait_for()
    second = new_page(browser)
    open_page(second, app, "photos", "Photos")
    upload(second, examples / "example_02.jpg")
    second.get_by_role("img", name="example_02.jpg: ").wait_for()
    assert sum(counted(second).values()) == 1
    open_page(second, app, "video", "Video")
    assert second.get_by_text("% done").count() == 0
    assert second.locator("video").count() == 0
    open_page(page, app, "photos", "Photos")
    assert page.get_by_text("example_02.jpg").count() == 0
    second.context.close()


def test_it_listens_only_to_this_computer(app: App) -> None:
    port = int(app.url.rpartition(":")[2])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it only chooses an address of ours
        except OSError:
            pytest.skip("this machine has no network address of its own")
        address = probe.getsockname()[0]
    with pytest.raises(OSError), socket.create_connection((address, port), timeout=5):
        pass


def test_password_camera_of_the_server_and_what_remains(
    browser: Any, examples: Path, tmp_path: Path, screenshot: Screenshot
) -> None:
    """One app with all that an administrator may set; the files of a session end with it."""
    photo = cv2.imread(str(examples / "example_01.png"))
    history = HistoryStore(tmp_path / "history.sqlite", days=90)
    history.add(minute_now() - 600, "North", "a", {"with_mask": 3, "without_mask": 1})
    with (
        MjpegServer(cv2.resize(photo, (640, 480)), rate=15) as door,
        running_app(
            MASK_APP_PASSWORD="open sesame",
            MASK_APP_CAMERAS=json.dumps({"Front door": door.address}),
            MASK_APP_HISTORY=str(tmp_path / "history.sqlite"),
            MASK_APP_DOOR_PICTURES=str(tmp_path / "door"),
        ) as app,
    ):
        page = new_page(browser)
        page.goto(f"{app.url}/live")
        password = page.get_by_role("textbox", name="Password")
        password.wait_for()
        screenshot(page, "login")
        assert violations(page) == []
        password.fill("guess")
        page.get_by_role("button", name="Sign in").click()
        page.get_by_text("Wrong password").wait_for()
        early = page.request.put(f"{app.url}/_stcore/upload_file/guest/1", data="a photo")
        assert early.status == 403
        assert page.get_by_role("link", name="Photos").count() == 0
        password.fill("open sesame")
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("heading", name="Live camera", exact=True).wait_for()
        page.get_by_text("Front door").click()
        # Single pictures are for the visitor's own camera: its component has been replaced then.
        page.get_by_text("Take single pictures").wait_for(state="detached")
        wait_until(lambda: page.locator(LIVE_COMPONENT).count() == 1)
        start_camera(page)
        for part in ("me:secret", f":{door.port}"):  # an address stays with the administrator
            assert part not in page.content()

        page.get_by_role("link", name="Video").click()
        upload(page, examples / "example_video.mp4")
        page.get_by_role("button", name="Process video").click()
        page.get_by_text("% done").wait_for()
        assert list(app.temporary.glob("mask_app_*/*/upload.mp4"))

        page.goto(f"{app.url}/live?door=1")
        page.get_by_role("textbox", name="Password").fill("open sesame")
        page.get_by_role("button", name="Sign in").click()
        page.get_by_text("A blurred picture of people without a mask is kept").wait_for()
        wait_until(lambda: list(tmp_path.glob("door/door_*.jpg")))
        page.goto(f"{app.url}/history")
        page.get_by_role("textbox", name="Password").fill("open sesame")
        page.get_by_role("button", name="Sign in").click()
        page.locator("[data-testid=stVegaLiteChart] svg").nth(1).wait_for()
        screenshot(page, "history")
        assert violations(page) == []
        page.context.close()
        wait_until(lambda: not list(app.temporary.glob("mask_app_*")))
