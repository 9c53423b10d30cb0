from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import detect_mask_image
from mask_detector.errors import FileError
from mask_detector.faces import Face, Faces
from mask_detector.photos.paths import Photo
from mask_detector.photos.planning import Results
from mask_detector.photos.processing import ProcessedPhoto
from mask_detector.photos.resuming import EarlierRun
from mask_detector.records import CsvFaces, JsonLines, photo_record

CLASSES = ("with_mask", "without_mask")
FOUND = Results(output=Path("out"), json="found.jsonl", csv="found.csv")


def touch(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()


def photos(*names: str, pictures: bool = True) -> list[Photo]:
    return [
        Photo(Path(name), Path(name), picture=Path("out", name) if pictures else None)
        for name in names
    ]


def left(results: Results, *names: str) -> list[str]:
    with EarlierRun(photos(*names), results, skip_done=True) as earlier:
        assert earlier.done == len(names) - len(earlier.left)
        return [photo.name for photo in earlier.left]


def test_what_is_done(here) -> None:
    touch("out/a.jpg", "out/b.jpg", "out/d.jpg")
    Path("found.jsonl").write_text(
        '{"image": "a.jpg", "faces": []}\n[]\n{"image": "d.jpg", "faces": []}\n'
        '{"image": "b.jpg", "error": "…"}\n{"image": "d.jpg", "error": "…"}\n{"image": "c.jp'
    )
    names = ("a.jpg", "b.jpg", "c.jpg", "d.jpg")
    assert left(Results(json="found.jsonl"), *names) == ["b.jpg", "c.jpg", "d.jpg"]
    assert left(Results(), *names) == left(Results(json="-"), *names) == ["c.jpg"]
    assert left(Results(json="no_earlier_run.jsonl"), *names) == list(names)
    with EarlierRun(photos(*names), FOUND, skip_done=False) as everything:
        assert (len(everything.left), everything.done) == (4, None)
        assert everything.is_new({"image": "a.jpg", "faces": []})


def test_only_what_is_new_is_added(here) -> None:
    records = [{"image": "a.jpg", "error": "x"}, {"image": "b.jpg", "faces": [], "counts": {}}]
    Path("found.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    with EarlierRun([], FOUND, skip_done=True) as earlier:
        assert not any(map(earlier.is_new, records))
        assert earlier.is_new({"image": "a.jpg", "error": "y"})
        assert earlier.is_new({"image": "c.jpg", "error": "x"})


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\xff\n", b"Dear Sir,\n", b"[1]\n{}\n"])
def test_a_file_of_something_else_is_left_alone(here, content) -> None:
    Path("found.jsonl").write_bytes(content)
    with pytest.raises(FileError, match=r"found.jsonl: these are no JSON lines"):
        EarlierRun([], FOUND, skip_done=True)
    assert Path("found.jsonl").read_bytes() == content
    assert not list(Path().glob(".*"))


# ---------------------------------------------------------------------------- rows of the CSV


def face(x: int) -> Face:
    return Face((x, 2, 30, 40), 0.9, {"with_mask": 0.9, "without_mask": 0.1})


RECORDS = [
    photo_record("a.jpg", 64, 48, [face(1), face(2)], {}),
    photo_record("empty.jpg", 64, 48, [], {}),
    photo_record("=b.jpg", 64, 48, [face(3)], {}),
    photo_record("two\nlines.jpg", 64, 48, [face(4)], {}),
]


def rows() -> list[tuple[str, str]]:
    with Path("found.csv").open(newline="") as file:
        return [(row["image"], row["x1"]) for row in csv.DictReader(file)]


EXPECTED = [("a.jpg", "1"), ("a.jpg", "2"), ("'=b.jpg", "3"), ("two\nlines.jpg", "4")]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text,
        lambda text: "",
        lambda text: text[: text.index("\n") + 1],
        lambda text: text[:10],
        lambda text: text[: text.index("a.jpg,64,48,2")],
        lambda text: text[: text.index("a.jpg,64,48,2") + 9],
        lambda text: text[: text.index("'=b")],
        lambda text: text[: text.index("lines")],
        lambda text: text[: text.index("lines") + 5],
        lambda text: text + text[text.index("a.jpg") :],
        lambda text: text + "late.jpg" + text[text.index("a.jpg,") + 5 :],
        None,
    ],
)
def test_rows_that_a_crash_lost_or_doubled(here, spoil) -> None:
    with JsonLines("found.jsonl") as lines, CsvFaces("found.csv", CLASSES) as faces:
        for record in RECORDS:
            lines.write(record)
            faces.write(record)
    whole = Path("found.csv").read_bytes()
    if spoil is None:
        Path("found.csv").unlink()
    else:
        Path("found.csv").write_text(spoil(whole.decode()))
    names = [record["image"] for record in RECORDS]
    with EarlierRun(photos(*names, "late.jpg", pictures=False), FOUND, skip_done=True) as earlier:
        assert [photo.name for photo in earlier.left] == ["late.jpg"]
        earlier.complete_csv(CLASSES)
    assert sorted(rows()) == sorted(EXPECTED)
    if spoil is not None and spoil(whole.decode()) == whole.decode():
        assert Path("found.csv").read_bytes() == whole


