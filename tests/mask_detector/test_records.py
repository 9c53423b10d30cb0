from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from mask_detector.errors import FileError, PhotoError, UserFacingError
from mask_detector.faces import Face
from mask_detector.records import (
    FRAME_COLUMNS,
    CsvFaces,
    JsonLines,
    Records,
    error_record,
    frame_record,
    photo_record,
)
from mask_detector.text_files import drop_half_line

CLASSES = ("with_mask", "without_mask")
SURE = Face((1, 2, 30, 40), 0.98765, {"with_mask": 0.9, "without_mask": 0.1}, track=3)
UNSURE = Face((5, 6, 7, 8), 0.5, {"with_mask": 0.45, "without_mask": 0.55}, unsure=True)


def test_a_photo_without_faces() -> None:
    assert photo_record(Path("a.jpg"), 640, 480, [], {"with_mask": 0}) == {
        "image": "a.jpg",
        "width": 640,
        "height": 480,
        "faces": [],
        "counts": {"with_mask": 0},
    }


def test_faces_of_a_photo() -> None:
    record = photo_record("a.jpg", 640, 480, [SURE, UNSURE], {"with_mask": 1, "unsure": 1})
    assert record["faces"] == [
        {
            "box": [1, 2, 30, 40],
            "score": 0.9877,
            "label": "with_mask",
            "probabilities": {"with_mask": 0.9, "without_mask": 0.1},
            "track": 3,
        },
        {
            "box": [5, 6, 7, 8],
            "score": 0.5,
            "label": "without_mask",
            "probabilities": {"with_mask": 0.45, "without_mask": 0.55},
            "unsure": True,
        },
    ]


def test_an_error_does_not_repeat_the_name() -> None:
    error = PhotoError("b.jpg: the file is empty")
    assert error_record(Path("b.jpg"), error) == {"image": "b.jpg", "error": "the file is empty"}


@pytest.mark.parametrize(("source", "keys"), [(None, []), ("door", ["source"])])
def test_a_frame(source, keys) -> None:
    record = frame_record(12, 0.48001, [], {}, source)
    assert list(record) == [*keys, "frame", "time_s", "faces", "counts"]
    assert (record["frame"], record["time_s"], record.get("source")) == (12, 0.48, source)


def test_json_lines_are_whole_while_the_file_is_open(tmp_path) -> None:
    path = tmp_path / "found.jsonl"
    with JsonLines(path) as lines:
        assert path.read_text() == ""
        for number in range(3):
            lines.write({"image": "café", "number": number})
            written = [json.loads(line) for line in path.read_text().splitlines()]
            assert written[-1] == {"image": "café", "number": number}
    assert len(written) == 3


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_json_has_no_word_for_what_is_no_number(tmp_path, value) -> None:
    with JsonLines(tmp_path / "found.jsonl") as lines, pytest.raises(FileError, match="JSON"):
        lines.write({"image": "a.jpg", "score": value})
    assert (tmp_path / "found.jsonl").read_text() == ""


def test_json_lines_on_standard_output_leave_it_open(capsys) -> None:
    with JsonLines("-") as lines:
        lines.write({"a": 1})
    print("after")
    assert capsys.readouterr().out == '{"a": 1}\nafter\n'


@pytest.mark.parametrize(
    ("before", "append", "after"),
    [
        (None, True, '{"n": 1}\n'),
        ("", True, '{"n": 1}\n'),
        ('{"n": 0}\n', True, '{"n": 0}\n{"n": 1}\n'),
        ('{"n": 0}\n{"im', True, '{"n": 0}\n{"n": 1}\n'),
        ('{"im', True, '{"n": 1}\n'),
        ('{"n": 0}\n', False, '{"n": 1}\n'),
    ],
)
def test_json_lines_go_on_after_a_crash(tmp_path, before, append, after) -> None:
    path = tmp_path / "found.jsonl"
    if before is not None:
        path.write_text(before)
    with JsonLines(path, append=append) as lines:
        lines.write({"n": 1})
    assert path.read_text() == after


@pytest.mark.parametrize(
    ("old", "faces", "json_lines", "csv_lines"),
    [
        ("old\n", None, 1, 1),
        ("", None, 0, 1),
        (None, None, 0, 1),
        ("old\n", [], 1, 1),
        ("old\n", [SURE], 1, 2),
    ],
)
def test_the_first_record_replaces_those_of_an_earlier_run(
    tmp_path, old, faces, json_lines, csv_lines
) -> None:
    """A run that fails before it has one loses none of them."""
    paths = [tmp_path / "json", tmp_path / "csv"]
    if old is not None:
        for path in paths:
            path.write_text(old)
    with Records(*paths, CLASSES) as records:
        if faces is not None:
            records.write(photo_record("a.jpg", 1, 1, faces, {}))
    lines = [path.read_text().splitlines() for path in paths]
    assert list(map(len, lines)) == [json_lines, csv_lines]
    assert [line == ["old"] for line in lines] == [bool(old) and faces is None] * 2


