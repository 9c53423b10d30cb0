"""Tell somebody about a face without a mask: a sound, a command, a web address, MQTT.

    with Alerts(["sound", "webhook:https://example.org/hook"], after_s=2) as alerts:
        alerts.take(view)

Each receiver has a thread and a short queue of its own: one that is slow, hangs or is dead costs
no frame and holds up no other. What could not be delivered is counted and told.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import logging
import os
import queue
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mask_detector.errors import UserFacingError
from mask_detector.video.people import UNMASKED, UnmaskedRule

if TYPE_CHECKING:
    from mask_detector.video.view import View

logger = logging.getLogger(__name__)

KINDS = "sound, command:PROGRAM, webhook:URL or mqtt://HOST/TOPIC"

DELIVERY_S = 10.0
"""How long one delivery may take."""

WAITING_ALERTS = 20
"""Alerts that may wait for a receiver; further ones are lost, counted and told."""

_CLOSING_S = 5.0
_COMPLAIN_AGAIN_S = 60.0
_MQTT_PORTS = {"mqtt": 1883, "mqtts": 8883}

Alert = dict[str, Any]
"""What a receiver gets, as JSON: event, source, track, time_s, at, box, score, label and
probabilities as in the records."""


def receiver(text: str) -> str:
    """Check a receiver's wording, for argparse's ``type``."""
    kind, _, rest = text.partition(":")
    if kind == "sound" and not rest:
        return text
    if kind == "command" and rest.strip():
        return text
    if kind == "webhook" and re.match(r"https?://[^/]", rest):
        return text
    if kind in _MQTT_PORTS and re.match(r"//[^/]+/.", rest):
        return text
    raise argparse.ArgumentTypeError(f"{text!r} is not {KINDS}")


class Alerts:
    """Tells receivers, each in a thread of its own, about people without a mask.

    Args:
        receivers: as :func:`receiver` lets them pass.
        after_s, cooldown_s: when, for each source; see :class:`UnmaskedRule`.

    Raises:
        UserFacingError: a command or the MQTT client is not installed.
    """

    def __init__(
        self, receivers: Sequence[str], after_s: float = 2.0, cooldown_s: float = 10.0
    ) -> None:
        self._lines = [_Line(*_sender(each)) for each in receivers]
        self._rules: dict[int, UnmaskedRule] = {}
        self._times = after_s, cooldown_s

    def take(self, view: View) -> None:
        """Tell about those of a frame's faces that are due."""
        rule = self._rules.setdefault(view.source, UnmaskedRule(*self._times))
        for face in rule.due(view.inside, view.frame.time_s):
            about = {"event": UNMASKED, "source": view.name, "time_s": round(view.frame.time_s, 3)}
            self.tell({**about, "at": view.time_of_day, **face.as_json()})

    def tell(self, event: Alert) -> None:
        """Hand over an alert and return at once."""
        for line in self._lines:
            line.put(event)

    @property
    def delivered(self) -> int:
        """Deliveries that went well, over all receivers."""
        return sum(line.delivered for line in self._lines)

    @property
    def failed(self) -> int:
        """Deliveries that did not."""
        return sum(line.failed for line in self._lines)

    def close(self) -> None:
        """Give what waits a few seconds to be delivered, then say what was lost."""
        deadline = time.monotonic() + _CLOSING_S
        for line in self._lines:
            line.finish()
        for line in self._lines:
            line.wait(deadline)

    def __enter__(self) -> Alerts:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class _Line:
    """One receiver: its queue, its thread, what came of it."""

    def __init__(self, name: str, send: Callable[[Alert], None]) -> None:
        self.delivered = self.failed = 0
        self._name, self._send = name, send
        self._waiting: queue.Queue[Alert | None] = queue.Queue(WAITING_ALERTS)
        self._complained = -float("inf")
        self._thread = threading.Thread(target=self._run, name=f"alert {name}", daemon=True)
        self._thread.start()

    def put(self, event: Alert) -> None:
        try:
            self._waiting.put_nowait(event)
        except queue.Full:
            self._fail("too many alerts wait for it")

    def finish(self) -> None:
        with contextlib.suppress(queue.Full):  # it is stuck: the deadline ends the wait
            self._waiting.put_nowait(None)

    def wait(self, deadline: float) -> None:
        self._thread.join(max(0.0, deadline - time.monotonic()))
        lost = self.failed + self._waiting.qsize() + self._thread.is_alive()
        if lost:
            logger.warning("alerts by %s: %d delivered, %d not", self._name, self.delivered, lost)

    def _run(self) -> None:
        while (event := self._waiting.get()) is not None:
            try:
                self._send(event)
                self.delivered += 1
            except Exception as error:  # whatever a receiver does, the others go on
                self._fail(_reason(error))

    def _fail(self, reason: str) -> None:
        self.failed += 1
        if time.monotonic() - self._complained > _COMPLAIN_AGAIN_S:
            self._complained = time.monotonic()
            logger.warning("an alert by %s was not delivered: %s", self._name, reason)


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.TimeoutExpired):
        return f"it took longer than {DELIVERY_S:g} s"
    reason = getattr(error, "reason", None)  # urllib wraps what happened
    cause = reason if isinstance(reason, Exception) else error
    return str(cause) or type(cause).__name__