def test_rows_of_other_photos_stay(here) -> None:
    with CsvFaces("found.csv", CLASSES) as faces:
        for record in RECORDS:
            faces.write(record)
    with EarlierRun(photos("a.jpg"), Results(csv="found.csv"), skip_done=True) as earlier:
        earlier.complete_csv(CLASSES)
    assert rows() == EXPECTED[2:]


@pytest.mark.parametrize("header", ["image,width\n", "image,face,track,x1\na,b,c,d\n"])
def test_a_csv_with_other_columns_is_left_alone(here, header) -> None:
    Path("found.csv").write_text(header)
    with (
        EarlierRun(photos("a.jpg"), FOUND, skip_done=True) as earlier,
        pytest.raises(FileError, match=r"found.csv: this CSV has other columns"),
    ):
        earlier.complete_csv(CLASSES)
    assert Path("found.csv").read_text() == header


@pytest.mark.parametrize("faces", [[1], [{}], [{"box": 1}], ["face"]])
def test_records_of_another_program(here, faces) -> None:
    Path("found.jsonl").write_text(json.dumps({"image": "a.jpg", "faces": faces}) + "\n")
    with (
        EarlierRun(photos("a.jpg"), FOUND, skip_done=True) as earlier,
        pytest.raises(FileError, match=r"found.csv: .*the record of a.jpg is not as"),
    ):
        earlier.complete_csv(CLASSES)


def test_devices_stay_devices(here) -> None:
    with EarlierRun([], Results(json="/dev/null", csv="/dev/null"), skip_done=True) as earlier:
        earlier.complete_csv(CLASSES)
    assert not Path("/dev/null").is_file()


# ---------------------------------------------------------------------------- two runs at once


@pytest.mark.parametrize(
    "other",
    [
        Results(json="found.jsonl"),
        Results(csv="found.csv"),
        Results(output=Path("out")),
        Results(output=Path("out"), json="./found.jsonl"),
    ],
)
def test_two_runs_do_not_share_a_result(here, other) -> None:
    Path("out").mkdir()
    with (
        EarlierRun([], FOUND, skip_done=True),
        pytest.raises(FileError, match="another run with --skip-done is at work here"),
    ):
        EarlierRun([], other, skip_done=True)
    with EarlierRun([], other, skip_done=True):
        pass
    assert not list(Path().rglob(".*")), "locks are taken away"


def test_different_results_do_not_wait(here) -> None:
    with (
        EarlierRun([], FOUND, skip_done=True),
        EarlierRun([], Results(json="other.jsonl"), skip_done=True),
        EarlierRun([], FOUND, skip_done=False),
    ):
        pass


