"""The page for videos: upload some, see how far they are, watch the results, download them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import pandas as pd
import streamlit as st

from mask_app import config, downloads, examples, models, widgets
from mask_app.photos.results import safe_name
from mask_app.report import panel
from mask_app.report.findings import findings, read_records
from mask_app.report.footage import video_report
from mask_app.settings import Settings
from mask_app.translations import gettext
from mask_app.uploads import forget
from mask_app.video import event_list, progress, timeline
from mask_app.video.events import Event, as_csv, read_events
from mask_app.video.job import VideoJob
from mask_app.video.pictures import with_pictures
from mask_app.video.workspace import VIDEO_SUFFIXES, Video, VideoWorkspace, workspace
from mask_app.zones.editor import VIDEOS, show_video_editor
from mask_app.zones.kept import with_zones
from mask_detector.errors import SourceError


def page(settings: Settings) -> None:
    """Draw the page."""
    st.title(gettext("Video"), anchor=False)
    settings = with_zones(settings, VIDEOS)
    work = workspace()
    _take_uploads(work)
    if example := examples.chosen():
        _show_example(work, example, settings)
    if work.refused:
        messages = [widgets.sentence(reason, name) for name, reason in work.refused]
        st.error("  \n".join(messages), icon=":material/error:")
    if not work.videos:
        if st.button(gettext("Use the example video"), icon=":material/movie:"):
            _take(work, examples.VIDEO.name, examples.VIDEO.read_bytes())
            st.rerun()
        return
    running = work.running  # before what has finished is chosen: what ends now is chosen next time
    _choose_finished(work)
    st.fragment(_show_list, run_every=0.5 if running else None)(work, settings, len(running))
    shown = next((video for video in work.videos if video.number == work.shown), None)
    show_video_editor((shown or work.videos[0]).file, settings)
    if shown is not None and shown.job is not None and shown.done:
        if shown.made_with != settings.for_video():
            st.info(
                gettext("The result below was made with other settings."), icon=":material/tune:"
            )
        if shown.job.warning is not None:
            widgets.show_warning(shown.job.warning, shown.name)
        _show_result(shown, shown.job, settings)


def _take_uploads(work: VideoWorkspace) -> None:
    limits = config.limits()
    uploads = st.file_uploader(
        gettext(
            "Drop videos here or choose them: up to {minutes} minutes and {size} MB each",
            minutes=limits.video_minutes,
            size=limits.video_megabytes,
        ),
        type=["video", *VIDEO_SUFFIXES],
        accept_multiple_files=True,
        key=f"video_upload_{work.uploads}",
        help=gettext(
            "They are processed on the computer that runs this page, one after the other, and "
            "deleted when you close the page or remove them."
        ),
    )
    if uploads:
        work.refused = []
        for upload in uploads:
            _take(work, upload.name, upload.getbuffer())
        forget(uploads)
        st.rerun()


def _take(work: VideoWorkspace, name: str, data: bytes | memoryview) -> None:
    work.uploads += 1
    try:
        work.take(name, data)
    except SourceError as error:
        work.refused.append((safe_name(name), str(error)))


def _show_example(work: VideoWorkspace, example: Path, settings: Settings) -> None:
    """Process the example, or show it where that was done before."""
    video = next((video for video in work.videos if video.name == example.name), None)
    if video is None:
        video = work.take(example.name, example.read_bytes())
    if video.job is None:
        video.begin(settings)
    work.shown = video.number


def _show_list(work: VideoWorkspace, settings: Settings, were_running: int) -> None:
    """The videos, what is done with each, and buttons."""
    running = work.running
    if len(running) < were_running:
        st.rerun()
    new = [video for video in work.videos if video.job is None]
    if len(new) > 1 and st.button(
        gettext("Process all"), type="primary", icon=":material/play_arrow:"
    ):
        for video in new:
            video.begin(settings)
        st.rerun()
    for video in work.videos:
        with st.container(border=True, key=f"video_{video.number}"):
            row = st.container(
                horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
            )
            row.markdown(
                f"**{widgets.escaped(video.name)}**  \n{_in_words(video)}", width="content"
            )
            buttons = row.container(horizontal=True, width="content")
            with buttons:
                _show_buttons(work, video, settings, only_new=len(new) == 1)
            if video.running:
                progress.bar(video)
            elif video.job is not None and video.job.error is not None:
                widgets.show_error(video.job.error)


def _choose_finished(work: VideoWorkspace) -> None:
    """Show a result where none is shown, and none is being made again."""
    shown = next((video for video in work.videos if video.number == work.shown), None)
    if shown is None or not (shown.done or shown.running):
        work.shown = next((video.number for video in work.videos if video.done), work.shown)


def _in_words(video: Video) -> str:
    """Duration, size and state."""
    facts = video.facts
    if video.job is None:
        state = gettext("not processed yet")
    elif video.running:
        state = gettext("waiting") if video.job.waiting else gettext("in progress")
    else:
        state = gettext("done") if video.done else gettext("failed")
    length = widgets.clock(facts.seconds) if facts.seconds else gettext("unknown duration")
    return f"{length} · {facts.width} × {facts.height} · {state}"


def _show_buttons(work: VideoWorkspace, video: Video, settings: Settings, only_new: bool) -> None:
    """What can be done with a video now."""
    number, new = video.number, video.job is None
    if video.running:
        if st.button(gettext("Cancel"), key=f"cancel_{number}"):
            video.cancel()
            st.rerun()
    else:
        if video.done and number != work.shown:
            icon = ":material/visibility:"
            if st.button(gettext("Show"), key=f"show_{number}", icon=icon, type="primary"):
                work.shown = number
                st.rerun()
        text = gettext("Process video") if new else gettext("Process again")
        kind: Literal["primary", "secondary"] = "primary" if new and only_new else "secondary"
        if st.button(text, key=f"process_{number}", type=kind):
            video.begin(settings)
            st.rerun()
    icon = ":material/delete:"
    if st.button(gettext("Remove"), key=f"remove_{number}", icon=icon, type="tertiary"):
        work.remove(video)
        st.rerun()


def _show_result(video: Video, job: VideoJob, settings: Settings) -> None:
    classes = models.model(job.settings.worn_wrongly).card.classes
    rows = job.rows()
    if not rows:
        st.info(gettext("The video has no frame."), icon=":material/search_off:")
        return
    stem = Path(video.name).stem
    counts = pd.DataFrame(rows).set_index("time_s")
    most = counts.reindex(columns=[*classes, "unsure"], fill_value=0).fillna(0).max().astype(int)
    events = read_events(job.records)
    name = widgets.escaped(video.name)
    st.header(gettext("Result of {name}", name=name), anchor=False)
    left, right = st.columns([3, 2])
    with left, st.container(key="video_result"):
        alt = gettext("{name} with a box and a label for each face", name=stem)
        st.video(str(job.output), alt=alt)
    with right:
        st.markdown(gettext("Most people at once:"))
        widgets.count_tiles(most.to_dict(), classes)
        _show_events(_with_pictures(events, job, settings), video, settings)
    st.header(gettext("Over time"), anchor=False)
    timeline.show(rows, video.facts.seconds, classes, events)
    st.caption(
        gettext("Choose a moment to see it in the video; with the keyboard, the arrow keys.")
    )
    _show_downloads(job, events, stem)
    worn_wrongly = job.settings.worn_wrongly
    model, megapixels = config.model_path(worn_wrongly), config.limits().video_megapixels
    panel.offer_report(
        lambda context: video_report(
            findings(video.name, video.file, job, model, megapixels, context),
            job.settings,
            context,
        ),
        stem,
        f"video_{video.number}",
        worn_wrongly,
    )


def _with_pictures(events: Sequence[Event], job: VideoJob, settings: Settings) -> list[Event]:
    """The events with their pictures, which are kept with the result."""
    hide = settings.event_blur != "none"
    if hide not in job.event_pictures:
        with st.spinner(gettext("One moment…")):
            hiding = models.hiding_detector(job.settings.detector) if hide else None
            job.event_pictures[hide] = with_pictures(events, job.output, read_records(job), hiding)
    return job.event_pictures[hide]


def _show_events(events: Sequence[Event], video: Video, settings: Settings) -> None:
    st.header(gettext("People without a mask"), anchor=False)
    if not events:
        st.markdown(gettext("Nobody was without a mask for long enough to count."))
        return
    st.caption(gettext("Choose one to see it in the video."))
    blurred = settings.event_blur != "none"
    event_list.show(events, widgets.clock, f"video_{video.number}", blurred, jumps=True)


def _show_downloads(job: VideoJob, events: Sequence[Event], stem: str) -> None:
    with st.container(horizontal=True):
        for label, path, mime, icon in (
            (gettext("Video (MP4)"), job.output, "video/mp4", "movie"),
            (gettext("Table (CSV)"), job.table, "text/csv", "table"),
            (gettext("Data (JSON)"), job.records, "application/jsonl", "data_object"),
        ):
            name = f"{stem}_mask{path.suffix}"
            downloads.link(label, partial(Path, path), name, mime, icon, key=str(path))
        downloads.link(
            gettext("Events (CSV)"),
            lambda: as_csv(events, "{:.1f}".format),
            f"{stem}_events.csv",
            "text/csv",
            "table",
            key=f"{job.table} events",
        )