def _sender(text: str) -> tuple[str, Callable[[Alert], None]]:
    """What a receiver is called in messages, and the function that delivers to it."""
    kind, _, rest = text.partition(":")
    if kind == "sound":
        return "sound", _sound_sender()
    if kind == "command":
        return "command", _command_sender(rest)
    if kind == "webhook":
        return "webhook", _webhook_sender(rest)
    return "MQTT", _mqtt_sender(text)


def _sound_sender() -> Callable[[Alert], None]:
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
    """A WAV file with two short tones, made once a day and left to the system to tidy up."""
    import wave

    import numpy as np

    rate, seconds = 22_050, 0.18
    moments = np.arange(int(rate * seconds)) / rate
    fade = np.minimum(1, 20 * np.minimum(moments, seconds - moments) / seconds)
    tones = np.concatenate([np.sin(2 * np.pi * pitch * moments) * fade for pitch in (880, 660)])
    path = Path(tempfile.mkdtemp(prefix="mask_alert_")) / "alert.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setparams((1, 2, rate, len(tones), "NONE", ""))
        sound.writeframes((tones * 16_000).astype("<i2").tobytes())
    return str(path)


def _command_sender(text: str) -> Callable[[Alert], None]:
    command = shlex.split(text, posix=os.name == "posix")
    if shutil.which(command[0]) is None:
        raise UserFacingError(f"--alert command: there is no program {command[0]!r}")
    return lambda event: _run(command, json.dumps(event) + "\n")


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


def _webhook_sender(address: str) -> Callable[[Alert], None]:
    from urllib.parse import unquote, urlsplit
    from urllib.request import Request, urlopen

    parts = urlsplit(address)
    headers = {"Content-Type": "application/json", "User-Agent": "mask-detector"}
    if parts.username:
        word = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(word.encode()).decode()}"
        address = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

    def send(event: Alert) -> None:
        request = Request(address, json.dumps(event).encode(), headers)
        with urlopen(request, timeout=DELIVERY_S):
            pass  # a status of 400 or above raises

    return send


def _mqtt_sender(address: str) -> Callable[[Alert], None]:
    from urllib.parse import unquote, urlsplit

    try:
        from paho.mqtt import client as mqtt
    except ImportError:
        raise UserFacingError("--alert mqtt needs another package: pip install paho-mqtt") from None
    parts = urlsplit(address)
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.max_queued_messages_set(WAITING_ALERTS)
    client.connect_timeout = DELIVERY_S
    if parts.scheme == "mqtts":
        client.tls_set()
    if parts.username:
        client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
    topic = parts.path.lstrip("/")

    def send(event: Alert) -> None:
        deadline = time.monotonic() + DELIVERY_S
        if not client.is_connected():
            client.loop_stop()
            client.connect(parts.hostname or "", parts.port or _MQTT_PORTS[parts.scheme])
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
