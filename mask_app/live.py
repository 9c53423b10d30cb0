"""The page for the live camera of the visitor's browser."""

from __future__ import annotations

import ipaddress
import time
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import pandas as pd
import streamlit as st
from streamlit_webrtc import Translations, WebRtcMode, WebRtcStreamerState, webrtc_streamer

from mask_app import config, models, photo, widgets
from mask_app.live_view import BrowserPicture, LivePicture, LiveView
from mask_app.server_camera import ServerPicture, SharedCamera
from mask_app.settings import Settings
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
_WORDS: Translations = {
    "start": "Start",
    "stop": "Stop",
    "select_device": "Choose camera",
    "device_ask_permission": "Your browser asks whether this page may use the camera.",
    "device_not_available": "No camera was found, or another program is using it.",
    "device_access_denied": "The browser was told not to give this page the camera: "
    "allow it in the address bar, then press Start again.",
    "media_api_not_available": "This browser gives no camera to pages.",
}

# Two short tones, made in the browser: no sound file, and nothing to play when muted.
_ALARM = st.components.v2.component(
    "mask_alarm",
    js="""
export default function ({ data, parentElement }) {
  const heard = parentElement.heard ?? data.alarms;
  parentElement.heard = data.alarms;
  if (data.alarms <= heard) return;
  const audio = (window.maskAlarm ??= new AudioContext());
  for (const [start, pitch] of [[0, 880], [0.22, 660]]) {
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    tone.frequency.value = pitch;
    volume.gain.value = 0.2;
    tone.connect(volume).connect(audio.destination);
    tone.start(audio.currentTime + start);
    tone.stop(audio.currentTime + start + 0.18);
  }
}
""",
)


def page(settings: Settings) -> None:
    """Draw the page."""
    st.header("Live camera", anchor=False)
    detector = models.live_detector(settings)
    view: LiveView = st.session_state.setdefault("live_view", LiveView(detector, settings))
    cameras = config.cameras()
    camera = None
    if cameras:
        camera = st.segmented_control(
            "Camera", [_OWN_CAMERA, *cameras], default=_OWN_CAMERA, required=True
        )
    own = camera in (None, _OWN_CAMERA)
    # Nobody sees themselves in a camera over a door.
    view.detector, view.settings = detector, replace(settings, mirror=settings.mirror and own)
    reason = why_no_camera(st.context.url) if own else None
    if reason is not None:
        st.warning(reason, icon="🔒")
        return

    left, right = st.columns([3, 2])
    with left:
        state = _browser_camera(view) if own else _server_camera(view, str(camera))
    active = state.playing or state.signalling
    with right:
        # While nothing plays nothing changes: the page need not ask.
        st.fragment(_show_report, run_every=_UPDATE_SECONDS if active else None)(view, active)
    st.fragment(_show_history, run_every=_CHART_SECONDS if active else None)(view)
    _show_trouble_if_any(view, active)
    if own:
        _offer_stills(settings)


def _browser_camera(view: LiveView) -> WebRtcStreamerState:
    """Start, Stop and the picture of the browser's own camera."""
    picture: BrowserPicture | None = st.session_state.get("live_picture")
    if picture is None or picture.readyState != "live":
        picture = st.session_state["live_picture"] = BrowserPicture(view)
    return webrtc_streamer(
        key="live_camera",
        mode=WebRtcMode.SENDRECV,
        rtc_configuration={"iceServers": config.ice_servers()},
        media_stream_constraints={"video": _CAMERA, "audio": False},
        sink_video_track=picture,
        # Given as a source_video_track it would go through two relays, the second of which is
        # never told of the end and keeps its last frames (streamlit-webrtc 0.79).
        player_factory=lambda: _Player(picture),  # type: ignore[arg-type, return-value]
        video_html_attrs=_VIDEO,
        translations=_WORDS,
        media_toggle_controls=False,
    ).state


