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
    "en": {
        "blind": "The camera sees nothing at the moment",
        "nobody": "Welcome",
        "unsure": "Welcome, please look at the camera",
        "thanks": "Thank you for wearing a mask",
        "put_on": "Please put on your mask",
        "cover": "Please cover your nose and mouth",
    },
    "de": {
        "blind": "Die Kamera sieht zurzeit nichts",
        "nobody": "Willkommen",
        "unsure": "Willkommen, bitte schauen Sie in die Kamera",
        "thanks": "Danke, dass Sie eine Maske tragen",
        "put_on": "Bitte setzen Sie Ihre Maske auf",
        "cover": "Bitte bedecken Sie Nase und Mund",
    },
    "es": {
        "blind": "La cámara no ve nada en este momento",
        "nobody": "Bienvenidos",
        "unsure": "Bienvenidos, miren a la cámara, por favor",
        "thanks": "Gracias por llevar mascarilla",
        "put_on": "Por favor, póngase la mascarilla",
        "cover": "Por favor, cúbrase la nariz y la boca",
    },
    "fr": {
        "blind": "La caméra ne voit rien pour le moment",
        "nobody": "Bienvenue",
        "unsure": "Bienvenue, regardez la caméra, s’il vous plaît",
        "thanks": "Merci de porter un masque",
        "put_on": "Veuillez mettre votre masque",
        "cover": "Veuillez couvrir votre nez et votre bouche",
    },
    "pt": {
        "blind": "A câmera não vê nada no momento",
        "nobody": "Bem-vindos",
        "unsure": "Bem-vindos, olhem para a câmera, por favor",
        "thanks": "Obrigado por usar máscara",
        "put_on": "Por favor, coloque a sua máscara",
        "cover": "Por favor, cubra o nariz e a boca",
    },
    "zh": {
        "blind": "摄像头暂时看不到画面",
        "nobody": "欢迎光临",
        "unsure": "欢迎光临，请看摄像头",
        "thanks": "感谢您佩戴口罩",
        "put_on": "请佩戴口罩",
        "cover": "请遮住口鼻",
    },
}
"""What is said in each state, by language; the first language is for all others."""

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
    stay_open(streams.START, _PRESS_AGAIN_SECONDS, _PATIENCE_SECONDS)
    st.fragment(_show_message, run_every=_UPDATE_SECONDS)(processor)
    _, middle, _ = st.columns([1, 2, 1])
    with middle:
        streams.browser_camera(processor, "door_camera")
    if st.button("Leave", icon=":material/close_fullscreen:", type="tertiary"):
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


def text_of(state: str, locale: str | None) -> str:
    """The message of a state in the language of a locale such as ``pt-BR``."""
    language = (locale or "").replace("_", "-").partition("-")[0].lower()
    return TEXTS.get(language, TEXTS["en"])[state]


def _show_message(processor: LiveProcessor) -> None:
    status = processor.status()
    state = state_of(status.counts if status.running else None)
    sign, colour = _LOOKS[state]
    text = html.escape(text_of(state, st.context.locale))
    st.html(
        f'<div class="door" style="--door: {colour}" data-state="{state}" role="status">'
        f'<span aria-hidden="true">{sign}</span><p>{text}</p></div>'
    )
