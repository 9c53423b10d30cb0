"""The pages without a browser: Streamlit's own AppTest, and what the administrator sets."""

from __future__ import annotations

import io
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from app_pages import photo_page
from PIL import Image
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.testing.v1 import AppTest

from mask_app.about import section
from mask_app.live.streams import why_no_camera
from mask_app.settings import Settings
from mask_detector.faces import Face


def png_chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data).to_bytes(4, "big")
    return len(data).to_bytes(4, "big") + kind + data + check


def bomb() -> bytes:
    """A PNG of a few kilobytes that says it is 12,000 x 12,000."""
    header = (12_000).to_bytes(4, "big") * 2 + bytes([1, 0, 0, 0, 0])
    rows = zlib.compress(bytes(1_501 * 1_000), 9)
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def animation() -> bytes:
    frames = [Image.fromarray(np.full((20, 20, 3), 60 * n, np.uint8)) for n in range(4)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    return buffer.getvalue()


def words(page: AppTest) -> str:
    return "\n".join(
        each.value for each in [*page.markdown, *page.error, *page.info, *page.warning]
    )


def test_an_empty_page_asks_for_photos() -> None:
    page = photo_page().run()
    assert not page.exception
    assert page.file_uploader[0].label.startswith("Drop photos")
    assert not page.error


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("bomb.png", bomb(), "too large a photo"),
        ("moving.webp", animation(), "this is an animation"),
        ("empty.jpg", b"", "the file is empty"),
        ("letter.jpg", b"Dear all", "not a photo"),
    ],
)
def test_bad_files_are_sentences(name: str, content: bytes, sentence: str) -> None:
    page = photo_page().run()
    page.file_uploader[0].set_value([(name, content, "image/png")]).run()
    assert not page.exception
    assert len(page.error) == 1
    assert sentence in page.error[0].value


def test_a_photo_without_faces_has_its_sentence() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), "white").save(buffer, "PNG")
    page = photo_page().run()
    page.file_uploader[0].set_value([("white.png", buffer.getvalue(), "image/png")]).run()
    assert not page.exception
    assert "no faces" in words(page)
    assert "No face was detected" in words(page)


def test_a_stricter_setting_leaves_faces_out(examples: Path) -> None:
    photo = (examples / "example_08.jpg").read_bytes()
    page = photo_page().run()
    page.file_uploader[0].set_value([("wall.jpg", photo, "image/jpeg")]).run()
    many = len(page.dataframe[0].value)
    page.slider[0].set_value(0.8).run()
    assert not page.exception
    assert len(page.dataframe[0].value) < many


def test_two_files_of_one_name_stay_apart(examples: Path) -> None:
    one, two = ((examples / f"example_0{n}.jpg").read_bytes() for n in (2, 3))
    page = photo_page().run()
    files = [("me.jpg", one, "image/jpeg"), ("me.jpg", two, "image/jpeg")]
    page.file_uploader[0].set_value(files).run()
    assert "**me.jpg**" in words(page)
    assert r"**me\_2.jpg**" in words(page)


def test_a_missing_model_is_a_sentence(monkeypatch: pytest.MonkeyPatch, repository: Path) -> None:
    import streamlit as st

    monkeypatch.setenv("MASK_APP_MODEL", "/nowhere/mask_detector.model")
    st.cache_resource.clear()
    try:
        page = AppTest.from_file(str(repository / "mask_app/pages.py"), default_timeout=300).run()
        page.button(key="open_photos").click().run()
    finally:
        st.cache_resource.clear()
    assert not page.exception
    assert "no such model file" in page.error[0].value


