"""The file of the history: an SQLite database with how many people were seen in each minute.

    store = HistoryStore(Path("history.sqlite"), days=90)
    store.add(Minute.now(), "Front door", "", {"with_mask": 2})
    store.rows(since=0)     # [(29401234, "Front door", "with_mask", 2)]

There is no picture in it and no number of a person. Several sessions and processes may write at the
same time: every transaction is short, and waits for others for ``_BUSY_S`` at most.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from mask_detector.errors import FileError

MINUTE_S = 60
_DAY_MINUTES = 24 * 60
_BUSY_S = 5.0
_APPLICATION = 0x4D41534B  # "MASK": SQLite's mark of whose file it is
_VERSION = 1
_SCHEMA = f"""
    PRAGMA application_id = {_APPLICATION};
    PRAGMA user_version = {_VERSION};
    CREATE TABLE IF NOT EXISTS watched (
        minute INTEGER NOT NULL, camera TEXT NOT NULL, PRIMARY KEY (minute, camera)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS people (
        minute INTEGER NOT NULL, camera TEXT NOT NULL, viewer TEXT NOT NULL, label TEXT NOT NULL,
        number INTEGER NOT NULL, PRIMARY KEY (minute, camera, viewer, label)
    ) WITHOUT ROWID;
"""
# Viewers of one camera of the server see the same people, who must not count twice.
_SAME = "MAX(number, excluded.number)"
_MORE = "number + excluded.number"


def minute_now() -> int:
    """Minutes since 1970 in UTC."""
    return int(time.time()) // MINUTE_S


class HistoryStore:
    """People by minute, camera and label.

    Attributes:
        path: the file.

    Args:
        path: the file; made where it is missing, but not its folder.
        days: what is older is deleted, now and by :meth:`delete_old`.

    Raises:
        FileError: the file cannot be made, read or written, or is something else.
    """

    def __init__(self, path: Path, days: int) -> None:
        self.path, self._days = path, days
        if not path.parent.is_dir():
            raise FileError(f"{path}: there is no folder {path.parent}, make it first")
        with self._transaction() as database:
            (kind,) = database.execute("PRAGMA application_id").fetchone()
            (tables,) = database.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if tables and (kind, version) != (_APPLICATION, _VERSION):
                raise FileError(f"{path}: this is a file of another program, name a new one")
        with self._transaction() as database:
            # Readers and one writer do not hinder each other.
            database.execute("PRAGMA journal_mode = WAL")
            if not tables:
                database.executescript(_SCHEMA)
        self.delete_old()

    def add(self, minute: int, camera: str, viewer: str, people: Mapping[str, int]) -> None:
        """Add what was seen in a minute.

        Args:
            minute: since 1970.
            camera: its name.
            viewer: whose own camera it is, so that those of several devices add up; empty for a
                camera that several viewers may share.
            people: number by label; labels without anybody may be left out.

        Raises:
            FileError: the file cannot be written.
        """
        change = _MORE if viewer else _SAME
        with self._transaction() as database:
            database.execute("INSERT OR IGNORE INTO watched VALUES (?, ?)", (minute, camera))
            database.executemany(
                "INSERT INTO people VALUES (?, ?, ?, ?, ?) "
                f"ON CONFLICT (minute, camera, viewer, label) DO UPDATE SET number = {change}",
                [
                    (minute, camera, viewer, label, number)
                    for label, number in people.items()
                    if number
                ],
            )

    def rows(self, since: int, width: int = 1) -> list[tuple[int, str, str, int]]:
        """Minute, camera, label and number of people, in order of the minutes.

        Args:
            since: the first minute.
            width: minutes that are taken together, under the first one's number.
        """
        with self._transaction() as database:
            return database.execute(
                "SELECT minute / :width * :width AS slot, camera, label, SUM(number) FROM people "
                "WHERE minute >= :since GROUP BY slot, camera, label ORDER BY slot, camera, label",
                {"width": width, "since": since},
            ).fetchall()

    def watched(self, since: int, width: int = 1) -> list[tuple[int, str, int]]:
        """Minute, camera and number of minutes in which it ran; see :meth:`rows`."""
        with self._transaction() as database:
            return database.execute(
                "SELECT minute / :width * :width AS slot, camera, COUNT(*) FROM watched "
                "WHERE minute >= :since GROUP BY slot, camera ORDER BY slot, camera",
                {"width": width, "since": since},
            ).fetchall()

    def delete_old(self) -> None:
        """Delete what is older than the days."""
        self.delete(before=minute_now() - self._days * _DAY_MINUTES)

    def delete(self, before: int | None = None) -> None:
        """Delete the minutes before one, or all.

        Raises:
            FileError: the file cannot be written.
        """
        last = 2**62 if before is None else before
        with self._transaction() as database:
            for table in ("watched", "people"):
                database.execute(f"DELETE FROM {table} WHERE minute < ?", (last,))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            with contextlib.closing(sqlite3.connect(self.path, timeout=_BUSY_S)) as database:
                # With WAL a crash of the machine costs the last minutes, never the file.
                database.execute("PRAGMA synchronous = NORMAL")
                database.execute("PRAGMA secure_delete = ON")
                with database:
                    yield database
        except sqlite3.Error as error:
            raise FileError(f"{self.path}: the history cannot be used ({error})") from None
