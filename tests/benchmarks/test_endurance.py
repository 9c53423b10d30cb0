"""The endurance benchmark: its damage is repeatable, and what is lost is seen."""

from __future__ import annotations

import itertools
import random
import shutil
import sys
import urllib.request
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("it sends signals that Windows does not have", allow_module_level=True)

from benchmarks.endurance import Deadline, Row, hostile, kills, mutants, whole
from benchmarks.endurance.camera import SPEED, accelerated
from benchmarks.endurance.report import reliability_page

HEADER = b"image,face,label\n"


@pytest.mark.parametrize("size", [1, 5, 1000, 200_000])
def test_a_seed_gives_the_same_damage(size):
    data = random.Random(1).randbytes(size)
    twice = [mutants.mutate(data, random.Random(7)) for _ in range(2)]
    assert twice[0] == twice[1]
    assert sum(mutants.mutate(data, random.Random(seed)) != data for seed in range(20)) > 10


def test_mutants_are_opened_one_by_one(capsys):
    mutants.child("photo", 0, 4)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert set(lines) <= {"read", "refused"}


@pytest.mark.parametrize(
    ("content", "records", "fault"),
    [
        (None, 0, ""),
        (b"", 0, ""),
        (b'{"image": "a"}\n{"image": "b"}\n', 2, ""),
        (b'{"image": "a"}\n{"imag', 1, "cut off"),
        (b'{"image": "a"}\n{"imag\n', 1, "line 2 is not JSON"),
    ],
)
def test_json_lines(tmp_path, content, records, fault):
    path, faults = tmp_path / "a.jsonl", []
    if content is not None:
        path.write_bytes(content)
    assert len(whole.json_records(path, faults)) == records
    assert bool(faults) == bool(fault)
    assert fault in " ".join(faults)


@pytest.mark.parametrize(
    ("content", "rows", "fault"),
    [
        (b"", 0, ""),
        (HEADER, 0, ""),
        (HEADER + b"a,1,mask\n", 1, ""),
        (HEADER + b"a,1,mask\na,2\n", 2, "too many or too few cells"),
        (HEADER + b"a,1,mask\na,2,ma", 2, "cut off"),
    ],
)
def test_csv_rows(tmp_path, content, rows, fault):
    path, faults = tmp_path / "a.csv", []
    path.write_bytes(content)
    assert len(whole.csv_rows(path, faults)) == rows
    assert bool(faults) == bool(fault)
    assert fault in " ".join(faults)


def test_half_files_are_faults(tmp_path, examples, model):
    faults: list[str] = []
    assert whole.recorded_frames(tmp_path / "none.mp4", faults) is None
    assert whole.recorded_frames(examples / "example_video.mp4", faults) == 80
    shutil.copy(examples / "example_02.jpg", tmp_path)
    assert whole.pictures(tmp_path, faults) == 1
    whole.models([model, tmp_path / "none.model"], faults)
    assert faults == []

    for source in (examples / "example_03.jpg", examples / "example_video.mp4", model):
        content = source.read_bytes()
        (tmp_path / f"half{source.suffix}").write_bytes(content[: len(content) // 2])
    whole.pictures(tmp_path, faults)
    whole.recorded_frames(tmp_path / "half.mp4", faults)
    whole.models([tmp_path / "half.model"], faults)
    whole.models([tmp_path / "none.model"], faults)
    assert len(faults) == 4
    (tmp_path / ".out.mp4.1f2e").touch()
    assert [path.name for path in whole.temporary_files(tmp_path)] == [".out.mp4.1f2e"]


def test_every_photo_and_face_once():
    records = [{"image": name, "faces": [{}]} for name in "ab"]
    rows = [{"image": name} for name in "ab"]
    assert whole.once_each(records, rows, 2) == []
    assert "2 of 3 photos" in whole.once_each(records, rows, 3)[0]
    assert "3 records" in whole.once_each([*records, records[0]], rows, 2)[0]
    assert "1 photos have other faces" in whole.once_each(records, rows[:1], 2)[0]


class Careless(kills.Script):
    """A script that is stopped before its second line."""

    name = "careless.py"
    words = "as a test"

    def command(self) -> list[str]:
        self.folder.mkdir(exist_ok=True)
        (self.folder / ".temporary").touch()
        return ["sh", "-c", f"printf half > '{self.folder}/a.jsonl'; sleep 0.2"]

    def options(self) -> list[str]:
        return []

    def check(self, number, faults) -> None:
        whole.json_records(self.folder / "a.jsonl", faults)


def test_what_a_stopped_script_lost_is_counted(tmp_path):
    row = kills.attack(Careless(tmp_path / "folder"), Deadline(60), most=3)
    assert row.tried == 3
    assert any("SIGKILL: a.jsonl: the last line is cut off" in fault for fault in row.faults)
    assert sum("left .temporary" in fault for fault in row.faults) == 2  # not after SIGKILL
    assert "SIGKILL left 1 files" in row.outcome


@pytest.mark.parametrize("name", hostile.STREAMS)
def test_streams_begin_as_they_say(name, monkeypatch):
    monkeypatch.setattr(hostile.time, "sleep", lambda seconds: None)
    pieces = list(itertools.islice(hostile.STREAMS[name](), 3))
    assert all(isinstance(piece, bytes) for piece in pieces)


def test_a_stream_is_served():
    def stream():
        yield hostile.MJPEG_HEADER + hostile.jpeg_part(b"picture")

    with hostile.serve(stream) as address, urllib.request.urlopen(address, timeout=60) as answer:
        assert answer.read().endswith(b"Content-Length: 7\r\n\r\npicture\r\n")


def test_clocks_go_faster():
    times = iter([10.0, 10.0, 11.0])
    clock = accelerated(lambda: next(times))
    assert [clock(), clock()] == [10, 10 + SPEED]


def test_the_page_says_what_was_lost(tmp_path: Path):
    good, bad = Row("a", 1200, "fine"), Row("b", 3, "", ["run 2: gone"])
    page = reliability_page([good], 61, [])
    assert "| a | 1,200 | 0 | fine |" in page
    assert "1,200 trials, 0 faults." in page
    page = reliability_page([good, bad], 61, ["sessions (no browser)"])
    assert "1,203 trials, 1 fault." in page
    assert "* b: run 2: gone" in page
    assert "Left out: sessions (no browser)." in page