def _server_camera(view: LiveView, name: str) -> WebRtcStreamerState:
    """Start, Stop and the picture of one of the operator's cameras."""
    camera = _shared_camera(config.cameras()[name])
    if camera.error is not None:
        st.error(f"{camera.error[0].upper()}{camera.error[1:]}.", icon="🚫")
    return webrtc_streamer(
        key=f"server_camera_{name}",
        mode=WebRtcMode.RECVONLY,
        rtc_configuration={"iceServers": config.ice_servers()},
        media_stream_constraints={"video": True, "audio": False},
        player_factory=lambda: _Player(ServerPicture(view, camera)),  # type: ignore[arg-type, return-value]
        video_html_attrs=_VIDEO,
        translations=_WORDS,
    ).state


@dataclass(frozen=True)
class _Player:
    """What streamlit-webrtc takes a picture from and stops it by."""

    video: LivePicture
    audio: None = None


@st.cache_resource(show_spinner=False)
def _shared_camera(source: str) -> SharedCamera:
    return SharedCamera(source)


def why_no_camera(address: str | None) -> str | None:
    """Why a browser gives no camera to a page at this address; None where it does."""
    parts_of_it = urlsplit(address or "")
    host = parts_of_it.hostname or "localhost"
    if parts_of_it.scheme != "http" or host == "localhost" or host.endswith(".localhost"):
        return None
    try:
        if ipaddress.ip_address(host).is_loopback:
            return None
    except ValueError:  # a name, not a number
        pass
    return (
        "Browsers give the camera only to pages that came over HTTPS, or from the same computer. "
        "This page came over plain HTTP: ask whoever runs it for an https:// address. "
        "Photos and videos can be uploaded all the same."
    )


def _show_report(view: LiveView, active: bool) -> None:
    report = view.report()
    running = active and report.running
    widgets.count_tiles(report.counts if running else None, models.model().card.classes)
    if running:
        st.caption(
            f"{report.frames_per_second:.0f} pictures a second, "
            f"{1000 * report.delay:.0f} ms from frame to picture  \n"
            f"Seen since the start: {counts_in_words(report.people or {}, 'nobody yet')}"
        )
    else:
        st.caption("One moment…" if active else "Press **Start** and let the page use the camera.")
    _ALARM(data={"alarms": report.alarms}, key="alarm")


def _show_history(view: LiveView) -> None:
    history = view.report().history
    if len(history) < 2:
        return
    counts = pd.DataFrame(
        [widgets.with_unsure(counts) for _, counts in history],
        index=pd.to_datetime([second for second, _ in history], unit="s", utc=True),
    )
    if st.context.timezone:
        counts.index = counts.index.tz_convert(st.context.timezone)
    st.subheader("The last minutes", anchor=False)
    widgets.counts_chart(counts, models.model().card.classes, "", "%H:%M:%S")


def _offer_stills(settings: Settings) -> None:
    """Single pictures, where the live one cannot come through."""
    if not st.toggle("Take stills instead of live video", key="stills"):
        return
    shot = st.camera_input("Take a still", label_visibility="collapsed")
    if shot is not None:
        detect = models.photo_detector(settings.detector).detect
        looked = photo.look("Still", shot.getvalue(), detect, megapixels=20)
        photo.show(looked, settings, models.model().card.classes)


def _show_trouble_if_any(view: LiveView, active: bool) -> None:
    if active:
        since = st.session_state.setdefault("live_since", time.monotonic())
        st.fragment(_show_trouble, run_every=1.0)(view, since)
    else:
        st.session_state.pop("live_since", None)


def _show_trouble(view: LiveView, since: float) -> None:
    if view.report().running or time.monotonic() - since < _PATIENCE_SECONDS:
        return
    st.warning(
        "The live picture does not come through. Most often a firewall lies between your browser "
        "and the computer that runs this page; whoever runs it can name a TURN server that "
        "helps out (docs/deploy.md). Stills work all the same.",
        icon="📡",
    )
