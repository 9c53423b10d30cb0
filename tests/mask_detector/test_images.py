"""Photos as phones, scanners and messengers write them, and damaged ones."""

from __future__ import annotations

import io
import random
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, ImageFile, ImageOps, PngImagePlugin, TiffImagePlugin

from mask_detector.errors import FileError, PhotoError
from mask_detector.images import (
    PHOTO_SUFFIXES,
    PICTURE_SUFFIXES,
    decode_photo,
    displayed_size,
    is_photo,
    photo_pages,
    photo_pixels,
    read_photo,
    write_photo,
)

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # of damaged metadata

ORIENTATION = 0x0112


@pytest.fixture(scope="module")
def photo(examples) -> Image.Image:
    """A photo of 96 x 64 pixels."""
    with Image.open(examples / "example_02.jpg") as photo:
        return photo.convert("RGB").resize((96, 64))


def saved(photo: Image.Image, kind: str, **options: Any) -> bytes:
    if kind == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    stream = io.BytesIO()
    photo.save(stream, kind, **options)
    return stream.getvalue()


def likeness(data: bytes, photo: Image.Image) -> float:
    """Mean difference of grey values from the photo, which has 256."""
    grey = cv2.cvtColor(decode_photo(data), cv2.COLOR_BGR2GRAY).astype(float)
    return float(np.abs(grey - np.asarray(photo.convert("L"))).mean())


MODES = {
    "JPEG": "RGB L 1 CMYK",
    "PNG": "RGB L 1 P RGBA LA",
    "WEBP": "RGB L RGBA LA",
    "BMP": "RGB L 1 P RGBA",
    "DIB": "RGB",
    "TIFF": "RGB L 1 CMYK P RGBA LA PA",
    "PPM": "RGB L 1 RGBA",
    "GIF": "RGB L P LA",
}


@pytest.mark.parametrize(
    ("kind", "mode"), [(kind, mode) for kind, modes in MODES.items() for mode in modes.split()]
)
def test_formats_and_modes(photo, kind, mode) -> None:
    image = photo.convert("P").convert("PA") if mode == "PA" else photo.convert(mode)
    data = saved(image, kind)
    assert likeness(data, photo) < (120 if mode == "1" else 30)
    assert photo_pixels(data) == 96 * 64


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_photos_of_phones(photo, kind, orientation) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    image = photo.rotate(90, expand=True) if orientation == 6 else photo
    assert likeness(saved(image, kind, exif=exif.tobytes()), photo) < 10


def test_heic_without_its_library(photo, monkeypatch) -> None:
    data = saved(photo, "HEIF")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(PhotoError, match="HEIC photo: to read it, run pip install pillow-heif"):
        decode_photo(data)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("orientation", range(10))
def test_every_orientation_is_turned_upright(photo, kind, orientation) -> None:
    turned = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    image = photo.transpose(turned[orientation]) if orientation in turned else photo
    data = saved(image, kind, exif=exif)
    assert likeness(data, photo) < 1
    assert displayed_size(data) == photo.size


def damaged_exif() -> list[bytes]:
    exif = Image.Exif()
    exif[ORIENTATION], exif[0x010F] = 6, "a camera"
    whole = exif.tobytes().removeprefix(b"Exif\0\0")
    return [
        b"XX" + whole[2:],
        whole[:4] + b"\xff\xff\xff\x7f" + whole[8:],
        whole[:8] + b"\xff\xff" + whole[10:],
        whole[:12] + b"\xff\xff" + whole[14:],
        whole[:9],
        b"",
    ]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF"])
@pytest.mark.parametrize("exif", damaged_exif())
def test_damaged_exif_does_not_matter(photo, kind, exif) -> None:
    clean = Image.Exif()
    clean[0x010F] = "a camera with a long name" * 4
    whole = clean.tobytes().removeprefix(b"Exif\0\0")
    data = saved(photo, kind, exif=clean.tobytes())
    assert whole in data
    data = data.replace(whole, exif.ljust(len(whole), b"\0")[: len(whole)])
    assert decode_photo(data).size == photo.width * photo.height * 3


def test_exif_that_cannot_be_written_back(photo) -> None:
    """A resolution of -1/0: reading the orientation is enough."""
    entries = struct.pack("<HHHIHH", 2, ORIENTATION, 3, 1, 6, 0)
    entries += struct.pack("<HHIIIii", 0x011A, 10, 1, 38, 0, -1, 0)
    data = saved(photo, "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0" + entries)
    with Image.open(io.BytesIO(data)) as opened, pytest.raises(struct.error):
        ImageOps.exif_transpose(opened)
    assert decode_photo(data).shape == (96, 64, 3)