def test_a_killed_run_holds_nothing(here) -> None:
    program = (
        "import time\nfrom mask_detector.photos.planning import Results\n"
        "from mask_detector.photos.resuming import EarlierRun\n"
        "with EarlierRun([], Results(json='found.jsonl'), True):\n"
        "    print('held', flush=True); time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(Path(detect_mask_image.__file__).parent)},
    ) as process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(FileError, match="another run"):
            EarlierRun([], FOUND, skip_done=True)
        process.send_signal(signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
    with EarlierRun([], FOUND, skip_done=True):
        pass


# ---------------------------------------------------------------------------- whole runs


class Killed(BaseException):
    """Stands for a process that ends in the middle of its work."""


class FakeDetectors:
    """As many faces as a photo is grey."""

    classes = CLASSES
    least_side = None

    def __init__(self, workers: int, **options: object) -> None:
        pass

    def detect(self, image: np.ndarray) -> Faces:
        return Faces(face(x) for x in range(int(image[0, 0, 0]) // 10))


def draw(*names: str, grey: int = 10) -> None:
    for name in names:
        touch(name)
        Image.new("L", (64, 48), grey).save(name)


@pytest.fixture
def detect(here, run, monkeypatch) -> Callable[..., Any]:
    """Runs the photo script with --skip-done."""
    monkeypatch.setattr(detect_mask_image, "DetectorPool", FakeDetectors)
    return lambda *arguments: run("detect_mask_image.py", "--skip-done", "-i", *arguments)


@pytest.fixture
def script(here, detect) -> Callable[..., Any]:
    """Runs the photo script on three photos, with two faces, none and one, and on a bad one."""
    for name, grey in (("a", 20), ("b", 0), ("c", 10)):
        draw(f"{name}.png", grey=grey)
    (here / "bad.png").touch()
    names = ("a.png", "bad.png", "b.png", "c.png")
    return lambda *arguments: detect(*names, *arguments)


def results() -> tuple[list[str], list[str], list[str]]:
    lines = Path("found.jsonl").read_text().splitlines() if Path("found.jsonl").exists() else []
    pictures = sorted(path.name for path in Path("out").iterdir())  # hidden ones, too
    return sorted(lines), sorted(Path("found.csv").read_text().splitlines()), pictures


@pytest.mark.parametrize(
    ("kind", "json_lines"),
    [
        (JsonLines, ("--json", "found.jsonl")),
        (JsonLines, ("--json", "-")),
        (CsvFaces, ("--json", "found.jsonl")),
        (CsvFaces, ("--json", "-")),
        (CsvFaces, ()),
    ],
)
@pytest.mark.parametrize("nth", [1, 2, 3, 4])
@pytest.mark.parametrize("after", [False, True])
def test_a_kill_between_any_two_writers_loses_nothing(
    script, monkeypatch, kind, json_lines, nth, after
) -> None:
    arguments = ("--csv", "found.csv", "-o", "out", *json_lines)
    write, calls = kind.write, 0

    def killed(*given: object) -> None:
        nonlocal calls
        calls += 1
        if calls == nth and not after:
            raise Killed
        write(*given)
        if calls == nth:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(kind, "write", killed)
        with pytest.raises(Killed):
            script(*arguments)
    Path("out/.0123456789abcdef.part").write_text("of a run that was killed")
    done = script(*arguments)
    assert done.returncode == 1
    lines, found, pictures = results()
    assert [row.split(",")[:4] for row in found] == [
        ["a.png", "64", "48", "1"],
        ["a.png", "64", "48", "2"],
        ["c.png", "64", "48", "1"],
        ["image", "width", "height", "face"],
    ]
    assert pictures == [".pictures.jsonl", "a.png", "b.png", "c.png"]
    if json_lines == ("--json", "found.jsonl"):
        names = [json.loads(line)["image"] for line in lines]
        assert sorted(names) == ["a.png", "b.png", "bad.png", "c.png"]


def test_ctrl_c_leaves_all_files_with_the_same_photos(script, monkeypatch) -> None:
    write = JsonLines.write

    def interrupted(lines: JsonLines, record: dict[str, Any]) -> None:
        write(lines, record)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(JsonLines, "write", interrupted)
    stopped = script("--json", "found.jsonl", "--csv", "found.csv", "-o", "out")
    assert (stopped.returncode, stopped.stderr) == (130, "interrupted\n")
    lines, found, pictures = results()
    assert [json.loads(line)["image"] for line in lines] == pictures[1:] == ["a.png"]
    assert len(found) == 3


def test_nothing_new_is_said_and_failed_photos_are_not_added_again(script) -> None:
    arguments = ("--json", "found.jsonl", "--csv", "found.csv", "-o", "out")
    first = script(*arguments)
    assert first.stdout.splitlines()[-1] == "3 photos, 0 done before, 1 failed; 3 faces: 3 Mask"
    before = results()
    again = script(*arguments)
    assert again.returncode == 1 and again.stderr == "bad.png: the file is empty\n"
    assert again.stdout == "0 photos, 3 done before, 1 failed; no faces found\n"
    assert results() == before
    Path("bad.png").write_bytes(Path("a.png").read_bytes())
    third = script(*arguments)
    assert third.stdout.splitlines()[-1] == "1 photo, 3 done before, 0 failed; 2 faces: 2 Mask"
    assert script(*arguments).stdout == "no photos left to do, 4 done before\n"
    quiet = script("--csv", "-", "--json", "found.jsonl")
    assert quiet.stderr == "no photos left to do, 4 done before\n"


def test_a_second_run_says_that_another_is_at_work(script) -> None:
    with EarlierRun([], Results(json="found.jsonl"), skip_done=True):
        second = script("--json", "found.jsonl")
    assert (second.returncode, second.stdout) == (2, "")
    assert "found.jsonl: another run with --skip-done is at work here" in second.stderr


def test_pictures_that_wait_for_their_records_are_not_left_behind(script, monkeypatch) -> None:
    before = set(threading.enumerate())
    with monkeypatch.context() as patch:
        patch.setattr(ProcessedPhoto, "put_picture", lambda _: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            script("-o", "out")
    left = set(threading.enumerate()) - before
    assert not [thread for thread in left if "ThreadPool" in thread.name]
    assert [path.name for path in Path("out").iterdir()] == [".pictures.jsonl"]


# ---------------------------------------------------------------------------- whose a picture is


def names_in(folder: str) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("[!.]*.png"))


@pytest.mark.parametrize("records", [(), ("--json", "found.jsonl")])
def test_photos_of_one_name_have_pictures_of_their_own(detect, records) -> None:
    draw("monday/a.png", "tuesday/a.png")
    for day in ("monday", "tuesday", "monday", "./tuesday", "monday/../tuesday"):
        assert detect(day, "-o", "out", *records).returncode == 0
    assert names_in("out") == ["a.png", "a_2.png"]
    lines = [json.loads(line) for line in Path("out/.pictures.jsonl").read_text().splitlines()]
    assert lines == [
        {"photo": "../monday/a.png", "picture": "a.png"},
        {"photo": "../tuesday/a.png", "picture": "a_2.png"},
    ]


def test_a_picture_stays_its_photo_s_when_others_come(detect) -> None:
    draw("in/a.png", "in/b.gif")
    assert detect("in", "-o", "out").stdout.count(" -> ") == 2
    draw("in/a.gif", "in/b.png")
    added = detect("in", "-o", "out").stdout
    assert "in/a.gif: 1 face: 1 Mask -> out/a_2.png" in added
    assert "in/b.png: 1 face: 1 Mask -> out/b_2.png" in added
    assert detect("in", "-o", "out").stdout == "no photos left to do, 4 done before\n"


def test_pictures_without_a_note_are_taken_for_those_of_their_names(detect, run) -> None:
    draw("in/a.png", "other/a.png")
    run("detect_mask_image.py", "-i", "in", "-o", "out")
    assert not Path("out/.pictures.jsonl").exists(), "only runs with --skip-done make notes"
    assert detect("in", "-o", "out").stdout == "no photos left to do, 1 done before\n"
    assert "-> out/a_2.png" in detect("other", "-o", "out").stdout
    assert "-> out/a_2.png" in run("detect_mask_image.py", "-i", "other", "-o", "out").stdout


def test_crops_of_photos_of_one_name_keep_apart(detect) -> None:
    draw("monday/a.png", "tuesday/a.png", "tuesday/a.gif")
    options = ("-o", "out", "--crops", "out", "--json", "found.jsonl")
    assert [detect(day, *options).returncode for day in ("monday", "tuesday", "monday")] == [0] * 3
    crops = sorted(path.name for path in Path("out/with_mask").iterdir())
    assert crops == ["a_1.jpg", "a_2_1.jpg", "a_3_1.jpg"]
    assert names_in("out") == ["a.png", "a_2.png", "a_3.png"]


@pytest.mark.parametrize(
    ("wanted", "output"), [(["in"], "in"), (["in", "out"], "out"), (["out/../in", "-r"], "in/out")]
)
def test_own_pictures_are_no_photos(detect, here, wanted, output) -> None:
    draw("in/a.png")
    Path("out").mkdir()
    first = detect(*wanted, "-o", output)
    pictures = names_in(".")
    for _ in range(2):
        assert detect(*wanted, "-o", here / output).stdout.startswith("no photos left to do, 1")
    assert names_in(".") == pictures and len(pictures) == 2
    assert "1 face" in first.stdout


def test_a_picture_that_is_named_itself_is_a_photo(detect, here) -> None:
    draw("in/a.png")
    detect("in", "-o", "out")
    assert "-> out/a_2.png" in detect("out/a.png", "-o", "out").stdout
    only = detect("out", "-o", here / "out")
    assert (only.returncode, only.stdout) == (2, "")
    assert "only pictures of earlier runs" in only.stderr


@pytest.mark.parametrize(
    "noted",
    [
        b'\xff\n[]\n3\n{}\n{"photo": 1}\n{"pho',
        b'{"photo": "../in/a.png", "picture": "../in/a.png"}\n',
        b'{"photo": "../in/a.png", "picture": "/tmp/a.png"}\n',
    ],
)
def test_notes_of_something_else_do_no_harm(detect, noted) -> None:
    draw("in/a.png")
    touch("out/.pictures.jsonl")
    Path("out/.pictures.jsonl").write_bytes(noted)
    assert "-> out/a.png" in detect("in", "-o", "out").stdout
    assert detect("in", "-o", "out").stdout == "no photos left to do, 1 done before\n"


def test_a_folder_in_a_picture_s_place_is_the_photo_s_error(detect) -> None:
    draw("in/a.png", "in/b.png")
    Path("out/a.png").mkdir(parents=True)
    for _ in range(2):
        result = detect("in", "-o", "out", "--json", "found.jsonl")
        assert (result.returncode, result.stderr) == (
            1,
            "in/a.png: out/a.png: this is a folder, name a file\n",
        )
    assert Path("out/b.png").is_file()
    assert len(Path("found.jsonl").read_text().splitlines()) == 2


def test_faces_found_before_count_for_fail_on(detect) -> None:
    draw("in/a.png")
    draw("in/b.png", grey=0)
    fail_on = ("--json", "found.jsonl", "--fail-on", "with_mask")
    assert [detect("in", *fail_on).returncode for _ in range(2)] == [3, 3]
    assert detect("in/b.png", *fail_on).returncode == 0
    assert detect("in", "--json", "found.jsonl", "--fail-on", "without_mask").returncode == 0
