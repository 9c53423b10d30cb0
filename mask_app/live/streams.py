"""The live picture of a camera: the browser's own or one of the server's, over WebRTC."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

import streamlit as st
from streamlit_webrtc import Translations, WebRtcMode, WebRtcStreamerState, webrtc_streamer

from mask_app import config, widgets
from mask_app.live.processing import LiveProcessor
from mask_app.live.scripts import CAMERA_ERRORS
from mask_app.live.server_cameras import ServerTrack, SharedCamera
from mask_app.live.tracks import AnnotatedTrack, BrowserTrack
from mask_app.translations import gettext

_CAMERA = {"width": {"ideal": 640}, "height": {"ideal": 480}, "frameRate": {"ideal": 30}}

_VIDEO = {
    "autoPlay": True,
    "controls": False,
    "muted": True,
    "style": {"width": "100%", "borderRadius": "0.5rem"},
}


def start_text() -> str:
    """Text of the button that starts a camera."""
    return gettext("Start")


def _texts() -> Translations:
    missing, refused = (CAMERA_ERRORS[name] for name in ("NotFoundError", "NotAllowedError"))
    return {
        "start": start_text(),
        "stop": gettext("Stop"),
        "select_device": gettext("Choose camera"),
        "device_ask_permission": gettext("Your browser asks whether this page may use the camera."),
        "device_not_available": gettext(missing),
        "device_access_denied": gettext(refused),
        "media_api_not_available": gettext("This browser does not let pages use a camera."),
    }


def browser_camera(processor: LiveProcessor, key: str = "live_camera") -> WebRtcStreamerState:
    """Start, Stop and the picture of the browser's own camera.

    Args:
        processor: processes the frames.
        key: of the camera in the session's state.
    """
    track: BrowserTrack | None = st.session_state.get(f"{key}_track")
    if track is None or track.readyState != "live":
        track = st.session_state[f"{key}_track"] = BrowserTrack(processor)
    return webrtc_streamer(
        key=key,
        mode=WebRtcMode.SENDRECV,
        rtc_configuration={"iceServers": config.ice_servers()},
        media_stream_constraints={"video": _CAMERA, "audio": False},
        sink_video_track=track,
        # Given as a source_video_track it would go through two relays, the second of which is
        # never stopped and keeps its last frames (streamlit-webrtc 0.79).
        player_factory=lambda: _Player(track),  # type: ignore[arg-type, return-value]
        video_html_attrs=_VIDEO,
        translations=_texts(),
        media_toggle_controls=False,
    ).state


def server_camera(processor: LiveProcessor, name: str) -> WebRtcStreamerState:
    """Start, Stop and the picture of one of the administrator's cameras."""
    camera = _shared_camera(config.cameras()[name])
    if camera.error is not None:
        widgets.show_error(camera.error)
    return webrtc_streamer(
        key=f"server_camera_{name}",
        mode=WebRtcMode.RECVONLY,
        rtc_configuration={"iceServers": config.ice_servers()},
        media_stream_constraints={"video": True, "audio": False},
        player_factory=lambda: _Player(ServerTrack(processor, camera)),  # type: ignore[arg-type, return-value]
        video_html_attrs=_VIDEO,
        translations=_texts(),
    ).state


@dataclass(frozen=True)
class _Player:
    """What streamlit-webrtc takes the pictures from."""

    video: AnnotatedTrack
    audio: None = None


@st.cache_resource(show_spinner=False)
def _shared_camera(source: str) -> SharedCamera:
    return SharedCamera(source)


def why_no_camera(address: str | None) -> str | None:
    """Why browsers let no page at this address use a camera; None where they do."""
    parts = urlsplit(address or "")
    host = parts.hostname or "localhost"
    if parts.scheme != "http" or host == "localhost" or host.endswith(".localhost"):
        return None
    try:
        if ipaddress.ip_address(host).is_loopback:
            return None
    except ValueError:  # a name, not a number
        pass
    return gettext(
        "Browsers let only pages that came over HTTPS, or from the same computer, use the camera. "
        "This page came over plain HTTP: ask the administrator for an https:// address. "
        "Photos and videos can still be uploaded."
    )
