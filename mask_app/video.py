"""The page for videos: upload one, watch the result, take it along."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from mask_app import config, models, widgets
from mask_app.settings import Settings
from mask_app.video_job import VideoJob, check_video

VIDEO_SUFFIXES = ("mp4", "mov", "m4v", "avi", "mkv", "webm", "mpg", "mpeg")
_CHART_POINTS = 300
_EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "example_video.mp4"


def page(settings: Settings) -> None:
    """Draw the page."""
    st.header("Video", anchor=False)
    limits = config.limits()
    upload = st.file_uploader(
        f"Drop a video here or choose one, up to {limits.video_minutes} minutes",
        type=list(VIDEO_SUFFIXES),
        max_upload_size=limits.video_megabytes,
        help="It is looked at on the computer that runs this page and deleted when you close it.",
    )
    example = upload is None and st.toggle("Take the example video")
    if upload is None and not example:
        _desk().clear()
        return
    name = upload.name if upload else _EXAMPLE.name
    desk = _desk()
    wanted = (upload.file_id if upload else "example", settings.for_video())
    if desk.job is not None and desk.wanted != wanted:
        st.info("The result below was made with other settings.", icon="🎛️")
    if st.button("Look at it" if desk.job is None else "Look at it again", type="primary"):
        desk.begin(upload.getvalue() if upload else _EXAMPLE.read_bytes(), name, settings)
        desk.wanted = wanted
    if desk.job is None:
        return
    if desk.job.running:
        st.fragment(_show_progress, run_every=0.5)(desk)
    elif desk.job.error is not None:
        st.error(f"**{name}**: {desk.job.error}.", icon="🚫")
    else:
        _show_result(desk.job, Path(name).stem)


@st.cache_resource(show_spinner=False)
def _turns(at_once: int) -> threading.Semaphore:
    return threading.Semaphore(at_once)


class _Desk:
    """One session's video: its files, in a folder that nobody else knows of, and the work on it."""

    def __init__(self) -> None:
        self.job: VideoJob | None = None
        self.wanted: tuple[object, ...] = ()
        self._folder = tempfile.TemporaryDirectory(prefix="mask_app_", ignore_cleanup_errors=True)

    def begin(self, data: bytes, name: str, settings: Settings) -> None:
        """Look at an uploaded video, in place of the one before.

        Raises:
            SourceError: it cannot be looked at.
        """
        self.clear()
        limits = config.limits()
        folder = Path(tempfile.mkdtemp(dir=self._folder.name))
        suffix = Path(name).suffix.lower()
        video = folder / f"upload{suffix if suffix[1:] in VIDEO_SUFFIXES else '.mp4'}"
        video.write_bytes(data)
        facts = check_video(video, limits)
        turn = _turns(limits.videos_at_once)
        self.job = VideoJob(video, folder, facts, limits, settings, config.model_path(), turn)

    def clear(self) -> None:
        """Stop what is under way and delete its files."""
        if self.job is not None:
            self.job.cancel()
            self.job = None
        for folder in Path(self._folder.name).iterdir():
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """The session is over."""
        self.clear()
        self._folder.cleanup()


@st.cache_resource(scope="session", show_spinner=False, on_release=lambda desk: desk.close())
def _desk() -> _Desk:
    return _Desk()


def _show_progress(desk: _Desk) -> None:
    job = desk.job
    if job is None or not job.running:
        st.rerun()
    share, left = job.progress()
    text = "Waiting for the videos of others…" if job.waiting else f"{share:.0%} done"
    if left is not None:
        text += f", {_duration(left)} left"
    st.progress(share, text)
    if st.button("Cancel"):
        desk.clear()
        st.rerun()


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def _show_result(job: VideoJob, stem: str) -> None:
    classes = models.model().card.classes
    counts = pd.DataFrame(job.rows()).set_index("time_s")
    most = counts.reindex(columns=[*classes, "unsure"], fill_value=0).fillna(0).max().astype(int)
    st.subheader("Most at once", anchor=False)
    widgets.count_tiles(most.to_dict(), classes)
    st.video(str(job.output), alt=f"{stem} with a box and an answer for each face")
    st.subheader("Over time", anchor=False)
    widgets.counts_chart(_thinned(counts.fillna(0), classes), classes, "Seconds", "d")
    with st.container(horizontal=True):
        for label, path, mime, icon in (
            ("Video (MP4)", job.output, "video/mp4", ":material/movie:"),
            ("Table (CSV)", job.table, "text/csv", ":material/table:"),
            ("Data (JSON)", job.records, "application/jsonl", ":material/data_object:"),
        ):
            st.download_button(
                label,
                path.read_bytes,
                f"{stem}_mask{path.suffix}",
                mime,
                on_click="ignore",
                icon=icon,
            )


def _thinned(counts: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """Of many frames, at most ``_CHART_POINTS`` moments, each with the most people in it."""
    if len(counts) <= _CHART_POINTS:
        return counts
    bins = pd.cut(counts.index, _CHART_POINTS, labels=False)
    times = counts.index.to_series().groupby(bins).min()
    return counts.groupby(bins).max().set_index(times.to_numpy())
