"""One session's videos: their files, in a folder of their own, and the jobs that process them."""

from __future__ import annotations

import logging
import shutil
import tempfile
from pathlib import Path

import streamlit as st

from mask_app import config
from mask_app.photos.results import safe_name
from mask_app.settings import Settings
from mask_app.video.job import VideoFacts, VideoJob, check_video
from mask_app.video.turns import Turns
from mask_detector.errors import SourceError
from mask_detector.wording import number_of

logger = logging.getLogger(__name__)

VIDEO_SUFFIXES = ("mp4", "mov", "m4v", "avi", "mkv", "webm", "mpg", "mpeg")


class Video:
    """An uploaded video, until it is removed.

    Attributes:
        number: distinguishes it from the session's other videos.
        name: of its file, safe to use.
        file: where it is.
        facts: what is known of it.
        job: what processes it, or has done so; None before.
        made_with: the settings of the job.
    """

    def __init__(self, number: int, name: str, file: Path, facts: VideoFacts) -> None:
        self.number = number
        self.name = name
        self.file = file
        self.facts = facts
        self.job: VideoJob | None = None
        self.made_with: tuple[object, ...] = ()
        self._begun = 0

    @property
    def running(self) -> bool:
        """Whether it is being processed or waits for that."""
        return self.job is not None and self.job.running

    @property
    def done(self) -> bool:
        """Whether there is a result to show."""
        return self.job is not None and not self.job.running and self.job.error is None

    def begin(self, settings: Settings) -> None:
        """Process it with these settings, from the start, when it is its turn."""
        self.cancel()
        limits = config.limits()
        self._begun += 1
        folder = self.file.parent / f"result_{self._begun}"
        turns = _turns(limits.videos_at_once)
        self.made_with = settings.for_video()
        self.job = VideoJob(
            self.file,
            folder,
            self.facts,
            limits,
            settings,
            config.model_path(settings.worn_wrongly),
            turns,
        )

    def cancel(self) -> None:
        """Stop the job and delete its results; the video stays."""
        if self.job is not None:
            self.job.cancel()
            shutil.rmtree(self.job.output.parent, ignore_errors=True)
            self.job = None


class VideoWorkspace:
    """The videos of one session.

    Attributes:
        videos: in the order in which they came.
        shown: number of the one whose result is shown, None before the first.
        refused: name and reason of each file that was not accepted, of the last upload.
        uploads: uploads so far; each one empties the drop zone.
    """

    def __init__(self) -> None:
        self.videos: list[Video] = []
        self.shown: int | None = None
        self.refused: list[tuple[str, str]] = []
        self.uploads = 0
        self._taken = 0
        self._folder = tempfile.TemporaryDirectory(prefix="mask_app_", ignore_cleanup_errors=True)

    @property
    def running(self) -> list[Video]:
        """The videos that are being processed or wait for that, in the order of their turns."""
        return sorted(
            (video for video in self.videos if video.running),
            key=lambda video: video.job.progress().place if video.job else 0,
        )

    def take(self, name: str, data: bytes | memoryview) -> Video:
        """Take a video in, after the others.

        Raises:
            SourceError: it is not accepted.
        """
        limits = config.limits()
        if len(self.videos) >= limits.videos:
            raise SourceError(
                f"at most {number_of(limits.videos, 'video')} can be here at once; "
                "remove some first"
            )
        if len(data) > limits.video_megabytes * 2**20:
            raise SourceError(
                f"the file has {len(data) / 2**20:.0f} MB, "
                f"at most {limits.video_megabytes} are accepted"
            )
        suffix = Path(name).suffix.lower()
        self._taken += 1
        folder = Path(self._folder.name) / str(self._taken)
        file = folder / f"upload{suffix if suffix[1:] in VIDEO_SUFFIXES else '.mp4'}"
        try:
            folder.mkdir()
            file.write_bytes(data)
            facts = check_video(file, limits)
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            logger.exception("an uploaded video could not be stored")
            raise SourceError(
                "the video could not be stored on the computer that runs this page"
            ) from None
        except SourceError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        video = Video(self._taken, safe_name(name), file, facts)
        self.videos.append(video)
        return video

    def remove(self, video: Video) -> None:
        """Stop its job and delete its files."""
        video.cancel()
        shutil.rmtree(video.file.parent, ignore_errors=True)
        self.videos.remove(video)
        if self.shown == video.number:
            self.shown = None

    def close(self) -> None:
        """Delete everything at the end of the session."""
        for video in self.videos[::-1]:  # those that wait first: none of them begins
            self.remove(video)
        self._folder.cleanup()


def workspace() -> VideoWorkspace:
    """This session's videos; their files are deleted when the session ends."""
    # The session's state holds it too, so that other pages find jobs without this module.
    st.session_state["video_workspace"] = _workspace()
    return _workspace()


@st.cache_resource(scope="session", show_spinner=False, on_release=lambda each: each.close())
def _workspace() -> VideoWorkspace:
    return VideoWorkspace()


@st.cache_resource(show_spinner=False)
def _turns(at_once: int) -> Turns[VideoJob]:
    """The queue of all sessions' videos."""
    return Turns(at_once)
