"""The door: one large message for people who come in, full screen on a tablet at an entrance.

``/live?door=1`` opens it, and starts the camera by itself where the browser allows. No picture is
kept. The message is in the visitor's language.
"""

from __future__ import annotations

import html
from collections.abc import Mapping

import streamlit as st

from mask_app import models
from mask_app.live import streams
from mask_app.live.processing import LiveProcessor
from mask_app.live.scripts import explain_camera, stay_open
from mask_app.settings import Settings
from mask_app.translations import gettext, gettext_noop
from mask_detector.video.people import UNMASKED

WORN_WRONG = "incorrect_mask"

_UPDATE_SECONDS = 0.5
_PRESS_AGAIN_SECONDS, _PATIENCE_SECONDS = 10, 30
# Signs and colours differ, too: white on each of them has a contrast of at least 4.5.
_LOOKS = {
    "blind": ("○", "#4a4a4a"),
    "nobody": ("●", "#1f4e79"),
    "unsure": ("?", "#1f4e79"),
    "thanks": ("✓", "#0b6e4f"),
    "put_on": ("✗", "#b3261e"),
    "cover": ("!", "#7a4d00"),
}
TEXTS = {
    "blind": gettext_noop("The camera sees nothing at the moment"),
    "nobody": gettext_noop("Welcome"),
    "unsure": gettext_noop("Welcome, please look at the camera"),
    "thanks": gettext_noop("Thank you for wearing a mask"),
    "put_on": gettext_noop("Please put on your mask"),
    "cover": gettext_noop("Please cover your nose and mouth"),
}
"""What is said in each state."""

_CSS = """
<style>
[data-testid=stSidebar], [data-testid=stExpandSidebarButton], header, .st-key-pages {
  display: none !important
}
.stMainBlockContainer {max-width: none; padding: 1rem}
.door {display: flex; flex-direction: column; align-items: center; justify-content: center;
       min-height: 52vh; padding: 2rem; border-radius: 1rem; color: white; text-align: center;
       background: var(--door); transition: background .4s}
.door span {font-size: min(20vw, 22vh); line-height: 1}
.door p {font-size: min(8vw, 9vh); line-height: 1.15; margin: .3em 0 0; font-weight: 600}
</style>
"""


def is_open() -> bool:
    """Whether the address asks for the door."""
    return st.query_params.get("door") == "1"


def page(settings: Settings) -> None:
    """Draw the page."""
    st.html(_CSS)
    reason = streams.why_no_camera(st.context.url)
    if reason is not None:
        st.warning(reason, icon=":material/lock:")
        return
    detector = models.live_detector(settings)
    processor: LiveProcessor = st.session_state.setdefault(
        "door_processor", LiveProcessor(detector, settings)
    )
    processor.detector, processor.settings = detector, settings
    explain_camera()
    stay_open(streams.start_text(), _PRESS_AGAIN_SECONDS, _PATIENCE_SECONDS)
    st.fragment(_show_message, run_every=_UPDATE_SECONDS)(processor)
    _, middle, _ = st.columns([1, 2, 1])
    with middle:
        streams.browser_camera(processor, "door_camera")
    if st.button(gettext("Leave"), icon=":material/close_fullscreen:", type="tertiary"):
        del st.query_params["door"]
        st.rerun()


def state_of(counts: Mapping[str, int] | None) -> str:
    """Which message is shown: a key of ``TEXTS``.

    Args:
        counts: people in the newest picture, per label; None where there is no picture.
    """
    if counts is None:
        return "blind"
    for label, state in (
        (UNMASKED, "put_on"),
        (WORN_WRONG, "cover"),
        ("unsure", "unsure"),
        ("with_mask", "thanks"),
    ):
        if counts.get(label):
            return state
    return "nobody"


def _show_message(processor: LiveProcessor) -> None:
    status = processor.status()
    state = state_of(status.counts if status.running else None)
    sign, colour = _LOOKS[state]
    text = html.escape(gettext(TEXTS[state]))
    st.html(
        f'<div class="door" style="--door: {colour}" data-state="{state}" role="status">'
        f'<span aria-hidden="true">{sign}</span><p>{text}</p></div>'
    )