def test_nothing_heavy_is_imported_before_the_first_page(repository: Path) -> None:
    heavy = ("numpy", "cv2", "PIL", "pandas", "altair", "av", "mask_detector.detector")
    code = f"""
import sys
import streamlit as st
import app
st.set_page_config = lambda *_, **__: sys.exit()  # the first that a page does
try:
    import mask_app.pages
except SystemExit:
    print([name for name in {heavy} if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, timeout=300
    )
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize("tries", [1, 3])
def test_a_wrong_password_shows_no_page(
    monkeypatch: pytest.MonkeyPatch, repository: Path, tries: int
) -> None:
    monkeypatch.setenv("MASK_APP_PASSWORD", "open sesame")
    page = AppTest.from_file(str(repository / "mask_app/pages.py"), default_timeout=300).run()
    for _ in range(tries):
        page.text_input[0].set_value("sesame")
        page.button[0].click().run()
    assert "Wrong password" in page.error[0].value
    assert [button.label for button in page.button] == ["Sign in"]
    page.text_input[0].set_value("open sesame")
    page.button[0].click().run()
    assert "Open photos" in [button.label for button in page.button]


@pytest.mark.parametrize(
    ("address", "works"),
    [
        (None, True),
        ("http://localhost:8501/live", True),
        ("http://127.0.0.1:8501/live", True),
        ("http://[::1]:8501/live", True),
        ("https://masks.example.org/live", True),
        ("http://masks.example.org/live", False),
        ("http://192.168.1.20:8501/live", False),
    ],
)
def test_why_a_browser_gives_no_camera(address: str | None, works: bool) -> None:
    reason = why_no_camera(address)
    assert (reason is None) == works
    assert works or "HTTPS" in str(reason)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ""),
        ("# T\n\n## Use\n\nwords\n\n## Other\nmore", "words"),
        ("\n## Use\n- one\n\n![picture](a.png)\n", "- one"),
    ],
)
def test_a_section_of_the_model_card(text: str, found: str) -> None:
    assert section(text, "Use") == found


def photo_with_exif(exif: bytes, kind: str = "JPEG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), "white").save(buffer, kind, exif=exif)
    return buffer.getvalue()


def tiff_of_pages(count: int) -> bytes:
    pages = [Image.new("RGB", (64, 48), (60 * n, 0, 0)) for n in range(count)]
    buffer = io.BytesIO()
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:])
    return buffer.getvalue()


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("odd.jpg", photo_with_exif(b"Exif\0\0MM\0*\0\0\0\x08\0\x02\x01\x12\xff\xff")),
        ("odd.png", photo_with_exif(b"Exif\0\0II*\0" + b"\xff" * 40, "PNG")),
        ("odd.webp", photo_with_exif(b"Exif\0\0" + b"x" * 30, "WEBP")),
        ("a.avif", photo_with_exif(b"", "AVIF")),
    ],
)
def test_odd_metadata_does_not_matter(name: str, content: bytes) -> None:
    page = photo_page().run()
    page.file_uploader[0].set_value([(name, content, "image/png")]).run()
    assert not page.exception
    assert not page.error
    assert "no faces" in words(page)


def test_heic_photos_are_read(examples: Path) -> None:
    pillow_heif = pytest.importorskip("pillow_heif", reason="pillow-heif is not installed")
    buffer = io.BytesIO()
    with Image.open(examples / "example_02.jpg") as photo:
        pillow_heif.from_pillow(photo.convert("RGB")).save(buffer)
    page = photo_page().run()
    page.file_uploader[0].set_value([("me.HEIC", buffer.getvalue(), "image/heic")]).run()
    assert not page.error
    assert len(page.dataframe[0].value) == 1


def test_all_pages_of_a_tiff_are_shown() -> None:
    page = photo_page().run()
    page.file_uploader[0].set_value([("scan.tif", tiff_of_pages(3), "image/tiff")]).run()
    assert not page.exception
    for name in ("scan.tif", r"scan\_page\_2.tif", r"scan\_page\_3.tif"):
        assert f"**{name}**" in words(page)


def test_too_many_photos_and_too_large_ones_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASK_APP_PHOTOS", "2")
    monkeypatch.setenv("MASK_APP_PHOTO_MEGABYTES", "1")
    photo = photo_with_exif(b"")
    files = [("a_b.jpg", photo), ("[c](d).jpg", photo + bytes(2**20)), ("e.tif", tiff_of_pages(2))]
    page = photo_page().run()
    page.file_uploader[0].set_value([(*file, "image/jpeg") for file in files]).run()
    assert page.error[0].value.split("  \n") == [
        r"**\[c\]\(d\).jpg**: the file has 1.0 MB, at most 1 are accepted.",
        r"**e.tif**: at most 2 photos or pages can be shown at once; remove some first.",
    ]
    assert r"**a\_b.jpg**" in words(page)


@pytest.mark.parametrize("page", ["photos", "video"])
def test_no_upload_stays_in_memory(monkeypatch: pytest.MonkeyPatch, page: str) -> None:
    """Streamlit would keep it until the session ends."""
    uploaded: list[MemoryUploadedFileManager] = []
    add = MemoryUploadedFileManager.add_file

    def watch(manager: MemoryUploadedFileManager, *arguments: Any, **named: Any) -> None:
        uploaded.append(manager)
        add(manager, *arguments, **named)

    monkeypatch.setattr(MemoryUploadedFileManager, "add_file", watch)
    app = AppTest.from_string(
        f"from mask_app.{page} import page\n"
        "from mask_app.settings import Settings\n"
        'page.page(Settings("yunet", 0.5, 0.1, "none"))\n',
        default_timeout=300,
    ).run()
    app.file_uploader[0].set_value([("film.mp4", b"no film", "video/mp4")]).run()
    assert not app.exception
    assert len(app.error) == 1  # it has been looked at
    (manager,) = uploaded
    assert not any(manager.file_storage.values())


def test_a_video_is_sent_to_its_page(examples: Path) -> None:
    page = photo_page().run()
    video = (examples / "example_video.mp4").read_bytes()
    page.file_uploader[0].set_value([("film.mp4", video, "video/mp4")]).run()
    assert page.error[0].value == "**film.mp4**: this is a video\\: the page Video reads it."


def test_a_chosen_row_marks_its_face(examples: Path) -> None:
    from mask_app.photos.results import process

    settings = Settings("yunet", 0.5, 0.1, "none")
    photo = (examples / "example_02.jpg").read_bytes()
    detected = [Face((20, 30, 60, 80), 0.9, {"with_mask": 0.9, "without_mask": 0.1})]
    result = process("a.jpg", photo, lambda image: detected, 60)
    assert result.drawn_small(settings, 0) != result.drawn_small(settings)
    assert result.drawn_small(settings, 5) == result.drawn_small(settings)
