"""The examples that visitors can try the app with."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from mask_app.command import HOME
from mask_app.translations import gettext_noop

_FOLDER = HOME / "examples"

PHOTOS = {
    _FOLDER / "example_02.jpg": gettext_noop("One person"),
    _FOLDER / "example_03.jpg": gettext_noop("Glasses and a cap"),
    _FOLDER / "example_08.jpg": gettext_noop("Many small faces"),
}
"""What they show, by their files."""

VIDEO = _FOLDER / "example_video.mp4"

CHOSEN = "chosen_example"
"""Where the session's state holds an example for the page that opens next."""


@st.cache_data(show_spinner=False)
def video_picture() -> bytes:
    """The first picture of the example video, a JPEG."""
    import cv2  # slow to import: the first page's words do not wait for it

    capture = cv2.VideoCapture(str(VIDEO))
    try:
        _, picture = capture.read()
    finally:
        capture.release()
    return cv2.imencode(".jpg", picture)[1].tobytes()


def chosen() -> Path | None:
    """The example that this page was opened with; None the next time, or where there is none."""
    return st.session_state.pop(CHOSEN, None)