@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_tiff_with_damaged_exif(photo, compression, orientation) -> None:
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info[ORIENTATION] = orientation
    info.tagtype[0x8769], info[0x8769] = 4, 1_000_000  # EXIF beyond the file's end
    image = photo.rotate(90, expand=True) if orientation == 6 else photo
    data = saved(image, "TIFF", tiffinfo=info, compression=compression)
    assert struct.pack("<HHII", 0x8769, 4, 1, 1_000_000) in data
    assert likeness(data, photo) < 1


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("missing", [1, 2])
def test_a_jpeg_without_its_end(examples, progressive, missing) -> None:
    with Image.open(examples / "example_02.jpg") as photo:
        data = saved(photo, "JPEG", progressive=progressive, quality=80)
    np.testing.assert_array_equal(decode_photo(data[:-missing]), decode_photo(data))


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9, 0.99])
def test_a_jpeg_with_pixels_missing_is_damaged(examples, progressive, kept) -> None:
    with Image.open(examples / "example_02.jpg") as photo:
        data = saved(photo, "JPEG", progressive=progressive, quality=80)
    with pytest.raises(PhotoError, match="damaged"):
        decode_photo(data[: int(len(data) * kept)])


@pytest.mark.parametrize("compressed", [False, True])
def test_a_png_with_a_novel_in_it(photo, compressed) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("prompt", "a portrait, " * 400_000, zip=compressed)
    info.add_text("note", "x")
    data = saved(photo, "PNG", pnginfo=info, exif=b"Exif\0\0MM\0*")
    assert likeness(data, photo) < 1
    at = data.index(b"tEXt")
    broken = data[:at] + b"tEXt?" + data[at + 5 :]  # its checksum is wrong now
    assert likeness(broken, photo) < 1


def grey_tiff(values: np.ndarray) -> bytes:
    return saved(Image.fromarray(values), "TIFF")


@pytest.mark.parametrize(
    ("kind", "scale"),
    [
        (np.float32, 1 / 255),
        (np.float32, 1.1 / 255),
        (np.float32, 1),
        (np.float32, 257),
        (np.float32, 10 / 255),
        (np.float32, 1e30),
        (np.int32, 1),
        (np.int32, 257),
        (np.int32, 8_000_000),
        (np.uint16, 257),
        (np.uint16, 64),
        (np.uint16, 16),
        (np.uint16, 4),
        (np.uint16, 1),
    ],
)
def test_values_of_floats_and_of_many_bits(photo, kind, scale) -> None:
    values = (np.asarray(photo.convert("L")).astype(np.float64) * scale).astype(kind)
    assert likeness(grey_tiff(values), photo) < 25
    reach = np.ptp(decode_photo(grey_tiff(values)))
    assert reach > 150


@pytest.mark.parametrize("highest", [1.0, 255.0])
def test_a_picture_of_floats_without_tiff(photo, highest) -> None:
    values = np.asarray(photo.convert("L")).astype("<f4") * (highest / 255)
    data = b"Pf\n96 64\n-1.0\n" + values[::-1].tobytes()  # from bottom to top
    assert likeness(data, photo) < 5


@pytest.mark.parametrize("odd", [[np.nan], [np.inf, -np.inf], [np.nan, -3e38, 3e38], [0.0]])
def test_floats_that_are_no_numbers(odd) -> None:
    values = np.resize(np.array(odd, np.float32), (20, 30))
    assert decode_photo(grey_tiff(values)).shape == (20, 30, 3)
    assert decode_photo(grey_tiff(np.full((2, 2), np.nan, np.float32))).max() == 0


def test_unsigned_32_bits(photo) -> None:
    values = np.asarray(photo.convert("L")).astype(np.uint32) * (2**24)
    signed, unsigned = (struct.pack("<HHIHH", 339, 3, 1, kind, 0) for kind in (2, 1))
    data = grey_tiff(values.view(np.int32))
    assert signed in data
    data = data.replace(signed, unsigned)
    assert likeness(data, photo) < 5


