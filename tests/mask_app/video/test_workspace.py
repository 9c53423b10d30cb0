"""One session's videos."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from mask_app.settings import Settings
from mask_app.video.workspace import VideoWorkspace
from mask_detector.errors import SourceError

SETTINGS = Settings("yunet", 0.5, 0.1, "none")


@pytest.fixture
def work() -> Iterator[VideoWorkspace]:
    work = VideoWorkspace()
    yield work
    work.close()


def test_an_empty_workspace(work: VideoWorkspace) -> None:
    assert work.running == work.videos == []
    assert work.shown is None


def test_a_video_that_cannot_be_stored_leaves_nothing(
    work: VideoWorkspace, examples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = (examples / "example_video.mp4").read_bytes()
    write = Path.write_bytes

    def full_disk(file: Path, data: bytes) -> int:
        write(file, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    folder = Path(work._folder.name)
    with pytest.raises(SourceError, match="could not be stored"):
        work.take("me.mp4", film)
    assert not list(folder.iterdir())
    assert not work.videos


def test_videos_wait_are_cancelled_and_removed(
    work: VideoWorkspace, examples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MASK_APP_VIDEOS", "2")
    film = (examples / "example_video.mp4").read_bytes()
    with pytest.raises(SourceError, match="not a video"):
        work.take("letter.mp4", b"Dear all")
    first, second = work.take("../me.mp4", film), work.take("me.xyz", film)
    assert [video.name for video in work.videos] == ["me.mp4", "me.xyz"]
    with pytest.raises(SourceError, match="at most 2 videos can be here at once"):
        work.take("third.mp4", film)
    for video in (second, first):
        video.begin(SETTINGS)
    assert work.running == [second, first]
    second.cancel()
    assert second.job is None
    assert work.running == [first]
    files = [video.file for video in work.videos]
    work.remove(first)
    assert work.videos == [second]
    assert [file.exists() for file in files] == [False, True]
