"""The page for videos: upload one, watch the result, take it along."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from mask_app import models, operator, parts
from mask_app.session import session_folder
from mask_app.settings import Settings
from mask_app.video_job import VideoJob, check_video

VIDEO_SUFFIXES = ("mp4", "mov", "m4v", "avi", "mkv", "webm", "mpg", "mpeg")
_CHART_POINTS = 300
_EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "example_video.mp4"


def page(settings: Settings) -> None:
    """Draw the page."""
    st.header("Video", anchor=False)
    limits = operator.limits()
    upload = st.file_uploader(
        f"Drop a video here or choose one, up to {limits.video_minutes} minutes",
        type=list(VIDEO_SUFFIXES),
        max_upload_size=limits.video_megabytes,
        help="It is looked at on the computer that runs this page and deleted when you close it.",
    )
    example = upload is None and st.toggle("Take the example video")
    if upload is None and not example:
        _forget()
        return
    name = upload.name if upload else _EXAMPLE.name
    wanted = (upload.file_id if upload else "example", settings.for_video())
    job: VideoJob | None = st.session_state.get("video_job")
    if job is not None and st.session_state["video_wanted"] != wanted:
        st.info("The result below was made with other settings.", icon="🎛️")
    if st.button("Look at it" if job is None else "Look at it again", type="primary"):
        _forget()
        job = _begin(upload.getvalue() if upload else _EXAMPLE.read_bytes(), name, settings)
        st.session_state["video_job"], st.session_state["video_wanted"] = job, wanted
    if job is None:
        return
    if job.running:
        st.fragment(_show_progress, run_every=0.5)(job)
    elif job.error is not None:
        st.error(f"**{name}**: {job.error}.", icon="🚫")
    else:
        _show_result(job, Path(name).stem)


@st.cache_resource(show_spinner=False)
def _turns(at_once: int) -> threading.Semaphore:
    return threading.Semaphore(at_once)


def _stop(jobs: list[VideoJob]) -> None:
    for job in jobs:
        job.cancel()


@st.cache_resource(scope="session", show_spinner=False, on_release=_stop)
def _jobs() -> list[VideoJob]:
    """This session's job, if it has one: stopped when the session ends."""
    return []


def _begin(data: bytes, name: str, settings: Settings) -> VideoJob:
    limits = operator.limits()
    folder = session_folder() / "video"
    folder.mkdir()
    video = folder / f"upload{Path(name).suffix.lower()}"
    video.write_bytes(data)
    facts = check_video(video, limits)
    turn = _turns(limits.videos_at_once)
    job = VideoJob(video, folder, facts, limits, settings, operator.model_path(), turn)
    _jobs().append(job)
    return job


def _forget() -> None:
    _stop(_jobs())
    _jobs().clear()
    st.session_state.pop("video_job", None)
    shutil.rmtree(session_folder() / "video", ignore_errors=True)


def _show_progress(job: VideoJob) -> None:
    if not job.running:
        st.rerun()
    share, left = job.progress()
    text = "Waiting for the videos of others…" if job.waiting else f"{share:.0%} done"
    if left is not None:
        text += f", {_duration(left)} left"
    st.progress(share, text)
    if st.button("Cancel"):
        _forget()
        st.rerun()


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def _show_result(job: VideoJob, stem: str) -> None:
    classes = models.classifier().classes
    counts = pd.DataFrame(job.rows()).set_index("time_s")
    most = counts.reindex(columns=[*classes, "unsure"], fill_value=0).fillna(0).max().astype(int)
    st.subheader("Most at once", anchor=False)
    parts.count_tiles(most.to_dict(), classes)
    st.video(str(job.output), alt=f"{stem} with a box and an answer for each face")
    st.subheader("Over time", anchor=False)
    parts.counts_chart(_thinned(counts.fillna(0), classes), classes, "Seconds", "d")
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