def test_pages_of_a_tiff(photo, tmp_path) -> None:
    thumbnail = photo.resize((12, 8))
    thumbnail.encoderinfo = {"tiffinfo": {254: 1}}  # a smaller copy of another page
    path = tmp_path / "scan.tif"
    second = photo.rotate(180)
    photo.save(path, save_all=True, append_images=[thumbnail, second])
    assert photo_pages(path) == [0, 2]
    np.testing.assert_array_equal(
        decode_photo(path.read_bytes(), frame=2)[..., ::-1], np.asarray(second)
    )
    assert photo_pages(tmp_path / "none.tif") == [0]
    path.write_bytes(b"II*\0")
    assert photo_pages(path) == [0]


def test_a_thumbnail_may_come_before_the_page(photo, tmp_path) -> None:
    thumbnail, path = photo.resize((12, 8)), tmp_path / "scan.tif"
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info[254] = 1
    page = photo.copy()
    page.encoderinfo = {"tiffinfo": TiffImagePlugin.ImageFileDirectory_v2()}
    thumbnail.save(path, save_all=True, append_images=[page], tiffinfo=info)
    assert photo_pages(path) == [1]
    for frame in (0, 1):
        assert decode_photo(path.read_bytes(), frame=frame).shape == (64, 96, 3)


def test_pages_have_an_end(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("mask_detector.images._MOST_PAGES", 3)
    pages = [Image.new("L", (2, 2))] * 3
    Image.new("L", (2, 2)).save(tmp_path / "many.tif", save_all=True, append_images=pages)
    with pytest.raises(PhotoError, match="more than 3 pages"):
        photo_pages(tmp_path / "many.tif")


def animation(photo: Image.Image, kind: str) -> bytes:
    return saved(photo, kind, save_all=True, append_images=[photo.rotate(180)])


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_animations_go_to_the_video_script(photo, kind) -> None:
    with pytest.raises(PhotoError, match=r"an animation: detect_mask_video.py --source reads it"):
        decode_photo(animation(photo, kind))


def test_the_first_of_a_stereo_photo(photo) -> None:
    assert likeness(animation(photo, "MPO"), photo) < 10


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "the file is empty"),
        (b"Dear Sir or Madam,", "not a photo"),
        (b"\n<!DOCTYPE html><html>", "a web page, not a photo"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"PK\x03\x04" + bytes(40), "an archive"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"\0\0\0\x18ftypmp42" + bytes(40), "a video: detect_mask_video.py --source"),
        (b"\0\0\0\x08wide\0\0\0\0mdat" + bytes(40), "a video"),
        (b"RIFF\0\0\0\0AVI LIST", "a video"),
        (b"\x1aE\xdf\xa3" + bytes(40), "a video"),
        ((b"G" + bytes(187)) * 3, "a video"),
        (b"\0\0\0\x18ftypcrx " + bytes(40), "a camera's raw file"),
        (b"II*\0\x10\0\0\0CR\x02\0" + bytes(40), "a camera's raw file"),
        (b"FUJIFILMCCD-RAW 0201", "a camera's raw file"),
        (b"\0\0\0\x18ftypheic" + bytes(40), "damaged"),
        (b"\0\0\0\x18ftypavif" + bytes(40), "damaged"),
    ],
)
def test_what_is_no_photo(data, sentence) -> None:
    with pytest.raises(PhotoError, match=sentence):
        decode_photo(data)
    assert photo_pixels(data) == 0


@pytest.mark.parametrize("tags", [{50706: b"\x01\x04\0\0"}, {254: 1}])
def test_a_raw_file_s_preview_is_not_the_photo(photo, tags) -> None:
    info = TiffImagePlugin.ImageFileDirectory_v2()
    for number, value in tags.items():
        info[number] = value
    with pytest.raises(PhotoError, match="raw file"):
        decode_photo(saved(photo, "TIFF", tiffinfo=info))


def test_too_large_a_photo_is_refused_before_it_is_decoded(photo, monkeypatch) -> None:
    monkeypatch.setattr(ImageFile.ImageFile, "load", None)
    with pytest.raises(PhotoError, match=r"96 x 64 is too large .* at most 0.005 megapixels"):
        decode_photo(saved(photo, "JPEG"), max_pixels=5000)


