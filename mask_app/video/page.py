"""The page for videos: upload one, watch the result, download it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from mask_app import config, examples, models, widgets
from mask_app.photos.results import safe_name
from mask_app.settings import Settings
from mask_app.translations import gettext
from mask_app.video.events import read_events
from mask_app.video.job import VideoJob
from mask_app.video.workspace import VIDEO_SUFFIXES, VideoWorkspace, workspace
from mask_detector.errors import SourceError

_CHART_POINTS = 300


def page(settings: Settings) -> None:
    """Draw the page."""
    st.title(gettext("Video"), anchor=False)
    limits = config.limits()
    work = workspace()
    upload = st.file_uploader(
        gettext(
            "Drop a video here or choose one: up to {minutes} minutes and {size} MB",
            minutes=limits.video_minutes,
            size=limits.video_megabytes,
        ),
        type=["video", *VIDEO_SUFFIXES],
        key=f"video_upload_{work.uploads}",
        help=gettext(
            "It is processed on the computer that runs this page, and deleted when you close "
            "the page or remove it."
        ),
    )
    if example := examples.chosen():
        work.take(example.name, example.read_bytes())
        work.begin(settings)
    if upload is not None:
        _take(work, upload.name, upload.getbuffer())
    if refused := st.session_state.get("video_refused"):
        widgets.show_error(*refused)
    if not work.name:
        if st.button(gettext("Use the example video")):
            _take(work, examples.VIDEO.name, examples.VIDEO.read_bytes())
        return
    st.markdown(f"**{widgets.escaped(work.name)}**")
    _show_buttons(work, settings)
    if work.job is None:
        return
    if work.made_with != settings.for_video():
        st.info(gettext("The result below was made with other settings."), icon=":material/tune:")
    if work.job.running:
        st.fragment(_show_progress, run_every=0.5)(work)
    elif work.job.error is not None:
        widgets.show_error(work.job.error, work.name)
    else:
        if work.job.warning is not None:
            widgets.show_warning(work.job.warning, work.name)
        _show_result(work.job, Path(work.name).stem)


def _take(work: VideoWorkspace, name: str, data: bytes | memoryview) -> None:
    work.uploads += 1
    st.session_state["video_refused"] = None
    try:
        work.take(name, data)
    except SourceError as error:
        st.session_state["video_refused"] = str(error), safe_name(name)
    st.rerun()


def _show_buttons(work: VideoWorkspace, settings: Settings) -> None:
    with st.container(horizontal=True):
        if work.job is None or not work.job.running:
            text = gettext("Process video") if work.job is None else gettext("Process again")
            if st.button(text, type="primary"):
                work.begin(settings)
                st.rerun()
        if st.button(gettext("Remove"), icon=":material/delete:"):
            work.clear()
            st.rerun()


def _show_progress(work: VideoWorkspace) -> None:
    job = work.job
    if job is None or not job.running:
        st.rerun()
    widgets.job_progress(job)
    if st.button(gettext("Cancel")):
        work.cancel()
        st.rerun()


def _show_result(job: VideoJob, stem: str) -> None:
    classes = models.model().card.classes
    rows = job.rows()
    if not rows:
        st.info(gettext("The video has no frame."), icon=":material/search_off:")
        return
    counts = pd.DataFrame(rows).set_index("time_s")
    most = counts.reindex(columns=[*classes, "unsure"], fill_value=0).fillna(0).max().astype(int)
    st.header(gettext("Most at once"), anchor=False)
    widgets.count_tiles(most.to_dict(), classes)
    events = read_events(job.records)
    chosen = widgets.chosen_row("video_events")
    start_s = int(events[chosen].start_s) if chosen is not None and chosen < len(events) else 0
    alt = gettext("{name} with a box and a label for each face", name=stem)
    st.video(str(job.output), alt=alt, start_time=start_s)
    if events:
        st.header(gettext("People without a mask"), anchor=False)
        st.caption(gettext("Choose a row to see it in the video."))
        widgets.event_table(
            pd.DataFrame(
                {
                    gettext("Person"): [f"#{event.track}" for event in events],
                    gettext("From"): [widgets.clock(event.start_s) for event in events],
                    gettext("Seconds"): [event.seconds for event in events],
                }
            ),
            "video_events",
        )
    st.header(gettext("Over time"), anchor=False)
    widgets.counts_chart(_thinned(counts.fillna(0), classes), classes, gettext("Seconds"), "d")
    with st.container(horizontal=True):
        for label, path, mime, icon in (
            (gettext("Video (MP4)"), job.output, "video/mp4", ":material/movie:"),
            (gettext("Table (CSV)"), job.table, "text/csv", ":material/table:"),
            (gettext("Data (JSON)"), job.records, "application/jsonl", ":material/data_object:"),
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
    """At most ``_CHART_POINTS`` rows, each with the highest counts of the frames it stands for."""
    if len(counts) <= _CHART_POINTS:
        return counts
    bins = pd.cut(counts.index, _CHART_POINTS, labels=False)
    times = counts.index.to_series().groupby(bins).min()
    return counts.groupby(bins).max().set_index(times.to_numpy())
