"""The page for the live camera of the visitor's browser."""

from __future__ import annotations

import ipaddress
import time
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import pandas as pd
import streamlit as st
from streamlit_webrtc import Translations, WebRtcMode, WebRtcStreamerState, webrtc_streamer

from mask_app import config, models, photo, photo_results, widgets
from mask_app.live_processing import LiveProcessor
from mask_app.live_scripts import CAMERA_ERRORS, explain_camera, play_alarm
from mask_app.live_tracks import AnnotatedTrack, BrowserTrack
from mask_app.server_cameras import ServerTrack, SharedCamera
from mask_app.settings import Settings
from mask_detector.video.people import UNMASKED
from mask_detector.wording import counts_in_words

_UPDATE_SECONDS = 0.5
_PATIENCE_SECONDS = 10
_CHART_SECONDS = 2.0
_OWN_CAMERA = "This device"
_CAMERA = {"width": {"ideal": 640}, "height": {"ideal": 480}, "frameRate": {"ideal": 30}}

_VIDEO = {
    "autoPlay": True,
    "controls": False,
    "muted": True,
    "style": {"width": "100%", "borderRadius": "0.5rem"},
}
_TEXTS: Translations = {
    "start": "Start",
    "stop": "Stop",
    "select_device": "Choose camera",
    "device_ask_permission": "Your browser asks whether this page may use the camera.",
    "device_not_available": CAMERA_ERRORS["NotFoundError"],
    "device_access_denied": CAMERA_ERRORS["NotAllowedError"],
    "media_api_not_available": "This browser does not let pages use a camera.",
}


def page(settings: Settings) -> None:
    """Draw the page."""
    st.title("Live camera", anchor=False)
    detector = models.live_detector(settings)
    processor: LiveProcessor = st.session_state.setdefault(
        "live_processor", LiveProcessor(detector, settings)
    )
    cameras = config.cameras()
    camera = None
    if cameras:
        camera = st.segmented_control(
            "Camera", [_OWN_CAMERA, *cameras], default=_OWN_CAMERA, required=True
        )
    own = camera in (None, _OWN_CAMERA)
    # A mirrored picture is right for one's own camera, not for a camera over a door.
    processor.detector = detector
    processor.settings = replace(settings, mirror=settings.mirror and own)
    reason = why_no_camera(st.context.url) if own else None
    if reason is not None:
        st.warning(reason, icon=":material/lock:")
        return

    explain_camera()
    left, right = st.columns([3, 2])
    with left:
        state = _browser_camera(processor) if own else _server_camera(processor, str(camera))
    active = state.playing or state.signalling
    with right:
        # While nothing plays nothing changes: the page need not ask.
        st.fragment(_show_status, run_every=_UPDATE_SECONDS if active else None)(processor, active)
    st.fragment(_show_history, run_every=_CHART_SECONDS if active else None)(processor)
    _show_trouble_if_any(processor, active)
    if own:
        _offer_stills(settings)


def _browser_camera(processor: LiveProcessor) -> WebRtcStreamerState:
    """Start, Stop and the picture of the browser's own camera."""
    track: BrowserTrack | None = st.session_state.get("live_track")
    if track is None or track.readyState != "live":
        track = st.session_state["live_track"] = BrowserTrack(processor)
    return webrtc_streamer(
        key="live_camera",
        mode=WebRtcMode.SENDRECV,
        rtc_configuration={"iceServers": config.ice_servers()},
        media_stream_constraints={"video": _CAMERA, "audio": False},
        sink_video_track=track,
        # Given as a source_video_track it would go through two relays, the second of which is
        # never stopped and keeps its last frames (streamlit-webrtc 0.79).
        player_factory=lambda: _Player(track),  # type: ignore[arg-type, return-value]
        video_html_attrs=_VIDEO,
        translations=_TEXTS,
        media_toggle_controls=False,
    ).state


def _server_camera(processor: LiveProcessor, name: str) -> WebRtcStreamerState:
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
        translations=_TEXTS,
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
    return (
        "Browsers let only pages that came over HTTPS, or from the same computer, use the camera. "
        "This page came over plain HTTP: ask the administrator for an https:// address. "
        "Photos and videos can still be uploaded."
    )


def _show_status(processor: LiveProcessor, active: bool) -> None:
    status = processor.status()
    running = active and status.running
    widgets.count_tiles(status.counts if running else None, models.model().card.classes)
    if running:
        st.caption(
            f"{status.frames_per_second:.0f} frames per second, {1000 * status.delay:.0f} ms delay"
        )
    else:
        st.caption("One moment…" if active else "Press **Start** and let the page use the camera.")
    if running and (status.counts or {}).get(UNMASKED):
        st.error("Somebody wears no mask.", icon=":material/warning:")
    if status.people is not None:
        st.caption(f"People since the start: {counts_in_words(status.people, 'nobody yet')}")
    play_alarm(status.alarms)


def _show_history(processor: LiveProcessor) -> None:
    history = processor.status().history
    if len(history) < 2:
        return
    counts = pd.DataFrame(
        [widgets.with_unsure(counts) for _, counts in history],
        index=pd.to_datetime([second for second, _ in history], unit="s", utc=True),
    )
    if st.context.timezone:
        counts.index = counts.index.tz_convert(st.context.timezone)
    st.header("The last minutes", anchor=False)
    widgets.counts_chart(counts, models.model().card.classes, "", "%H:%M:%S")
    _show_events(processor)


def _show_events(processor: LiveProcessor) -> None:
    """When people were noticed without a mask, newest first, in the visitor's time zone."""
    events = processor.status().events
    if not events:
        return
    times = pd.to_datetime([time_s for time_s, _ in events], unit="s", utc=True)
    if st.context.timezone:
        times = times.tz_convert(st.context.timezone)
    table = pd.DataFrame(
        {"Time": times.strftime("%H:%M:%S"), "Person": [f"#{track}" for _, track in events]}
    )
    st.header("People without a mask", anchor=False)
    st.dataframe(table, hide_index=True, alt="When people were without a mask")


def _offer_stills(settings: Settings) -> None:
    """Single pictures, where live video does not work."""
    if not st.toggle("Take single pictures instead of live video", key="stills"):
        return
    shot = st.camera_input("Take a picture", label_visibility="collapsed")
    if shot is not None:
        detect = models.photo_detector(settings.detector).detect
        result = photo_results.process("Picture", shot.getvalue(), detect, megapixels=20)
        if result.error is not None:
            widgets.show_error(result.error)
        else:
            photo.show(result, settings, models.model().card.classes, key="still")


def _show_trouble_if_any(processor: LiveProcessor, active: bool) -> None:
    if active:
        since = st.session_state.setdefault("live_since", time.monotonic())
        st.fragment(_show_trouble, run_every=1.0)(processor, since)
    else:
        st.session_state.pop("live_since", None)


def _show_trouble(processor: LiveProcessor, since: float) -> None:
    if processor.status().running or time.monotonic() - since < _PATIENCE_SECONDS:
        return
    st.warning(
        "The live picture does not arrive. Most often a firewall between your browser and the "
        "computer that runs this page is the reason; the administrator can set up a TURN server "
        "(docs/deploy.md). Single pictures still work.",
        icon=":material/cell_tower:",
    )
