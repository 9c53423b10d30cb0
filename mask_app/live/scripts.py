"""What the browser does on the live page besides showing the picture: sounds and sentences."""

from __future__ import annotations

import streamlit as st

from mask_app.translations import gettext, gettext_noop

CAMERA_ERRORS = {
    "NotAllowedError": gettext_noop(
        "The browser does not let this page use the camera: allow it in the address bar, then "
        "press Start again."
    ),
    "NotFoundError": gettext_noop("No camera was found: connect one, then press Start again."),
    "NotReadableError": gettext_noop(
        "The camera does not work, or another program is using it: close that program, then "
        "press Start again."
    ),
    "": gettext_noop(
        "The camera could not be started: press Start again, or take single pictures."
    ),
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

_SAY_AFTER_S, _SAY_PAUSE_S = 1, 5

# Two short tones, synthesised in the browser: no sound file is needed.
_TONES = """
function playTones() {
  const audio = (window.maskAlarm ??= new AudioContext());
  audio.resume();
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
"""

_ALARM = st.components.v2.component(
    "mask_alarm",
    js=_TONES
    + """
export default function ({ data, parentElement }) {
  const heard = parentElement.heard ?? data.alarms;
  parentElement.heard = data.alarms;
  if (data.alarms > heard) playTones();
}
""",
)

# A request is said once it lasts. Only a voice that the device has itself: others send the text to
# a server. Where there is none in the visitor's language, the tones are played.
_SAY = st.components.v2.component(
    "mask_say",
    js=_TONES
    + """
function say(data) {
  if (Date.now() - (window.maskSaid ?? 0) < 1000 * data.pause_s) return;
  window.maskSaid = Date.now();
  const voices = data.voice ? window.speechSynthesis?.getVoices() ?? [] : [];
  const voice = voices.find((each) => each.localService && each.lang.startsWith(data.language));
  if (!voice) return playTones();
  const words = new SpeechSynthesisUtterance(data.text);
  [words.voice, words.lang] = [voice, voice.lang];
  speechSynthesis.speak(words);
}
export default function ({ data, parentElement }) {
  if (data.text === (parentElement.asked ?? '')) return;
  parentElement.asked = data.text;
  clearTimeout(parentElement.timer);
  if (data.text) parentElement.timer = setTimeout(say, 1000 * data.after_s, data);
}
""",
)

# streamlit-webrtc's buttons look like those of the pages.
_LOOKS = """
.MuiButton-root {text-transform: none !important; border-radius: .5rem !important;
  font: 400 .875rem/1.6 "Source Sans", system-ui, sans-serif !important;
  padding: .4rem .9rem !important; box-shadow: none !important}
.MuiPaper-root {border-radius: .5rem !important}
"""

# streamlit-webrtc shows the browser's own errors ("NotFoundError: Requested device not found") and
# names neither its frame nor the video in it, and has some words in English only (0.79). Both lie
# in the page's own origin.
_WORDS = st.components.v2.component(
    "mask_camera_words",
    js="""
export default function ({ data }) {
  const explain = () => {
    for (const frame of document.querySelectorAll('iframe[src*="webrtc_streamer"]')) {
      frame.title = data.frame;
      const page = frame.contentDocument;
      if (page?.head && !page.getElementById('looks')) {
        page.head.insertAdjacentHTML('beforeend', `<style id="looks">${data.looks}</style>`);
      }
      for (const place of page?.querySelectorAll('label, button') ?? []) {
        const text = [...place.childNodes].find((node) => data.words[node.nodeValue]);
        if (text) text.nodeValue = data.words[text.nodeValue];
      }
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


# At a door nobody presses Start or reloads the page. Start is pressed for them, and again where the
# camera was gone (streamlit-webrtc's desired_playing_state sometimes starts two connections that
# hinder each other, 0.79). A page that is blind, or whose picture stands still, is reloaded once
# the server answers. The lock of the screen is lost whenever the page was hidden: it is asked for
# again.
_STAY_OPEN = st.components.v2.component(
    "mask_stay_open",
    js="""
export default function ({ data }) {
  const ask = () => {
    if (document.visibilityState === 'visible') {
      navigator.wakeLock?.request('screen').catch(() => {});
    }
  };
  let shown = -1, changed = Date.now(), pressed = 0, started = false;
  const check = async () => {
    const page = document.querySelector('iframe[src*="webrtc_streamer"]')?.contentDocument;
    const start = [...page?.querySelectorAll('button') ?? []].find(
      (button) => button.textContent === data.start && !button.disabled);
    if (start && Date.now() - pressed > 1000 * data.press_again_s) {
      pressed = Date.now();
      start.click();
    }
    const now = page?.querySelector('video')?.currentTime ?? -1;
    const blind = document.querySelector('[data-state=blind]');
    if (now !== shown && !blind) [shown, changed] = [now, Date.now()];
    started ||= now > 0 && !blind;
    const patience_s = started ? data.patience_s : data.first_patience_s;
    if (Date.now() - changed < 1000 * patience_s) return;
    const answer = await fetch('/_stcore/health').catch(() => null);
    if (answer?.ok) location.reload();
  };
  ask();
  document.addEventListener('visibilitychange', ask);
  const timer = setInterval(check, 1000);
  return () => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', ask);
  };
}
""",
)


def stay_open(start: str, press_again_s: float, patience_s: float, first_patience_s: float) -> None:
    """Run the live picture without a visitor who presses buttons, and keep the screen awake.

    Args:
        start: text of the button that starts the camera.
        press_again_s: seconds after which it is pressed again where the camera did not start.
        patience_s: seconds after which the page is reloaded where the picture stands still.
        first_patience_s: the same where there was no picture yet.
    """
    patience = {"patience_s": patience_s, "first_patience_s": first_patience_s}
    data = {"start": start, "press_again_s": press_again_s, **patience}
    _STAY_OPEN(data=data, key="stay_open")


def play_alarm(alarms: int) -> None:
    """Play a sound in the browser when the number of alarms has grown."""
    _ALARM(data={"alarms": alarms}, key="alarm")


def say(text: str, language: str, voice: bool) -> None:
    """Let a request be heard, once it lasts a second.

    Args:
        text: in the visitor's language; empty while there is nothing to say.
        language: its code, such as ``de``.
        voice: speak it where the device has a voice for the language; else tones are played.
    """
    data = {"text": text, "language": language, "voice": voice}
    _SAY(data={**data, "after_s": _SAY_AFTER_S, "pause_s": _SAY_PAUSE_S}, key="say")


def explain_camera() -> None:
    """Say in sentences why the camera does not start, and name the picture for screen readers."""
    errors = {name: gettext(text) for name, text in CAMERA_ERRORS.items()}
    same = {name: errors[other] for name, other in _SAME_ERRORS.items()}
    words = {
        "frame": gettext("Live camera"),
        "video": gettext("Live picture with a box and a label for each face"),
        "errors": {**errors, **same},
        "looks": _LOOKS,
        "words": {"Video Input": gettext("Camera"), "Done": gettext("Done")},
    }
    _WORDS(data=words, key="camera_words")
