"""Who gets alerts: a sound, a command, a web address, an MQTT broker.

name, send = make_sender("webhook:https://example.org/hook")
send({"event": "without_mask", ...})      # returns once it is delivered, raises where not
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from mask_detector.errors import UserFacingError
from mask_detector.video.addresses import check_address, without_password
from mask_detector.video.fetching import request_to, words_of
from mask_detector.video.mqtt import PORTS, broker_of, make_client, parse_broker
from mask_detector.video.webhooks import post

logger = logging.getLogger(__name__)

KINDS = "sound, command:PROGRAM, webhook:URL or mqtt://HOST/TOPIC"

DELIVERY_S = 10.0
"""Longest time that one delivery may take."""

WAITING_ALERTS = 20
"""Alerts that may wait for a receiver; further ones are lost, counted and reported."""

Alert = dict[str, Any]
"""What a receiver gets, as JSON: event, source, track, time_s, at, box, score, label and
probabilities as in the records."""

Send = Callable[[Alert], None]
"""Delivers an alert; any exception means that it was not delivered."""


def parse_receiver(text: str) -> str:
    """Check how a receiver is written, for argparse's ``type``."""
    kind, _, rest = text.partition(":")
    if kind == "sound" and not rest:
        return text
    if kind == "command" and rest.strip():
        try:
            _words(rest)
        except ValueError:
            raise argparse.ArgumentTypeError("a quote of the command is not closed") from None
        return text
    if kind == "webhook" and re.match(r"https?://[^/]", rest):
        check_address(rest)
        parts = urlsplit(rest)
        if not re.fullmatch(r"[!-~]*", parts.path + parts.query):
            raise argparse.ArgumentTypeError("a space or accent in the address must be escaped")
        return text
    if kind in PORTS and re.match(r"//[^/]+/.", rest):
        return parse_broker(text)
    # Without its scheme no address is known as one, so hide all before an @.
    shown = re.sub(r":(?!//).*@", ":***@", without_password(text))
    raise argparse.ArgumentTypeError(f"{shown!r} is not {KINDS}")


def failure(error: Exception) -> str:
    """Why a delivery failed, in words."""
    reason = getattr(error, "reason", None)  # urllib wraps what happened
    cause = reason if isinstance(reason, Exception) else error
    if isinstance(cause, subprocess.TimeoutExpired | TimeoutError):
        return f"it took longer than {DELIVERY_S:g} s"
    return words_of(cause) or type(cause).__name__


def make_sender(text: str) -> tuple[str, Send]:
    """What a receiver is called in messages, and the function that delivers to it."""
    kind, _, rest = text.partition(":")
    if kind == "sound":
        return "sound", _sound_sender()
    if kind == "command":
        return "command", _command_sender(rest)
    if kind == "webhook":
        return "webhook", _webhook_sender(rest)
    return "MQTT", _mqtt_sender(text)


def _sound_sender() -> Send:
    if sys.platform == "win32":
        import winsound

        return lambda event: winsound.MessageBeep(winsound.MB_ICONEXCLAMATION)
    if sys.platform == "darwin":
        player = ["afplay", "/System/Library/Sounds/Sosumi.aiff"]
    else:
        players = ("pw-play", "paplay", "aplay")
        found = next((name for name in players if shutil.which(name)), None)
        if found is None:
            logger.warning("there is no sound here: none of %s is installed", ", ".join(players))
            return _no_sound
        player = [found, _beep_file()]
    return lambda event: _run(player, "")


def _no_sound(event: Alert) -> None:
    raise UserFacingError("there is no player")


def _beep_file() -> str:
    """A WAV file with two short tones; the system tidies up its temporary folder."""
    rate, seconds = 22_050, 0.18
    seconds_in = np.arange(int(rate * seconds)) / rate
    fade = np.minimum(1, 20 * np.minimum(seconds_in, seconds - seconds_in) / seconds)
    tones = np.concatenate([np.sin(2 * np.pi * pitch * seconds_in) * fade for pitch in (880, 660)])
    path = Path(tempfile.mkdtemp(prefix="mask_alert_")) / "alert.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setparams((1, 2, rate, len(tones), "NONE", ""))
        sound.writeframes((tones * 16_000).astype("<i2").tobytes())
    return str(path)


def _command_sender(text: str) -> Send:
    command = _words(text)
    if shutil.which(command[0]) is None:
        raise UserFacingError(f"--alert command: there is no program {command[0]!r}")
    return lambda event: _run(command, json.dumps(event) + "\n")


def _words(command: str) -> list[str]:
    return shlex.split(command, posix=os.name == "posix")


def _run(command: Sequence[str], text: str) -> None:
    # What it prints must not get among the records on standard output.
    done = subprocess.run(
        command,
        input=text,
        text=True,
        timeout=DELIVERY_S,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    if done.returncode:
        raise UserFacingError(f"{command[0]} ended with status {done.returncode}")


def _webhook_sender(address: str) -> Send:
    def send(event: Alert) -> None:
        data, kind = json.dumps(event).encode(), {"Content-Type": "application/json"}
        post(request_to(address, data, kind), DELIVERY_S)

    return send


def _mqtt_sender(address: str) -> Send:
    client = make_client(address, "--alert mqtt", WAITING_ALERTS)
    host, port, topic = broker_of(address)

    def send(event: Alert) -> None:
        deadline = time.monotonic() + DELIVERY_S
        if not client.is_connected():
            client.loop_stop()
            client.connect(host, port)
            client.loop_start()
            _wait_until(client.is_connected, deadline, "the broker lets nobody in by that name")
        message = client.publish(topic, json.dumps(event), qos=1)
        _wait_until(message.is_published, deadline, "the broker did not confirm it in time")

    return send


def _wait_until(condition: Callable[[], bool], deadline: float, otherwise: str) -> None:
    while not condition():
        if time.monotonic() > deadline:
            raise UserFacingError(otherwise)
        time.sleep(0.01)
