"""How far the session's videos are, in words and bars; on the other pages too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from mask_app import widgets
from mask_app.translations import gettext, ngettext, number, percent

if TYPE_CHECKING:  # slow to import: the first page does not wait for them
    from mask_app.video.job import Progress
    from mask_app.video.workspace import Video, VideoWorkspace

_EXACT_BELOW = 10  # frames per second


def in_words(progress: Progress) -> str:
    """Share, rate and time left: "45% done, 24 frames per second, 12 s left"."""
    if progress.place == 1:
        words = [gettext("Next in the queue")]
    elif progress.place:
        words = [gettext("Number {place} in the queue", place=progress.place)]
    else:
        words = [gettext("{share} done", share=percent(progress.share))]
    if progress.frames_per_second:
        rate = progress.frames_per_second
        rate_words = number(rate, 0 if rate >= _EXACT_BELOW else 1)
        words.append(gettext("{rate} frames per second", rate=rate_words))
    if progress.seconds_left is not None:
        time = duration(progress.seconds_left)
        if progress.place:
            words.append(gettext("done in about {time}", time=time))
        else:
            words.append(gettext("{time} left", time=time))
    return ", ".join(words)


def bar(video: Video, title: str = "") -> None:
    """A bar of a video that is being processed or waits for that.

    Args:
        video: has a job.
        title: Markdown before the words.
    """
    if video.job is not None:
        progress = video.job.progress()
        st.progress(progress.share, title + in_words(progress))


def show_elsewhere() -> None:
    """The running videos' progress on the other pages; nothing where none is running."""
    work: VideoWorkspace | None = st.session_state.get("video_workspace")
    if work is not None and work.running:
        st.fragment(_show, run_every=1.0)(work, len(work.running))


def _show(work: VideoWorkspace, were_running: int) -> None:
    running = work.running
    if running:
        name = f"**{widgets.escaped(running[0].name)}**"
        title = gettext("Video {name}: ", name=name)
        if more := len(running) - 1:
            title += ngettext("({count} more to do)", "({count} more to do)", more) + " "
        bar(running[0], title)
    elif were_running:
        st.caption(gettext("The videos are processed: see the results on the page Video."))


def duration(seconds: float) -> str:
    """A time span: "8 s", "1 min 5 s", "2 h 3 min"."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return gettext("{hours} h {minutes} min", hours=hours, minutes=minutes)
    if minutes:
        return gettext("{minutes} min {seconds} s", minutes=minutes, seconds=seconds)
    return gettext("{seconds} s", seconds=seconds)
