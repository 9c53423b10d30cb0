"""A visitor's settings: the sidebar. They belong to the session, whichever page is open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

import face_detector
from mask_app import config
from mask_app.models import LEAST_CONFIDENCE, default_unsure
from mask_app.translations import ENGLISH, gettext, gettext_noop, language
from mask_app.wording import drawn_names
from mask_detector.command_line import BLUR_CHOICES
from mask_detector.detector import DEFAULT_CONFIDENCE
from mask_detector.video.zones import Zone

DETECTOR_NAMES = {
    "yunet": gettext_noop("YuNet (also small faces)"),
    "ssd": gettext_noop("SSD (large faces)"),
}
BLUR_NAMES = {
    "none": gettext_noop("Nobody"),
    "without_mask": gettext_noop("People without a mask or unsure"),
    "all": gettext_noop("Everybody"),
}
WORN_WRONGLY = "worn_wrongly"
"""What the address says where the model that tells masks worn wrongly is to be used: "1"."""

_PREFIX = "setting_"  # of their names in the session's state


@dataclass(frozen=True)
class Settings:
    """One visitor's settings.

    Attributes:
        detector: a name from ``face_detector.DETECTORS``.
        confidence: faces with a lower score are left out.
        unsure: half width of the band in which a face is called unsure.
        blur: the faces to blur; one of ``privacy.BLUR_CHOICES``.
        event_faces: lists of people without a mask show faces as ``blur`` says; otherwise
            everybody in their pictures is blurred.
        mirror: show the live picture mirrored.
        alarm: play a sound on the live page when somebody wears no mask.
        alarm_pause: minimum seconds between two sounds.
        zones: only faces inside one of them count; without any, all do.
        worn_wrongly: use the model that also tells masks that are worn wrongly.
        language: of captions in pictures; a key of ``translations.LANGUAGES``.
    """

    detector: str
    confidence: float
    unsure: float
    blur: str
    event_faces: bool = False
    mirror: bool = True
    alarm: bool = False
    alarm_pause: int = 5
    zones: tuple[Zone, ...] = ()
    worn_wrongly: bool = False
    language: str = ENGLISH

    @property
    def event_blur(self) -> str:
        """The faces to blur in lists of people without a mask."""
        return self.blur if self.event_faces else "all"

    def for_video(self) -> tuple[object, ...]:
        """Those that change the result of a recorded video."""
        return (
            self.detector,
            self.confidence,
            self.unsure,
            self.blur,
            self.zones,
            self.worn_wrongly,
            self.language,
        )


def sidebar(camera: bool, events: bool = False) -> Settings:
    """Draw the settings that matter on a page and return all of them.

    Args:
        camera: the page shows a live camera.
        events: the page lists people without a mask.
    """
    detectors = sorted(face_detector.DETECTORS, key=list(DETECTOR_NAMES).index)
    offered = config.tells_worn_wrongly()
    defaults = {
        "detector": detectors[0],
        "confidence": DEFAULT_CONFIDENCE,
        "worn_wrongly": offered and st.query_params.get(WORN_WRONGLY) == "1",
        "unsure_below": round(0.5 + default_unsure(), 2),
        "blur": "none",
        "event_faces": False,
        "mirror": True,
        "alarm": False,
        "alarm_pause": 5,
    }
    # Streamlit forgets the values of widgets that a page does not draw: they are kept apart.
    kept: dict[str, Any] = st.session_state.setdefault("settings", defaults)
    for name, value in kept.items():
        st.session_state[_PREFIX + name] = st.session_state.get(_PREFIX + name, value)
    with st.sidebar:
        st.header(gettext("Settings"), anchor=False)
        if offered:
            _draw_worn_wrongly()
        _draw_detection(detectors)
        if events:
            st.toggle(
                gettext("Show faces in the list of people without a mask"),
                key=_PREFIX + "event_faces",
                help=gettext(
                    "Otherwise everybody in its small pictures is blurred. Who is blurred by the "
                    "setting above always is."
                ),
            )
        if camera:
            _draw_camera()
        if language() != ENGLISH and not drawn_names(language()):
            st.caption(
                gettext(
                    "Captions in pictures are in English, because the computer that runs this page "
                    "has no font for this language."
                )
            )
    kept.update({name: st.session_state[_PREFIX + name] for name in kept})
    others = {name: value for name, value in kept.items() if name != "unsure_below"}
    unsure = round(kept["unsure_below"] - 0.5, 2)
    return Settings(unsure=unsure, language=language(), **others)


def _draw_worn_wrongly() -> None:
    key = _PREFIX + "worn_wrongly"

    def take_its_band() -> None:
        band = default_unsure(st.session_state[key])
        st.session_state[_PREFIX + "unsure_below"] = round(0.5 + band, 2)

    st.toggle(
        gettext("Also tell masks worn wrongly"),
        key=key,
        on_change=take_its_band,
        help=gettext("Masks that leave the nose or the mouth uncovered get a label of their own."),
    )


def _draw_detection(detectors: list[str]) -> None:
    st.selectbox(
        gettext("Face detector"),
        detectors,
        format_func=lambda name: gettext(DETECTOR_NAMES[name]),
        key=_PREFIX + "detector",
        help=gettext(
            "How faces are detected. YuNet also detects faces that are small, far away or "
            "partly covered."
        ),
    )
    st.slider(
        gettext("Minimum face confidence"),
        LEAST_CONFIDENCE,
        0.95,
        step=0.05,
        format="percent",
        key=_PREFIX + "confidence",
        help=gettext(
            "Raise it when other things than faces get a box, lower it when faces are missed."
        ),
    )
    st.slider(
        gettext("“Unsure” below"),
        0.5,
        1.0,  # as wide as a model card may set it
        step=0.01,
        format="percent",
        key=_PREFIX + "unsure_below",
        help=gettext(
            "A face whose label is less likely than this is called unsure. "
            "At 50% every face gets a label."
        ),
    )
    st.selectbox(
        gettext("Blur faces of"),
        BLUR_CHOICES,
        format_func=lambda name: gettext(BLUR_NAMES[name]),
        key=_PREFIX + "blur",
        help=gettext("Faces are blurred before the result is shown or can be downloaded."),
    )


def _draw_camera() -> None:
    st.header(gettext("Camera and sound"), anchor=False)
    st.toggle(
        gettext("Mirror the picture"),
        key=_PREFIX + "mirror",
        help=gettext("Labels stay readable."),
    )
    if st.toggle(gettext("Sound when somebody wears no mask"), key=_PREFIX + "alarm"):
        st.slider(
            gettext("Seconds between two sounds"),
            2,
            60,
            key=_PREFIX + "alarm_pause",
            help=gettext("Minimum, however many people come."),
        )
