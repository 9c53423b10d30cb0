"""The history's file: what is added up, what is deleted, and what is not a history."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from mask_app.history.store import HistoryStore, minute_now
from mask_detector.errors import FileError

DAY = 24 * 60


@pytest.fixture
def store(tmp_path: Path) -> HistoryStore:
    return HistoryStore(tmp_path / "history.sqlite", days=30)


def test_an_empty_history_has_no_rows(store: HistoryStore) -> None:
    assert store.rows(0) == []
    assert store.watched(0) == []


def test_a_minute_without_people_was_watched(store: HistoryStore) -> None:
    now = minute_now()
    store.add(now, "Door", "a", {"with_mask": 0})
    assert store.rows(0) == []
    assert store.watched(0) == [(now, "Door", 1)]


def test_devices_add_up_and_viewers_of_one_camera_do_not(store: HistoryStore) -> None:
    now = minute_now()
    for viewer, number in (("a", 2), ("b", 3), ("a", 1)):
        store.add(now, "Door", viewer, {"with_mask": number})
    for number in (2, 3, 1):
        store.add(now, "Hall", "", {"with_mask": number, "unsure": 1})
    assert store.rows(0) == [
        (now, "Door", "with_mask", 6),
        (now, "Hall", "unsure", 1),
        (now, "Hall", "with_mask", 3),
    ]


def test_minutes_are_taken_together(store: HistoryStore) -> None:
    slot = minute_now() // 15 * 15 - 15
    for minute in (slot, slot + 14, slot + 15):
        store.add(minute, "Door", "a", {"with_mask": 1})
    assert store.rows(0, 15) == [
        (slot, "Door", "with_mask", 2),
        (slot + 15, "Door", "with_mask", 1),
    ]
    assert store.watched(slot + 1, 15) == [(slot, "Door", 1), (slot + 15, "Door", 1)]


def test_old_minutes_are_deleted_at_the_start_and_all_on_request(store: HistoryStore) -> None:
    now = minute_now()
    for age in (0, 29, 31):
        store.add(now - age * DAY, "Door", "a", {"with_mask": 1})
    again = HistoryStore(store.path, days=30)
    assert [row[0] for row in again.rows(0)] == [now - 29 * DAY, now]
    again.delete()
    assert again.rows(0) == []
    assert again.watched(0) == []


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("nowhere/history.sqlite", None, "make it first"),
        (".", None, "cannot be used"),
        ("a.sqlite", b"Dear all, this is a letter. " * 50, "cannot be used"),
    ],
)
def test_what_cannot_be_a_history_is_a_sentence(
    tmp_path: Path, name: str, content: bytes | None, words: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(FileError, match=words):
        HistoryStore(tmp_path / name, days=30)


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "bookmarks.sqlite"
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE bookmarks (address TEXT)")
    database.close()
    with pytest.raises(FileError, match="another program"):
        HistoryStore(path, days=30)


WRITER = """
import sys
from pathlib import Path
from mask_app.history.store import HistoryStore, minute_now
store = HistoryStore(Path(sys.argv[1]), days=30)
for _ in range(20):
    store.add(minute_now(), sys.argv[2], "a", {"with_mask": 1})
"""


def test_processes_write_at_the_same_time(tmp_path: Path, repository: Path) -> None:
    path = tmp_path / "history.sqlite"
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), name], cwd=repository)
        for name in "ABC"
    ]
    assert [writer.wait(120) for writer in writers] == [0, 0, 0]
    total: Counter[str] = Counter()
    for _, camera, _, number in HistoryStore(path, days=30).rows(0):
        total[camera] += number
    assert total == {"A": 20, "B": 20, "C": 20}
