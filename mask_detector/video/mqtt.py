"""Connections to MQTT brokers, and counts that are published to one.

    with MqttCounts("mqtt://broker/door", 10, detector.classes, sources=1) as counts:
        counts.take(view)

Topics, all retained: ``door/status`` (online or offline, the last will), ``door/1`` (the counts of
the first source as JSON), and messages under ``homeassistant/`` for Home Assistant's discovery.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import logging
import re
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from mask_detector.errors import UserFacingError
from mask_detector.video.addresses import check_address, without_password
from mask_detector.video.view import View
from mask_detector.wording import display_name

logger = logging.getLogger(__name__)

PORTS = {"mqtt": 1883, "mqtts": 8883}
CONNECT_S = 10.0

_DISCOVERY = "homeassistant/sensor"
_WAITING_MESSAGES = 100
_LONGEST_WAIT_S = 60
_CLOSING_S = 5.0


def parse_broker(text: str) -> str:
    """Check ``mqtt://HOST/TOPIC``, for argparse's ``type``."""
    if not re.match(r"mqtts?://[^/]+/+[^/]", text):
        raise argparse.ArgumentTypeError(f"{without_password(text)!r} is not mqtt://HOST/TOPIC")
    check_address(text)
    *_, topic = broker_of(text)
    if not topic or set("+#?") & set(text.partition("://")[2].partition("/")[2]):
        raise argparse.ArgumentTypeError(
            "a topic to publish to is not empty and has no +, # or ? (a user name and password "
            "stand before the @)"
        )
    return text


def broker_of(address: str) -> tuple[str, int, str]:
    """Host, port and topic of an address."""
    parts = urlsplit(address)
    return parts.hostname or "", parts.port or PORTS[parts.scheme], parts.path.lstrip("/")


def make_client(address: str, option: str, waiting: int) -> Any:
    """A ``paho.mqtt.client.Client`` for a broker, not connected yet.

    Args:
        address: ``mqtt://`` or, encrypted, ``mqtts://``; may have a user name and a password.
        option: the command line's option, for the message that the package is missing.
        waiting: messages that may wait to be sent.

    Raises:
        UserFacingError: the package is not installed.
    """
    try:
        from paho.mqtt import client as mqtt
    except ImportError:
        raise UserFacingError(f"{option} needs another package: pip install paho-mqtt") from None
    parts = urlsplit(address)
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.max_queued_messages_set(waiting)
    client.connect_timeout = CONNECT_S
    if parts.scheme == "mqtts":
        client.tls_set()
    if parts.username:
        client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
    return client


class MqttCounts:
    """Publishes the counts of each source every few seconds; a broker may come and go.

    Args:
        address: the broker and the topic.
        every_s: seconds from one message of a source to the next.
        classes: the model's class names.
        sources: how many sources there are.

    Raises:
        UserFacingError: the MQTT client is not installed.
    """

    def __init__(self, address: str, every_s: float, classes: Sequence[str], sources: int) -> None:
        host, port, self._topic = broker_of(address)
        self._name = without_password(address)
        self._every_s, self._classes, self._sources = every_s, classes, sources
        self._published = [-float("inf")] * sources
        self._last: dict[int, str] = {}
        self._client = make_client(address, "--mqtt-counts", _WAITING_MESSAGES)
        self._client.will_set(self._status, "offline", qos=1, retain=True)
        self._client.reconnect_delay_set(1, _LONGEST_WAIT_S)
        self._client.on_connect = self._connected
        self._client.on_connect_fail = self._not_connected
        self._warned = False
        self._client.connect_async(host, port)
        self._client.loop_start()  # a thread that connects, and connects again

    @property
    def _status(self) -> str:
        return f"{self._topic}/status"

    def take(self, view: View) -> None:
        """Publish the counts of a frame if it is time."""
        now = time.monotonic()
        if now - self._published[view.source] < self._every_s:
            return
        self._published[view.source] = now
        faces = {name: view.counts.get(name, 0) for name in (*self._classes, "unsure")}
        about = {"source": view.name, "at": view.time_of_day}
        self._last[view.source] = json.dumps({**about, "faces": faces, "people": view.people})
        if self._client.is_connected():
            self._send(view.source)

    def _send(self, source: int) -> None:
        self._publish(f"{self._topic}/{source + 1}", self._last[source])

    def _publish(self, topic: str, text: str) -> Any:
        return self._client.publish(topic, text, qos=1, retain=True)

    def _connected(self, client: Any, data: Any, flags: Any, code: Any, more: Any) -> None:
        if code.is_failure:
            self._warn(str(code))
            return
        self._warned = False
        self._publish(self._status, "online")
        for source in range(self._sources):
            for label in dict.fromkeys((*self._classes, "unsure")):
                self._publish(*self._discovery(source, label))
        for source in list(self._last):
            self._send(source)

    def _not_connected(self, client: Any, data: Any) -> None:
        self._warn("it does not answer")

    def _warn(self, why: str) -> None:
        if not self._warned:
            logger.warning("no counts to %s: %s; trying again", self._name, why)
        self._warned = True

    def _discovery(self, source: int, label: str) -> tuple[str, str]:
        """Topic and text by which Home Assistant makes a sensor of a count."""
        place = f"{self._topic}/{source + 1}"
        device = f"face_mask_{hashlib.sha256(place.encode()).hexdigest()[:12]}"
        name = f"{device}_{re.sub(r'[^A-Za-z0-9_-]', '_', label)}"
        sensor = {
            "name": display_name(label),
            "unique_id": name,
            "state_topic": place,
            "value_template": f"{{{{ value_json.faces[{json.dumps(label)}] }}}}",
            "state_class": "measurement",
            "availability_topic": self._status,
            "device": {"identifiers": [device], "name": f"Face masks {place}"},
        }
        return f"{_DISCOVERY}/{name}/config", json.dumps(sensor)

    def close(self) -> None:
        """Say that no more counts come, and disconnect."""
        if self._client.is_connected():
            message = self._publish(self._status, "offline")
            with contextlib.suppress(RuntimeError, ValueError):
                message.wait_for_publish(_CLOSING_S)
        self._client.disconnect()
        self._client.loop_stop()

    def __enter__(self) -> MqttCounts:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
