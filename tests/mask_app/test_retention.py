"""What is kept for some days is deleted while nobody visits the app."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest
from waiting import PATIENCE_S, run_apart

from mask_app.history.store import HistoryStore, minute_now
from mask_app.retention import keep_days

OLD_MINUTES = 3 * 24 * 60


@pytest.mark.parametrize("history_works", [True, False])
def test_what_is_old_is_deleted_as_long_as_the_server_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, history_works: bool
) -> None:
    path = tmp_path / "history.sqlite"
    if history_works:
        history = HistoryStore(path, days=36_500)
        history.add(minute_now() - OLD_MINUTES, "Door", "", {"with_mask": 1})
        history.add(minute_now(), "Door", "", {"with_mask": 1})
    else:
        path.write_bytes(b"Dear all, this is a letter. " * 50)
    old, new = (tmp_path / f"door_20260101_000000_North_{track}.jpg" for track in (1, 2))
    for picture in (old, new):
        picture.write_bytes(b"picture")
    os.utime(old, (0, time.time() - OLD_MINUTES * 60))
    monkeypatch.setenv("MASK_APP_HISTORY", str(path))
    monkeypatch.setenv("MASK_APP_HISTORY_DAYS", "2")
    monkeypatch.setenv("MASK_APP_DOOR_PICTURES", str(tmp_path))
    monkeypatch.setenv("MASK_APP_DOOR_PICTURES_DAYS", "2")

    async def run() -> None:
        async with keep_days(None):
            deadline = time.monotonic() + PATIENCE_S
            while old.exists() and time.monotonic() < deadline:
                await asyncio.sleep(0.01)

    run_apart(run())
    assert not old.exists()
    assert new.exists()
    if history_works:
        assert len(history.rows(0)) == 1
