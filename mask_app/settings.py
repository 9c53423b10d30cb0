"""What a visitor decides: the sidebar, the same on every page, acting at once."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

import face_detector
from mask_app.models import LEAST_CONFIDENCE, default_unsure
from mask_detector.command_line import BLUR_CHOICES
from mask_detector.detector import DEFAULT_CONFIDENCE

DETECTOR_NAMES = {
    "yunet": "Modern (far faces too)",
    "ssd": "Classic (near faces)",
}
BLUR_NAMES = {
    "none": "Nobody",
    "without_mask": "People without a mask or unsure",
    "all": "Everybody",
}


@dataclass(frozen=True)
class Settings:
    """One visitor's choices.

    Attributes:
        detector: a name from ``face_detector.DETECTORS``.
        confidence: faces with a lower score are left out.
        unsure: half width of the band in which a face is called unsure.
        blur: whose faces are made unrecognisable; one of ``BLUR_CHOICES``.
        mirror: the live picture is shown as in a mirror.
        alarm: a sound where somebody wears no mask, on the live page.
        alarm_pause: seconds between two sounds, at least.
    """

    detector: str
    confidence: float
    unsure: float
    blur: str
    mirror: bool
    alarm: bool
    alarm_pause: int

    def for_video(self) -> tuple[object, ...]:
        """Those that change what comes out of a recorded video."""
        return self.detector, self.confidence, self.unsure, self.blur


def sidebar() -> Settings:
    """Draw the settings and give what they are set to."""
    with st.sidebar:
        st.header("Settings", anchor=False)
        detector = st.selectbox(
            "Face finder",
            sorted(face_detector.DETECTORS, key=list(DETECTOR_NAMES).index),
            format_func=DETECTOR_NAMES.__getitem__,
            help="How faces are looked for. The modern one also finds faces that are small, "
            "far away or covered.",
        )
        confidence = st.slider(
            "How clear a face must be",
            LEAST_CONFIDENCE,
            0.95,
            DEFAULT_CONFIDENCE,
            0.05,
            format="percent",
            help="Raise this when things that are no faces get a box, "
            "lower it when faces are missed.",
        )
        unsure = st.slider(
            "Say “Unsure” below",
            0.5,
            0.95,
            round(0.5 + default_unsure(), 2),
            0.01,
            format="percent",
            help="A face whose answer is less likely than this is called unsure. "
            "At 50% every face gets an answer.",
        )
        blur = st.selectbox(
            "Blur faces of",
            BLUR_CHOICES,
            format_func=BLUR_NAMES.__getitem__,
            help="Blurred before the result is shown or can be downloaded.",
        )
        st.subheader("Camera and sound", anchor=False)
        mirror = st.toggle("Mirror the picture", True, help="As people know themselves.")
        alarm = st.toggle("Sound when somebody wears no mask")
        pause = st.slider(
            "Seconds between two sounds", 2, 60, 5, disabled=not alarm, help="At least."
        )
    band = round(unsure - 0.5, 2)
    # Streamlit's types name typing.Never, which Python 3.10 lacks: there selectbox gives None.
    return Settings(detector, confidence, band, blur, mirror, alarm, pause)  # type: ignore[arg-type]
