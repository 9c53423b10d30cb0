"""One session's video: the file in a folder of its own, and the job that processes it."""

from __future__ import annotations

import shutil
import tempfile
import threading
from pathlib import Path

import streamlit as st

from mask_app import config
from mask_app.photos.results import safe_name
from mask_app.settings import Settings
from mask_app.video.job import VideoFacts, VideoJob, check_video
from mask_detector.errors import SourceError

VIDEO_SUFFIXES = ("mp4", "mov", "m4v", "avi", "mkv", "webm", "mpg", "mpeg")


class VideoWorkspace:
    """A video of one session, until it is replaced or removed.

    Attributes:
        name: of the video's file, safe to use; empty where there is no video.
        job: what processes it, or has done so; None before.
        made_with: the settings of the job.
        uploads: uploads so far; each one empties the drop zone.
    """

    def __init__(self) -> None:
        self.name = ""
        self.job: VideoJob | None = None
        self.made_with: tuple[object, ...] = ()
        self.uploads = 0
        self._video: Path | None = None
        self._facts: VideoFacts | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="mask_app_", ignore_cleanup_errors=True)

    def take(self, name: str, data: bytes | memoryview) -> None:
        """Take a video in, in place of the one before.

        Raises:
            SourceError: it is not accepted.
        """
        self.clear()
        limits = config.limits()
        if len(data) > limits.video_megabytes * 2**20:
            raise SourceError(
                f"the file has {len(data) / 2**20:.0f} MB, "
                f"at most {limits.video_megabytes} are accepted"
            )
        suffix = Path(name).suffix.lower()
        folder = Path(tempfile.mkdtemp(dir=self._folder.name))
        video = folder / f"upload{suffix if suffix[1:] in VIDEO_SUFFIXES else '.mp4'}"
        video.write_bytes(data)
        try:
            self._facts = check_video(video, limits)
        except SourceError:
            self.clear()
            raise
        self._video, self.name = video, safe_name(name)

    def begin(self, settings: Settings) -> None:
        """Process the video with these settings, from the start."""
        assert self._video is not None and self._facts is not None
        self.cancel()
        limits = config.limits()
        folder = Path(tempfile.mkdtemp(dir=self._folder.name))
        slots = _slots(limits.videos_at_once)
        self.made_with = settings.for_video()
        self.job = VideoJob(
            self._video, folder, self._facts, limits, settings, config.model_path(), slots
        )

    def cancel(self) -> None:
        """Stop the job and delete its results; the video stays."""
        if self.job is not None:
            self.job.cancel()
            shutil.rmtree(self.job.output.parent, ignore_errors=True)
            self.job = None

    def clear(self) -> None:
        """Stop the job and delete all files."""
        self.cancel()
        self.name, self._video, self._facts = "", None, None
        for folder in Path(self._folder.name).iterdir():
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Delete everything at the end of the session."""
        self.clear()
        self._folder.cleanup()


def workspace() -> VideoWorkspace:
    """This session's workspace; its files are deleted when the session ends."""
    # The session's state holds it too, so that other pages find a job without this module.
    st.session_state["video_workspace"] = _workspace()
    return _workspace()


@st.cache_resource(scope="session", show_spinner=False, on_release=lambda each: each.close())
def _workspace() -> VideoWorkspace:
    return VideoWorkspace()


@st.cache_resource(show_spinner=False)
def _slots(at_once: int) -> threading.Semaphore:
    """The videos of all sessions that are processed at the same time."""
    return threading.Semaphore(at_once)
