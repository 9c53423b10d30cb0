"""What the browser does on the live page besides showing the picture: sounds and sentences."""

from __future__ import annotations

import streamlit as st

CAMERA_ERRORS = {
    "NotAllowedError": "The browser does not let this page use the camera: allow it in the address "
    "bar, then press Start again.",
    "NotFoundError": "No camera was found: connect one, then press Start again.",
    "NotReadableError": "The camera does not work, or another program is using it: close that "
    "program, then press Start again.",
    "": "The camera could not be started: press Start again, or take single pictures.",
}
"""Sentences for the errors of the browsers' ``getUserMedia``; the last one for all others."""

_SAME_ERRORS = {
    "SecurityError": "NotAllowedError",
    "PermissionDeniedError": "NotAllowedError",
    "OverconstrainedError": "NotFoundError",
    "DevicesNotFoundError": "NotFoundError",
    "AbortError": "NotReadableError",
    "TrackStartError": "NotReadableError",
}

# Two short tones, synthesised in the browser: no sound file is needed.
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

# streamlit-webrtc shows the browser's own errors ("NotFoundError: Requested device not found") and
# names neither its frame nor the video in it (0.79). Both lie in the page's own origin.
_WORDS = st.components.v2.component(
    "mask_camera_words",
    js="""
export default function ({ data }) {
  const explain = () => {
    for (const frame of document.querySelectorAll('iframe[src*="webrtc_streamer"]')) {
      frame.title = data.frame;
      const page = frame.contentDocument;
      for (const video of page?.querySelectorAll('video') ?? []) video.ariaLabel = data.video;
      for (const alert of page?.querySelectorAll('[role=alert] .MuiAlert-message') ?? []) {
        const name = /^(\\w*Error):/.exec(alert.textContent)?.[1];
        if (name) alert.firstChild.nodeValue = data.errors[name] ?? data.errors[''];
      }
    }
  };
  const timer = setInterval(explain, 200);
  return () => clearInterval(timer);
}
""",
)


# Nobody stands by to reload the page at a door: it does so by itself when the picture has stood
# still, because the camera or the connection was gone, and the server can be reached again.
# The lock of the screen is gone whenever the page was hidden: it is asked for again.
_STAY_OPEN = st.components.v2.component(
    "mask_stay_open",
    js="""
export default function ({ data }) {
  const ask = () => {
    if (document.visibilityState === 'visible') {
      navigator.wakeLock?.request('screen').catch(() => {});
    }
  };
  let shown = -1, since = Date.now();
  const check = async () => {
    const frame = document.querySelector('iframe[src*="webrtc_streamer"]');
    const now = frame?.contentDocument?.querySelector('video')?.currentTime ?? -1;
    if (now !== shown) [shown, since] = [now, Date.now()];
    if (Date.now() - since < 1000 * data.patience_s) return;
    const answer = await fetch('/_stcore/health').catch(() => null);
    if (answer?.ok) location.reload();
  };
  ask();
  document.addEventListener('visibilitychange', ask);
  const timer = setInterval(check, 5000);
  return () => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', ask);
  };
}
""",
)


def stay_open(patience_s: float) -> None:
    """Keep a tablet's screen awake, and reload the page where the picture stands still so long."""
    _STAY_OPEN(data={"patience_s": patience_s}, key="stay_open")


def play_alarm(alarms: int) -> None:
    """Play a sound in the browser when the number of alarms has grown."""
    _ALARM(data={"alarms": alarms}, key="alarm")


def explain_camera(again: str = "press Start again") -> None:
    """Say in sentences why the camera does not start, and name the picture for screen readers.

    Args:
        again: what to do after the reason was removed.
    """
    errors = {
        name: text.replace("press Start again", again) for name, text in CAMERA_ERRORS.items()
    }
    same = {name: errors[other] for name, other in _SAME_ERRORS.items()}
    words = {
        "frame": "Live camera",
        "video": "Live picture with a box and a label for each face",
        "errors": {**errors, **same},
    }
    _WORDS(data=words, key="camera_words")