def bomb(side: int) -> bytes:
    """A PNG of ``side`` x ``side`` pixels in a few bytes."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


def test_a_decompression_bomb() -> None:
    with pytest.raises(PhotoError, match="more than 179 megapixels"):
        decode_photo(bomb(20_000))


def test_whatever_a_decoder_raises_is_a_photo_error(photo, monkeypatch) -> None:
    for error in (KeyError("x"), struct.error("bad\nbytes"), RecursionError(), AssertionError()):

        def fail(*_: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
        with pytest.raises(PhotoError, match=r"^the photo is damaged \(.+\)$"):
            decode_photo(saved(photo, "JPEG"))
        monkeypatch.undo()


def cut(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(len(data)) :]


def change(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.randrange(1, 12)):
        data[chance.randrange(len(data))] = chance.choice((0, 127, 128, 255, chance.randrange(256)))


def change_the_start(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.randrange(1, 6)):
        data[chance.randrange(min(300, len(data)))] = chance.randrange(256)


def insert(data: bytearray, chance: random.Random) -> None:
    place = chance.randrange(len(data))
    data[place:place] = chance.randbytes(chance.randrange(1, 40))


MUTATIONS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    cut,
    change,
    change_the_start,
    insert,
)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF", "HEIF", "GIF", "BMP"])
def test_mutants_raise_photo_errors_only(photo, kind) -> None:
    exif = Image.Exif()
    exif[ORIENTATION], exif[0x010F] = 6, "a camera"
    options = {} if kind in ("GIF", "BMP") else {"exif": exif.tobytes()}
    options |= {"compression": "tiff_lzw"} if kind == "TIFF" else {}
    data, chance = saved(photo, kind, **options), random.Random(kind)
    assert decode_photo(data).size == 96 * 64 * 3
    refused = 0
    for number in range(120):
        mutant = bytearray(data)
        MUTATIONS[number % len(MUTATIONS)](mutant, chance)
        try:
            image = decode_photo(bytes(mutant), max_pixels=1_000_000)
            assert image.dtype == np.uint8 and image.ndim == 3
        except PhotoError as error:
            refused += 1
            assert str(error).isprintable()
        photo_pixels(bytes(mutant))
    assert 10 < refused <= 120


def test_reading_a_file(photo, tmp_path) -> None:
    photo.save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_photo(tmp_path / "a.png")[..., ::-1], np.asarray(photo))
    (tmp_path / "empty.jpg").touch()
    for name, sentence in (
        ("none.jpg", "there is no such file"),
        ("", "a folder, not a photo"),
        ("empty.jpg", "the file is empty"),
    ):
        with pytest.raises(PhotoError, match=f"^{tmp_path / name}: .*{sentence}"):
            read_photo(tmp_path / name)


def test_what_is_no_file_of_a_photo(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("mask_detector.images.MOST_BYTES", 1e9)
    with (tmp_path / "sparse.jpg").open("wb") as file:
        file.truncate(2_000_000_000)
    with pytest.raises(PhotoError, match=r"2.0 GB are too many for a photo"):
        read_photo(tmp_path / "sparse.jpg")
    if Path("/dev/zero").exists():
        with pytest.raises(PhotoError, match="a device"):
            read_photo("/dev/zero")


def test_endings() -> None:
    assert is_photo(Path("a.JFIF")) and is_photo(Path("a.heic")) and not is_photo(Path("a.txt"))
    assert not is_photo(Path(".a.jpg"))
    assert set(PICTURE_SUFFIXES) < set(PHOTO_SUFFIXES)


@pytest.mark.parametrize("suffix", [*PICTURE_SUFFIXES, ".JPG"])
def test_pictures_are_written_as_their_ending_says(photo, tmp_path, suffix) -> None:
    path = tmp_path / f"a{suffix}"
    write_photo(path, np.asarray(photo)[..., ::-1])
    assert likeness(path.read_bytes(), photo) < 10
    kinds = {".png": "PNG", ".webp": "WEBP", ".bmp": "BMP", ".dib": "BMP", ".tif": "TIFF"}
    kinds |= {".tiff": "TIFF", ".ppm": "PPM", ".pgm": "PPM", ".pnm": "PPM"}
    with Image.open(path) as written:
        assert written.format == kinds.get(suffix, "JPEG")


def test_pictures_that_cannot_be_written(photo, tmp_path) -> None:
    with pytest.raises(PhotoError, match=r"a.heic: pictures have one of these endings: .jpg"):
        write_photo(tmp_path / "a.heic", np.asarray(photo))
    with pytest.raises(PhotoError, match=r"70000 x 1 is too large for this format, use .png"):
        write_photo(tmp_path / "a.jpg", np.zeros((1, 70_000, 3), np.uint8))
    with pytest.raises(FileError, match="No such file"):
        write_photo(tmp_path / "none" / "a.jpg", np.asarray(photo))
