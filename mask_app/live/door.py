"""The door: one large message for people who come in, full screen on a tablet at an entrance.

``/live?door=1`` opens it, and starts the camera by itself where the browser allows;
``&sound=tone`` or ``&sound=voice`` lets it be heard too. No picture is kept, unless the
administrator asks for it. The message is in the visitor's language.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import streamlit as st

from mask_app import config, models
from mask_app.history import cameras as history
from mask_app.live import streams
from mask_app.live.keeping import PictureFolder
from mask_app.live.processing import LiveProcessor
from mask_app.live.scripts import explain_camera, say, stay_open
from mask_app.live.sight import Seen
from mask_app.settings import WORN_WRONGLY, Settings
from mask_app.translations import gettext, gettext_noop, language, ngettext
from mask_app.zones.kept import ADDRESS
from mask_detector.video.people import UNMASKED

WORN_WRONG = "incorrect_mask"
SOUNDS = {"tone": gettext_noop("A tone"), "voice": gettext_noop("A voice")}
"""How a request can be heard, by the address's parameter ``sound``."""

_UPDATE_SECONDS = 0.5
_PRESS_AGAIN_SECONDS, _PATIENCE_SECONDS, _FIRST_PATIENCE_SECONDS = 10, 30, 120
# Signs and colours differ, too: white on each of them has a contrast of at least 4.5. The signs are
# of the font that Streamlit brings for its own.
_LOOKS = {
    "blind": ("videocam_off", "#4a4a4a"),
    "dark": ("dark_mode", "#4a4a4a"),
    "frozen": ("pause_circle", "#4a4a4a"),
    "nobody": ("waving_hand", "#1f4e79"),
    "unsure": ("visibility", "#1f4e79"),
    "thanks": ("check_circle", "#0b6e4f"),
    "put_on": ("masks", "#b3261e"),
    "cover": ("masks", "#7a4d00"),
}
TEXTS = {
    "blind": gettext_noop("The camera sees nothing at the moment"),
    "dark": gettext_noop("It is too dark for the camera, or something covers it"),
    "frozen": gettext_noop("The camera’s picture stands still"),
    "nobody": gettext_noop("Welcome"),
    "unsure": gettext_noop("Welcome, please look at the camera"),
    "thanks": gettext_noop("Thank you for wearing a mask"),
    "put_on": gettext_noop("Please put on your mask"),
    "cover": gettext_noop("Please cover your nose and mouth"),
}
"""What is said in each state."""
_SAID = ("put_on", "cover")
_NOBODY = ("blind", "dark", "frozen", "nobody")

_CSS = """
<style>
[data-testid=stSidebar], [data-testid=stExpandSidebarButton], header, .st-key-pages {
  display: none !important
}
.stMainBlockContainer {max-width: none; padding: 1rem}
.stMainBlockContainer [data-testid=stVerticalBlock] {gap: .25rem}
/* The picture and its buttons fit below the message, however the screen is turned. */
.st-key-door_picture {max-width: max(14rem, calc((38vh - 4.5rem) * 4 / 3)); align-self: center}
.door {display: flex; flex-direction: column; align-items: center; justify-content: center;
       min-height: 56vh; padding: 2rem; border-radius: 1rem; color: white; text-align: center;
       background: var(--door); transition: background .4s}
.door span {font: normal min(30vw, 26vh)/1 "Material Symbols Rounded";
            font-feature-settings: "liga"}
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
    kept = config.door_pictures()
    settings = replace(settings, event_faces=kept is not None and not kept.blurred)
    processor.detector, processor.settings = detector, settings
    processor.takes_pictures = kept is not None
    processor.folder = None if kept is None else _folder(kept.folder, history.door_name())
    history.record(processor, history.door_name())
    explain_camera()
    patience = _PATIENCE_SECONDS, _FIRST_PATIENCE_SECONDS
    stay_open(streams.start_text(), _PRESS_AGAIN_SECONDS, *patience)
    message = st.session_state.setdefault("door_message", Message())
    sound = st.query_params.get("sound", "")
    st.fragment(_show_message, run_every=_UPDATE_SECONDS)(processor, message, sound)
    if kept is not None:
        st.caption(what_is_kept(), text_alignment="center")
    with st.container(key="door_picture"):
        streams.browser_camera(processor, "door_camera")
    if st.button(gettext("Leave"), icon=":material/close_fullscreen:", type="tertiary"):
        for name in ("door", "sound", WORN_WRONGLY, ADDRESS):
            st.query_params.pop(name, None)
        st.rerun()


@st.cache_resource(show_spinner=False)
def _folder(folder: Path, camera: str) -> PictureFolder:
    return PictureFolder(folder, camera)


def what_is_kept() -> str:
    """A sentence about the pictures that the administrator keeps, or that there are none."""
    kept = config.door_pictures()
    if kept is None:
        return gettext("No picture is kept.")
    if kept.blurred:
        return ngettext(
            "A blurred picture of people without a mask is kept for {count} day.",
            "A blurred picture of people without a mask is kept for {count} days.",
            kept.days,
        )
    return ngettext(
        "A picture of people without a mask is kept for {count} day.",
        "A picture of people without a mask is kept for {count} days.",
        kept.days,
    )


def state_of(counts: Mapping[str, int] | None, seen: Seen = "clear") -> str:
    """Which message is shown: a key of ``TEXTS``.

    Args:
        counts: people in the newest picture, per label; None where there is no picture.
        seen: whether the camera can see anybody; people who were found count more.
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
    return "nobody" if seen == "clear" else seen


@dataclass
class Message:
    """The state that is shown: one that lasts, so that a face missed for a moment changes nothing.

    Attributes:
        shown: a key of ``TEXTS``.
    """

    shown: str = "blind"
    _next: str = "blind"

    def follow(self, state: str) -> str:
        """Take in the newest state; it is shown from the second time on, or where nobody was."""
        if state == self._next or self.shown in _NOBODY:
            self.shown = state
        self._next = state
        return self.shown


def _show_message(processor: LiveProcessor, message: Message, sound: str) -> None:
    status = processor.status()
    counts = status.counts if status.running else None
    state = message.follow(state_of(counts, status.seen))
    sign, colour = _LOOKS[state]
    text = gettext(TEXTS[state])
    st.html(
        f'<div class="door" style="--door: {colour}" data-state="{state}" role="status">'
        f'<span aria-hidden="true">{sign}</span><p>{html.escape(text)}</p></div>'
    )
    if sound in SOUNDS:
        say(text if state in _SAID else "", language(), voice=sound == "voice")