def test_half_a_line_at_the_end_of_a_large_file(tmp_path) -> None:
    path = tmp_path / "found.jsonl"
    for length in (0, 1, 65_535, 65_536, 200_000):
        path.write_text('{"n": 0}\n' + "x" * length)
        assert drop_half_line(path) == 9 and path.read_text() == '{"n": 0}\n'


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_csv_has_one_row_a_face(tmp_path) -> None:
    path = tmp_path / "found.csv"
    with CsvFaces(path, CLASSES) as faces:
        faces.write(photo_record('a, "b"\n.jpg', 640, 480, [SURE, UNSURE], {}))
        faces.write(photo_record("empty.jpg", 10, 10, [], {}))
        faces.write({"image": "broken.jpg", "error": "…"})
    first, second = read(path)
    assert first == {
        "image": 'a, "b"\n.jpg',
        "width": "640",
        "height": "480",
        "face": "1",
        "track": "3",
        "x1": "1",
        "y1": "2",
        "x2": "30",
        "y2": "40",
        "score": "0.9877",
        "label": "with_mask",
        "unsure": "no",
        "with_mask": "0.9",
        "without_mask": "0.1",
    }
    assert (second["face"], second["track"], second["unsure"]) == ("2", "", "yes")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_no_cell_is_a_formula(tmp_path, start) -> None:
    path = tmp_path / "found.csv"
    with CsvFaces(path, [f"{start}class", "other"]) as faces:
        face = Face((-1, 2, 3, 4), 0.5, {f"{start}class": 0.9, "other": 0.1})
        faces.write(photo_record(f"{start}1+1.jpg", 640, 480, [face], {}))
    (row,) = read(path)
    assert (row["image"], row["label"]) == (f"'{start}1+1.jpg", f"'{start}class")
    assert (row["x1"], row[f"'{start}class"]) == ("-1", "0.9")


def test_names_do_not_steer_a_terminal(capsys, monkeypatch) -> None:
    record = photo_record("a\x1b[2J\n.jpg", 640, 480, [SURE], {})
    for is_terminal in (False, True):
        monkeypatch.setattr("sys.stdout.isatty", lambda answer=is_terminal: answer, raising=False)
        with CsvFaces("-", CLASSES) as faces:
            faces.write(record)
        out = capsys.readouterr().out
        assert ("\x1b" in out) is not is_terminal
        assert out.count("\n") == 3


def test_csv_of_frames(tmp_path) -> None:
    path = tmp_path / "found.csv"
    with CsvFaces(path, CLASSES, FRAME_COLUMNS) as faces:
        faces.write(frame_record(7, 0.28, [SURE], {}, "door"))
        faces.write(frame_record(8, 0.32, [SURE], {}))
    rows = [(row["source"], row["frame"], row["time_s"]) for row in read(path)]
    assert rows == [("door", "7", "0.28"), ("", "8", "0.32")]


def test_csv_goes_on_without_a_second_header(tmp_path) -> None:
    path = tmp_path / "found.csv"
    for _ in range(2):
        with CsvFaces(path, CLASSES, append=True) as faces:
            faces.write(photo_record("a.jpg", 1, 1, [SURE], {}))
    assert [row["label"] for row in read(path)] == ["with_mask", "with_mask"]


@pytest.mark.parametrize("writer", [JsonLines, lambda path: CsvFaces(path, CLASSES)])
def test_a_place_that_cannot_be_written(tmp_path, writer) -> None:
    with pytest.raises(UserFacingError, match="cannot write there"):
        writer(tmp_path)
    with pytest.raises(UserFacingError, match=r"missing.found: cannot write there \(No such file"):
        writer(tmp_path / "missing" / "found")


@pytest.mark.parametrize("wanted", [(), ("json",), ("csv",), ("json", "csv")])
def test_records_go_wherever_they_are_wanted(tmp_path, wanted) -> None:
    paths = {kind: tmp_path / kind if kind in wanted else None for kind in ("json", "csv")}
    with Records(paths["json"], paths["csv"], CLASSES) as records:
        records.write(photo_record("a.jpg", 1, 1, [SURE], {}))
    assert {path.name: len(path.read_text().splitlines()) for path in tmp_path.iterdir()} == {
        kind: {"json": 1, "csv": 2}[kind] for kind in wanted
    }
