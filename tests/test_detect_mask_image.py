"""detect_mask_image.py on real photos and on bad ones."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image
from waiting import PATIENCE_S

SCRIPT = "detect_mask_image.py"
ONE_PASS = ("--detector-size", 300)  # quick, and enough for faces as large as these

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def detect(run, tmp_path_factory) -> Run:
    """Run the script, in an empty folder unless another is given."""

    def detect(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
        options.setdefault("cwd", tmp_path_factory.mktemp("here"))
        return run(SCRIPT, *ONE_PASS, *arguments, **options)

    return detect


@pytest.fixture(scope="module")
def astronaut(examples) -> Path:
    """A photo of 512 x 512 pixels with one face."""
    return examples / "example_02.jpg"


@pytest.fixture(scope="session")
def hopper(examples) -> Path:
    """A photo of one face without a mask."""
    return examples / "example_03.jpg"


def records(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def is_one_sentence(result: subprocess.CompletedProcess[str]) -> bool:
    return "Traceback" not in result.stderr and len(result.stderr.strip().splitlines()) == 1


# ---------------------------------------------------------------------------- what it says


def test_without_a_display_it_writes_beside_and_says_so(detect, examples, tmp_path) -> None:
    result = detect("--image", examples / "example_01.png", cwd=tmp_path)

    assert (result.returncode, result.stderr) == (0, "")
    line = r".*example_01\.png: 4 faces: (\d [\w ]+, )*\d [\w ]+ -> example_01_mask\.png\n"
    assert re.fullmatch(line, result.stdout)
    original, drawn = (
        cv2.imread(str(p)) for p in (examples / "example_01.png", *tmp_path.glob("*"))
    )
    assert drawn.shape == original.shape
    assert (drawn != original).any()


def test_no_faces_is_said_in_words(detect, tmp_path) -> None:
    cv2.imwrite(str(tmp_path / "wall.png"), np.full((300, 400, 3), 200, np.uint8))
    result = detect("--image", "wall.png", "--output", "found.png", cwd=tmp_path)
    advice = "--detector yunet finds more faces and is quicker"
    words = f"wall.png: no faces found ({advice}) -> found.png\n"
    assert (result.returncode, result.stdout) == (0, words)


def test_json_lines_keep_the_contract(detect, examples, tmp_path) -> None:
    image = examples / "example_04.jpg"
    result = detect("--image", image, "--json", "-", "--no-display", cwd=tmp_path)

    assert (result.returncode, result.stderr) == (0, "")
    (record,) = records(result.stdout)
    assert list(record) == ["image", "width", "height", "faces", "counts"]
    assert record["image"] == str(image)
    assert (record["height"], record["width"]) == cv2.imread(str(image)).shape[:2]
    assert len(record["faces"]) == sum(record["counts"].values()) > 1
    for face in record["faces"]:
        x1, y1, x2, y2 = face["box"]
        assert 0 <= x1 < x2 <= record["width"] and 0 <= y1 < y2 <= record["height"]
        assert 0.5 <= face["score"] <= 1
        assert face["label"] == max(face["probabilities"], key=face["probabilities"].get)
        assert sum(face["probabilities"].values()) == pytest.approx(1, abs=0.001)
    assert not list(tmp_path.iterdir()), "no pictures were asked for"


def test_confidence_leaves_out_doubtful_faces(detect, examples) -> None:
    (every,) = records(detect("-i", examples / "example_08.jpg", "--json", "-").stdout)
    (sure,) = records(
        detect("-i", examples / "example_08.jpg", "--json", "-", "--confidence", 0.95).stdout
    )
    assert sure["faces"] == [face for face in every["faces"] if face["score"] >= 0.95]
    assert 0 < len(sure["faces"]) < len(every["faces"])


def test_unsure_faces_are_counted_apart(detect, examples) -> None:
    arguments = ("-i", examples / "example_04.jpg", "--json", "-", "--unsure")
    (never,) = records(detect(*arguments, 0).stdout)
    assert "unsure" not in never["counts"]
    (always,) = records(detect(*arguments, 0.5).stdout)
    assert sum(always["counts"].values()) == len(always["faces"]) == len(never["faces"])
    sure = [face for face in always["faces"] if not face.get("unsure")]
    assert always["counts"]["unsure"] == len(always["faces"]) - len(sure) > 0
    # At 0.5 nothing else is sure than what the network has no doubt about at all.
    assert all(max(face["probabilities"].values()) == 1 for face in sure)


# ---------------------------------------------------------------------------- photos of all kinds


def save_exif_rotated(photo: Image.Image, path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turn by 90 degrees clockwise to see it upright
    photo.rotate(90, expand=True).save(path, exif=exif, quality=95)


def save_16_bit_grey(photo: Image.Image, path: Path) -> None:
    cv2.imwrite(str(path), np.asarray(photo.convert("L")).astype(np.uint16) * 257)


def save_panorama(photo: Image.Image, path: Path) -> None:
    panorama = Image.new("RGB", (20_000, photo.height))
    panorama.paste(photo)
    panorama.save(path)


def save_transparent(photo: Image.Image, path: Path) -> None:
    photo.putalpha(Image.linear_gradient("L").resize(photo.size).point(lambda a: max(a, 200)))
    photo.save(path)


@pytest.fixture(scope="module")
def all_kinds(detect, astronaut, tmp_path_factory) -> dict[str, dict[str, Any]]:
    """What the script finds in the same photo stored in many ways, by file name."""
    folder = tmp_path_factory.mktemp("kinds")
    savers: dict[str, Callable[[Image.Image, Path], object]] = {
        "as_is.png": lambda photo, path: photo.save(path),
        "exif.jpg": save_exif_rotated,
        "grey.png": lambda photo, path: photo.convert("L").save(path),
        "sixteen_bit.png": save_16_bit_grey,
        "transparent.png": save_transparent,
        "palette.png": lambda photo, path: photo.quantize(64).save(path),
        "cmyk.jpg": lambda photo, path: photo.convert("CMYK").save(path),
        "modern.webp": lambda photo, path: photo.save(path, quality=95),
        "plain.bmp": lambda photo, path: photo.save(path),
        "scan.TIFF": lambda photo, path: photo.save(path),
    }
    for name, save in savers.items():
        with Image.open(astronaut) as photo:
            save(photo.copy(), folder / name)
    result = detect("--image", folder, "--output", "out", "--json", "-", cwd=folder)
    assert (result.returncode, result.stderr) == (0, "")
    assert sorted(p.name for p in (folder / "out").iterdir()) == sorted(savers)
    return {Path(record["image"]).name: record for record in records(result.stdout)}


@pytest.mark.parametrize(
    "name",
    [
        "exif.jpg",
        "grey.png",
        "sixteen_bit.png",
        "transparent.png",
        "palette.png",
        "cmyk.jpg",
        "modern.webp",
        "plain.bmp",
        "scan.TIFF",
    ],
)
def test_a_photo_of_any_kind_is_seen_upright(all_kinds, name) -> None:
    as_is, other = all_kinds["as_is.png"], all_kinds[name]
    assert (other["width"], other["height"]) == (as_is["width"], as_is["height"])
    (expected,), (face,) = as_is["faces"], other["faces"]
    assert face["box"] == pytest.approx(expected["box"], abs=8)


def test_a_panorama_and_a_single_pixel(run, astronaut, tmp_path) -> None:
    with Image.open(astronaut) as photo:
        save_panorama(photo, tmp_path / "panorama.jpg")
        photo.resize((1, 1)).save(tmp_path / "pixel.png")
    # YuNet takes a second for all the panorama's tiles, SSD five.
    arguments = ("--detector", "yunet", "-i", tmp_path, "-o", "out", "--json", "-")
    result = run(SCRIPT, *arguments, cwd=tmp_path)

    assert (result.returncode, result.stderr) == (0, "")
    panorama, pixel = records(result.stdout)
    assert (panorama["width"], pixel["width"], pixel["faces"]) == (20_000, 1, [])
    boxes = [face["box"] for face in panorama["faces"]]
    assert any(box == pytest.approx([182, 72, 270, 175], abs=25) for box in boxes)
    assert cv2.imread(str(tmp_path / "out" / "panorama.jpg")).shape == (512, 20_000, 3)
    assert cv2.imread(str(tmp_path / "out" / "pixel.png")).shape == (1, 1, 3)


# ---------------------------------------------------------------------------- what goes wrong


def animated(format_name: str) -> bytes:
    first, second = Image.new("RGB", (40, 40), "red"), Image.new("RGB", (40, 40), "blue")
    stream = io.BytesIO()
    first.save(stream, format_name, save_all=True, append_images=[second])
    return stream.getvalue()


@pytest.fixture
def bad_photos(astronaut, tmp_path) -> dict[str, str]:
    """Files that are no photos, and a part of the sentence about each."""
    contents = {
        "empty.jpg": (b"", "the file is empty"),
        "truncated.jpg": (astronaut.read_bytes()[:9000], "damaged"),
        "letter.jpg": (b"Dear Sir or Madam,\n" * 100, "not a photo"),
        "header.png": (b"\x89PNG\r\n\x1a\n", "damaged|not a photo"),
        "phone.heic": (b"\0\0\0\x18ftypheic" + bytes(40), "damaged"),
        "clip.gif": (animated("GIF"), "an animation: detect_mask_video.py --source reads it"),
        "film.mp4": (b"\0\0\0\x18ftypmp42" + bytes(40), "a video: detect_mask_video.py --source"),
    }
    for name, (content, _) in contents.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "dangling.jpg").symlink_to("nowhere.jpg")
    sentences = {name: sentence for name, (_, sentence) in contents.items()}
    return sentences | {
        "folder.jpg": "no photos in this folder",
        "dangling.jpg": "no such file",
        "missing.jpg": "no such file",
        f"{'long' * 100}.jpg": "cannot be read",
        f"{'long' * 100}.tif": "cannot be read",
        "no_match_*.jpg": "no such file",
        "https://me:***@host/a.jpg": "this is an address: download the photo",
    }


def test_bad_photos_are_told_and_the_rest_goes_on(detect, astronaut, bad_photos, tmp_path) -> None:
    result = detect("-i", *bad_photos, astronaut, "--json", "found.jsonl", cwd=tmp_path)

    assert result.returncode == 1
    *failed, fine = records((tmp_path / "found.jsonl").read_text())
    assert [record["image"] for record in failed] == list(bad_photos)
    for record in failed:
        assert list(record) == ["image", "error"]
        assert re.search(bad_photos[record["image"]], record["error"])
        assert "\n" not in record["error"]
    assert len(fine["faces"]) == 1
    # Each is one line on standard error as well.
    assert [line.split(": ")[0] for line in result.stderr.splitlines()] == list(bad_photos)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs Unix permissions")
def test_a_photo_that_may_not_be_read(detect, astronaut, tmp_path) -> None:
    if os.geteuid() == 0:
        pytest.skip("nothing is forbidden to root")
    shutil.copy(astronaut, tmp_path / "secret.jpg")
    (tmp_path / "secret.jpg").chmod(0)
    result = detect("-i", "secret.jpg", "--json", "-", cwd=tmp_path)
    assert result.returncode == 1
    assert "Permission denied" in records(result.stdout)[0]["error"]


def test_a_folder_without_photos(detect, tmp_path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    result = detect("-i", tmp_path, "--no-display")
    assert result.returncode == 1
    assert is_one_sentence(result)
    assert "no photos in this folder" in result.stderr and "--recursive" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--image",),
        ("--image", "a.jpg", "--detector", "psychic"),
        ("--image", "a.jpg", "--confidence", "2"),
        ("--image", "a.jpg", "--detector-size", "tiny"),
        ("--image", "a.jpg", "--blur", "some"),
        ("--image", "a.jpg", "--max-megapixels", "179"),
        ("--image", "a.jpg", "--skip-done"),
        ("--image", "a.jpg", "--skip-done", "--json", "-"),
        ("--image", "a.jpg", "--json", "-", "--csv", "-"),
    ],
)
def test_wrong_usage(run, arguments) -> None:
    result = run(SCRIPT, *arguments)
    assert result.returncode == 2
    assert result.stderr.startswith("usage: ")
    assert "Traceback" not in result.stderr


def test_pages_limits_and_metadata(detect, astronaut, tmp_path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    with Image.open(astronaut) as photo:
        blank = Image.new("RGB", (400, 300), "white")
        blank.save(tmp_path / "scan.tif", save_all=True, append_images=[photo])
        photo.save(tmp_path / "phone.jpg", exif=exif)
    arguments = ("-i", "scan.tif", "phone.jpg", "--json", "-", "-o", "out", "--keep-metadata")
    result = detect(*arguments, "--max-megapixels", 0.25, cwd=tmp_path)
    first, second, third = records(result.stdout)
    assert (first["image"], first["faces"]) == ("scan.tif", [])
    assert second["image"] == "scan.tif#2" and third["image"] == "phone.jpg"
    assert "512 x 512 is too large a photo, at most 0.25 megapixels" in second["error"]
    result = detect(*arguments, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert [len(record["faces"]) for record in records(result.stdout)] == [0, 1, 1]
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["phone.jpg", "scan.tif", "scan_2.tif"]
    with Image.open(tmp_path / "out" / "phone.jpg") as picture:
        assert picture.getexif()[0x010F] == "a camera"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--output", "letter.txt/out"], "letter.txt/out: cannot write there"),
        (["--json", "letter.txt/found.jsonl"], "letter.txt: cannot write there"),
        (["--crops", "letter.txt"], "cannot write there"),
        (["--output", "found.docx"], "pictures have one of these endings"),
        (["--contact-sheet", "found.pdf"], "pictures have one of these endings"),
        (["--output", "photo.jpg"], "would replace"),
        (["--json", "photo.jpg"], "would replace"),
        (["--csv", "./here/../photo.jpg"], "would replace"),
        (["--json", "a", "--csv", "a"], "would replace"),
        (["--model", "letter.txt", "--json", "letter.txt"], "would replace"),
        (["--detector-weights", "letter.txt", "--csv", "letter.txt"], "would replace"),
        (["--fail-on", "beard"], "the model knows with_mask, without_mask, unsure"),
        (["--model", "missing.model"], "missing.model: there is no such model file"),
        (["--model", "letter.txt"], "not a mask_detector.model, or damaged"),
        (["--model", "here"], "here: this is a folder"),
    ],
)
def test_what_cannot_be_is_one_sentence(detect, astronaut, tmp_path, arguments, sentence) -> None:
    photo = shutil.copy(astronaut, tmp_path / "photo.jpg")
    (tmp_path / "letter.txt").write_text("Dear Sir or Madam,")
    (tmp_path / "here").mkdir()
    result = detect("-i", "photo.jpg", *arguments, cwd=tmp_path)

    assert (result.returncode, result.stdout) == (2, "")
    assert is_one_sentence(result)
    assert sentence in result.stderr
    assert photo.read_bytes() == astronaut.read_bytes()


def test_one_picture_for_several_photos(detect, astronaut, examples) -> None:
    result = detect("-i", astronaut, examples / "example_03.jpg", "-o", "found.jpg")
    assert result.returncode == 2
    assert is_one_sentence(result)
    assert "name a folder" in result.stderr


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs Unix permissions")
@pytest.mark.parametrize("option", ["--output", "--crops"])
def test_a_read_only_folder(detect, astronaut, tmp_path, option) -> None:
    if os.geteuid() == 0:
        pytest.skip("nothing is read-only for root")
    tmp_path.chmod(0o555)
    result = detect("-i", astronaut, option, tmp_path)
    assert result.returncode == 2
    assert is_one_sentence(result)
    assert "read-only" in result.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full disk: /dev/full")
@pytest.mark.parametrize("option", ["--json", "--csv"])
def test_a_full_disk(detect, astronaut, option) -> None:
    result = detect("-i", astronaut, option, "/dev/full")
    assert result.returncode == 2
    assert is_one_sentence(result)
    assert "No space left on device" in result.stderr


def damaged(model: Path, target: Path, how: str) -> Path:
    if how == "cut":
        target.write_bytes(model.read_bytes()[:100_000])
        return target
    with zipfile.ZipFile(model) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "model_card.json":
                card = json.loads(content)
                if how == "swapped":
                    card["classes"].reverse()
                elif how == "three classes":
                    card["classes"].append("incorrect_mask")
                content = b"{" if how == "card" else json.dumps(card).encode()
            if name == "compiled.tflite" and how == "network":
                content = content[:5000]
            new.writestr(name, content)
    return target


@pytest.mark.parametrize("how", ["cut", "card", "network", "three classes"])
def test_a_damaged_model_is_one_sentence(detect, astronaut, model, tmp_path, how) -> None:
    broken = damaged(model, tmp_path / "broken.model", how)
    result = detect("-i", astronaut, "--model", broken, "--json", "-")
    assert (result.returncode, result.stdout) == (2, "")
    assert "Traceback" not in result.stderr
    assert result.stderr.splitlines()[-1].startswith(f"{SCRIPT}: {broken}: ")


def test_labels_follow_the_model_card(detect, examples, model, tmp_path) -> None:
    image = examples / "example_04.jpg"
    swapped = damaged(model, tmp_path / "swapped.model", "swapped")
    (usual,) = records(detect("-i", image, "--json", "-").stdout)
    (turned,) = records(detect("-i", image, "--json", "-", "--model", swapped).stdout)

    other = {"with_mask": "without_mask", "without_mask": "with_mask"}
    assert len(usual["faces"]) == len(turned["faces"]) > 1
    for before, after in zip(usual["faces"], turned["faces"], strict=True):
        assert after["label"] == other[before["label"]]
        assert after["probabilities"] == {other[k]: p for k, p in before["probabilities"].items()}


# ---------------------------------------------------------------------------- which photos, names


@pytest.fixture
def album(astronaut, examples, tmp_path) -> Path:
    """A folder of photos with sub-folders, names that collide and things that are no photos."""
    folder = tmp_path / "album"
    for place in ("a.jpg", "A.JPG", "door/a.jpg", "door/inner/b.jpg", ".thumbs/a.jpg"):
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(astronaut, folder / place)
    shutil.copy(examples / "example_03.jpg", folder / "door" / "hopper.jpg")
    (folder / "readme.txt").write_text("no photo")
    (folder / ".hidden.jpg").write_text("no photo")
    return folder


def looked_at(result: subprocess.CompletedProcess[str]) -> list[str]:
    return [record["image"] for record in records(result.stdout)]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (["album"], ["album/A.JPG", "album/a.jpg"]),
        (
            ["album", "--recursive"],
            ["A.JPG", "a.jpg", "door/a.jpg", "door/hopper.jpg", "door/inner/b.jpg"],
        ),
        (["album/door/*.jpg"], ["album/door/a.jpg", "album/door/hopper.jpg"]),
        (["album/**/b.jpg", "album/door/inner"], ["album/door/inner/b.jpg"]),
        (["album/door/hopper.jpg", "album/door"], ["album/door/hopper.jpg", "album/door/a.jpg"]),
    ],
)
def test_files_folders_and_patterns(detect, album, wanted, found) -> None:
    result = detect("-i", *wanted, "--json", "-", cwd=album.parent)
    assert result.returncode == 0
    assert looked_at(result) == [p if p.startswith("album") else f"album/{p}" for p in found]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\0"])
def test_paths_from_standard_input(detect, album, end) -> None:
    names = [b"album/a.jpg", b"album/door"]
    stdin = io.BytesIO(end.join(names) + end)
    result = detect("-i", "-", "--json", "-", cwd=album.parent, stdin=stdin)
    assert result.returncode == 0
    assert looked_at(result) == ["album/a.jpg", "album/door/a.jpg", "album/door/hopper.jpg"]


def test_sub_folders_are_kept_and_no_name_collides(detect, album) -> None:
    extra = shutil.copy(album / "a.jpg", album.parent / "a.jpg")
    arguments = ("-i", "a.jpg", "album", "-r", "-o", "album/out", "--crops", "album/faces")
    for _ in range(2):  # the second run does not take the first one's pictures for photos
        result = detect(*arguments, cwd=album.parent)
        assert result.returncode == 0
        out = album / "out"
        pictures = sorted(str(p.relative_to(out)) for p in out.rglob("*.*"))
        assert pictures == sorted(
            ["a.jpg", "A_2.JPG", "a_3.jpg", "door/a.jpg", "door/hopper.jpg", "door/inner/b.jpg"]
        )
        faces = [p.relative_to(album / "faces") for p in (album / "faces").rglob("*.jpg")]
        names = sorted(str(Path(*face.parts[1:])) for face in faces)
        top = ["A_2_1.jpg", "a_1.jpg", "a_3_1.jpg"]
        assert names == [*top, "door/a_1.jpg", "door/hopper_1.jpg", "door/inner/b_1.jpg"]
        assert {face.parts[0] for face in faces} <= {"with_mask", "without_mask", "unsure"}
    assert extra.read_bytes() == (album / "a.jpg").read_bytes()


def test_an_output_folder_that_is_the_photos_own(detect, album, astronaut) -> None:
    result = detect("-i", "door", "-o", "door", cwd=album)
    assert result.returncode == 0
    names = sorted(p.name for p in (album / "door").glob("*.jpg"))
    assert names == ["a.jpg", "a_2.jpg", "hopper.jpg", "hopper_2.jpg"]
    assert (album / "door" / "a.jpg").read_bytes() == astronaut.read_bytes()


def test_pictures_here_keep_apart_and_off_the_photos(detect, album, astronaut) -> None:
    shutil.copy(astronaut, album / "a_mask.png")
    before = (album / "a_mask.png").read_bytes()
    result = detect("-i", "a.jpg", "door/a.jpg", "a_mask.png", "--no-display", cwd=album)
    assert result.returncode == 0
    assert [line.split(" -> ")[1] for line in result.stdout.splitlines()[:3]] == [
        "a_mask_2.png",
        "a_mask_3.png",
        "a_mask_mask.png",
    ]
    assert (album / "a_mask.png").read_bytes() == before


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_that_is_no_text(detect, astronaut, tmp_path) -> None:
    shutil.copy(astronaut, os.fsencode(tmp_path) + b"/caf\xe9.jpg")
    arguments = ("-i", tmp_path, "-o", "out", "--json", "found.jsonl", "--csv", "found.csv")
    result = detect(*arguments, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert "caf\\udce9.jpg: 1 face" in result.stdout
    assert (Path(os.fsdecode(os.fsencode(tmp_path) + b"/out/caf\xe9.jpg"))).exists()
    assert len(records((tmp_path / "found.jsonl").read_text())) == 1


# ---------------------------------------------------------------------------- other results


def test_csv_has_a_row_for_each_face(detect, examples, tmp_path) -> None:
    photos = [examples / "example_01.png", examples / "example_02.jpg"]
    detect("-i", *photos, "--csv", "found.csv", "--json", "found.jsonl", cwd=tmp_path)
    with (tmp_path / "found.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    found = records((tmp_path / "found.jsonl").read_text())
    faces = [(record["image"], face) for record in found for face in record["faces"]]
    assert len(rows) == len(faces) > 2
    for row, (image, face) in zip(rows, faces, strict=True):
        assert row["image"] == image
        assert [int(row[side]) for side in ("x1", "y1", "x2", "y2")] == face["box"]
        assert row["label"] == face["label"]
        assert float(row["with_mask"]) == face["probabilities"]["with_mask"]


def test_skip_done_goes_on_where_a_crash_left_off(detect, album, tmp_path) -> None:
    arguments = ("-i", album, "-r", "--json", "found.jsonl", "--csv", "found.csv", "-o", "out")
    whole = detect(*arguments, cwd=tmp_path)
    lines = (tmp_path / "found.jsonl").read_text().splitlines(keepends=True)
    rows = (tmp_path / "found.csv").read_text()
    assert (whole.returncode, len(lines)) == (0, 5)

    # Two photos done, the third one's line half written; a picture of the first is lost.
    (tmp_path / "found.jsonl").write_text(lines[0] + lines[1] + lines[2][:30])
    (tmp_path / "found.csv").write_text(rows[: rows.index("\n") + 20])
    lost = tmp_path / "out" / "A.JPG"
    lost.unlink()
    result = detect(*arguments, "--skip-done", cwd=tmp_path)

    assert result.returncode == 0
    assert "4 photos, 1 done before, 0 failed" in result.stdout
    assert lost.exists()
    again = records((tmp_path / "found.jsonl").read_text())
    assert {record["image"] for record in again} == {json.loads(line)["image"] for line in lines}
    assert (tmp_path / "found.csv").read_text().count("image,") == 1
    nothing_left = detect(*arguments, "--skip-done", cwd=tmp_path)
    assert (nothing_left.returncode, nothing_left.stdout.splitlines()) == (
        0,
        ["no photos left to do, 5 done before"],
    )


def test_failed_photos_are_tried_again(detect, astronaut, tmp_path) -> None:
    arguments = ("-i", "late.jpg", "--json", "found.jsonl", "--skip-done")
    assert detect(*arguments, cwd=tmp_path).returncode == 1
    shutil.copy(astronaut, tmp_path / "late.jpg")
    assert detect(*arguments, cwd=tmp_path).returncode == 0
    failed, found = records((tmp_path / "found.jsonl").read_text())
    assert "error" in failed and "faces" in found


def test_contact_sheet(detect, examples, tmp_path) -> None:
    result = detect("-i", examples, "--contact-sheet", "sheets/sheet.png", cwd=tmp_path)
    assert result.returncode == 0
    page = cv2.imread(str(tmp_path / "sheets" / "sheet.png"))
    assert page.shape == (752, 752, 3)  # 3 x 3 tiles of 240 pixels for 8 photos, gaps of 8


@pytest.mark.parametrize(
    ("label", "unsure", "status"),
    [("without_mask", 0, 3), ("without_mask", 0.5, 0), ("unsure", 0.5, 3), ("unsure", 0, 0)],
)
def test_fail_on(detect, examples, label, unsure, status) -> None:
    photo = examples / "example_08.jpg"  # none of its faces is 100 % sure, which is never unsure
    result = detect("-i", photo, "--json", "-", "--unsure", unsure, "--fail-on", label)
    assert result.returncode == status


def test_a_face_to_fail_on_outweighs_a_failure(detect, hopper) -> None:
    arguments = ("--json", "-", "--unsure", 0, "--fail-on", "without_mask")
    assert detect("-i", "missing.jpg", hopper, *arguments).returncode == 3
    assert detect("-i", "missing.jpg", *arguments).returncode == 1


def test_blur_comes_before_everything(detect, hopper, tmp_path) -> None:
    outputs = ("-o", "found.png", "--crops", "faces", "--contact-sheet", "sheet.png")
    for whose in ("none", "all"):
        (tmp_path / whose).mkdir()
        detect("-i", hopper, "--unsure", 0, *outputs, "--blur", whose, cwd=tmp_path / whose)
    for name in ("found.png", "faces/without_mask/example_03_1.jpg", "sheet.png"):
        clear, blurred = (cv2.imread(str(tmp_path / whose / name), 0) for whose in ("none", "all"))
        assert clear.shape == blurred.shape
        assert cv2.Laplacian(blurred, cv2.CV_64F).var() < cv2.Laplacian(clear, cv2.CV_64F).var()
    face = "faces/without_mask/example_03_1.jpg"
    sharp, hidden = (
        cv2.Laplacian(cv2.imread(str(tmp_path / whose / face), 0)[20:-20, 20:-20], cv2.CV_64F).var()
        for whose in ("none", "all")
    )
    assert hidden < sharp / 5


def test_hidden_faces_without_boxes_leave_a_clean_picture(detect, hopper, tmp_path) -> None:
    options = ("-o", "found.png", "--json", "found.jsonl")
    plain, clean = tmp_path / "plain", tmp_path / "clean"
    for folder, more in ((plain, ()), (clean, ("--blur", "all", "--no-boxes"))):
        folder.mkdir()
        detect("-i", hopper, *options, *more, "--blur-style", "solid", cwd=folder)
    assert (plain / "found.jsonl").read_text() == (clean / "found.jsonl").read_text()
    original, picture = cv2.imread(str(hopper)), cv2.imread(str(clean / "found.png"))
    changed = (picture != original).any(axis=2)
    assert 0 < changed.mean() < 0.5
    assert not picture[changed].any()


def test_a_face_that_is_not_reported_is_hidden_all_the_same(detect, hopper, tmp_path) -> None:
    hide = ("--blur", "without_mask", "--blur-style", "solid", "--no-boxes", "-o", "found.png")
    result = detect("-i", hopper, "--confidence", 1, *hide, "--json", "-", cwd=tmp_path)
    assert json.loads(result.stdout)["faces"] == []
    hidden = ~cv2.imread(str(tmp_path / "found.png")).any(axis=2)
    x1, y1, x2, y2 = json.loads(detect("-i", hopper, "--json", "-").stdout)["faces"][0]["box"]
    assert hidden[y1:y2, x1:x2].mean() > 0.99


# ---------------------------------------------------------------------------- manners


def test_help_and_detection_load_no_more_than_they_need(repository, astronaut, tmp_path) -> None:
    def modules(*arguments: object) -> set[str]:
        command = [sys.executable, "-X", "importtime", repository / SCRIPT, *arguments]
        result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True)
        return set(re.findall(r"\|\s+([\w.]+)$", result.stderr, re.MULTILINE))

    never = {"tensorflow", "keras", "matplotlib", "sklearn"}
    models = {"ai_edge_litert"}
    assert not modules("--help") & (never | models)
    loaded = modules("-i", astronaut, "--no-display")
    assert models <= loaded
    assert not loaded & never


@pytest.fixture
def long_run(repository, astronaut, tmp_path) -> list[object]:
    """A command that writes a line for each of a thousand photos."""
    for number in range(1000):
        (tmp_path / f"{number}.jpg").symlink_to(astronaut)
    script = [sys.executable, repository / SCRIPT, *map(str, ONE_PASS)]
    return [*script, "--detector", "yunet", "-i", tmp_path, "--json", "-"]


def test_ctrl_c_leaves_whole_lines(long_run, tmp_path) -> None:
    with subprocess.Popen(
        long_run, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    ) as process:
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, errors) == (130, "interrupted\n")
    assert 1 <= len(records(first + rest)) < 1000


def test_a_reader_that_goes_away(long_run, tmp_path) -> None:
    with subprocess.Popen(
        long_run, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        assert (process.stderr.read(), process.wait(timeout=PATIENCE_S)) == ("", 0)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a Unix terminal")
def test_a_terminal_sees_progress_with_rate_and_time_left(repository, examples, tmp_path) -> None:
    import fcntl
    import pty
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 25, 100, 0, 0))
    command = [sys.executable, repository / SCRIPT, *map(str, ONE_PASS), "-i", examples]
    with subprocess.Popen(
        [*command, "--json", "found.jsonl"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=theirs
    ) as process:
        os.close(theirs)
        words = process.stdout.read().decode()
        assert process.wait(timeout=PATIENCE_S) == 0
    shown = ""
    with contextlib.suppress(OSError), os.fdopen(ours, errors="replace") as terminal:
        for line in terminal:  # at the end Linux raises an error
            shown += line
    assert re.search(r"8/8 \[\d\d:\d\d<\d\d:\d\d, .*photo", shown)
    assert len(words.splitlines()) == 9


# ---------------------------------------------------------------------------- the window


@pytest.mark.parametrize("way", ["key", "close", "interrupt"])
def test_a_window_closes_by_key_button_and_ctrl_c(
    repository, astronaut, tmp_path, display, wait_for, way
) -> None:
    command = [sys.executable, repository / SCRIPT, "-i", astronaut, *map(str, ONE_PASS)]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env=display.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        window = wait_for(lambda: display.window("example_02.jpg"), process)
        if way == "key":
            display.press(window, "x")
        elif way == "close":
            display.close(window)
        else:
            process.send_signal(signal.SIGINT)
        try:
            output, errors = process.communicate(timeout=PATIENCE_S)
        finally:
            process.kill()
    assert process.returncode == (130 if way == "interrupt" else 0)
    assert "1 face" in output
    assert "Traceback" not in errors
    assert not list(tmp_path.iterdir()), "a window was enough"


def test_a_display_that_does_not_answer_is_none(detect, astronaut, tmp_path) -> None:
    result = detect("-i", astronaut, cwd=tmp_path, env={"DISPLAY": ":987"})
    assert result.returncode == 0
    assert (tmp_path / "example_02_mask.png").exists()
