"""The page for Prometheus, and counts over a real MQTT broker."""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.request import urlopen

import numpy as np
import pytest
from waiting import wait_until

from mask_detector.errors import UserFacingError
from mask_detector.video.metrics import Metrics, parse_listener
from mask_detector.video.mqtt import MqttCounts, parse_broker
from mask_detector.video.sources import Frame
from mask_detector.video.view import View

CLASSES = ("with_mask", "without_mask")


def view(number: int = 0, **counts: int) -> View:
    frame = Frame(np.zeros((4, 4, 3), np.uint8), number, number / 25, 2, given=5 * number + 1)
    faces = dict.fromkeys(CLASSES, 0) | counts
    return View(0, 'door "1"\\', True, frame, [], [], faces, faces)


class Delivered:
    delivered, failed = 3, 1


def test_the_page_is_read_by_a_prometheus_client():
    pytest.importorskip("prometheus_client", reason="needs prometheus-client")
    from prometheus_client.parser import text_string_to_metric_families

    with Metrics(("127.0.0.1", 0), Delivered()) as metrics:
        metrics.take(view(0, with_mask=5))
        metrics.take(view(1, with_mask=2, unsure=1))
        with urlopen(f"http://127.0.0.1:{metrics.port}/metrics", timeout=30) as page:
            text = page.read().decode()
    samples = {
        (sample.name, sample.labels.get("source"), sample.labels.get("label")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    name = 'door "1"\\'
    assert samples["face_mask_frames_total", name, None] == 2
    assert samples["face_mask_frames_read_total", name, None] == 6
    assert samples["face_mask_faces", name, "with_mask"] == 2
    assert samples["face_mask_faces", name, "without_mask"] == 0
    assert samples["face_mask_faces", name, "unsure"] == 1
    assert samples["face_mask_people", name, "with_mask"] == 2
    assert samples["face_mask_delay_seconds_count", name, None] == 2
    assert samples["face_mask_reconnects_total", name, None] == 2
    assert samples["face_mask_alerts_sent_total", None, None] == 3
    assert samples["face_mask_alerts_failed_total", None, None] == 1


def test_a_port_that_is_taken_is_one_sentence():
    pytest.importorskip("prometheus_client", reason="needs prometheus-client")
    with (
        Metrics(("127.0.0.1", 0)) as metrics,
        pytest.raises(UserFacingError, match="choose another port"),
    ):
        Metrics(("127.0.0.1", metrics.port))


@pytest.mark.parametrize(
    ("text", "listener"),
    [("9100", ("127.0.0.1", 9100)), ("0.0.0.0:80", ("0.0.0.0", 80)), ("[::1]:80", ("::1", 80))],
)
def test_it_listens_on_localhost_unless_another_address_is_named(text, listener):
    assert parse_listener(text) == listener


@pytest.mark.parametrize("text", ["", "host", "70000", "host:", "-1"])
def test_what_is_no_port_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError):
        parse_listener(text)


def test_a_broker_that_is_refused_is_named_without_its_password():
    assert parse_broker("mqtts://me:secret@broker:1/a/b")
    with pytest.raises(argparse.ArgumentTypeError) as refusal:
        parse_broker("http://me:secret@broker/a")
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("package", "make"),
    [
        ("prometheus_client", lambda: Metrics(("127.0.0.1", 0))),
        ("paho.mqtt", lambda: MqttCounts("mqtt://127.0.0.1/door", 1, CLASSES, 1)),
    ],
)
def test_a_missing_package_is_named(monkeypatch, package, make):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserFacingError, match="pip install"):
        make()


@pytest.fixture
def broker() -> Iterator[int]:
    """The port of a real MQTT broker."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if program is None:
        pytest.skip("needs an MQTT broker: apt-get install mosquitto")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([program, "-p", str(port)], stderr=subprocess.DEVNULL)

    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_until(answers, process)
        yield port
    finally:
        process.kill()
        process.wait()


# paho's sockets that wake its thread are closed by its __del__ only.
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_counts_are_kept_by_the_broker_with_a_last_will(broker):
    mqtt = pytest.importorskip("paho.mqtt.client", reason="needs paho-mqtt")
    got: dict[str, Any] = {}
    with MqttCounts(f"mqtt://127.0.0.1:{broker}/door", 3600, CLASSES, 1) as counts:
        counts.take(view(0, with_mask=5))
        counts.take(view(1, with_mask=7))  # not due yet
        wait_until(counts._client.is_connected)
        listener = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        listener.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        listener.on_message = lambda client, data, message: got.update(
            {message.topic: message.payload.decode()}
        )
        listener.connect("127.0.0.1", broker)
        listener.loop_start()
        try:
            wait_until(lambda: {"door/1", "door/status"} <= got.keys() and len(got) == 5)
            assert got["door/status"] == "online"
            message = json.loads(got["door/1"])
            assert message["faces"] == {"with_mask": 5, "without_mask": 0, "unsure": 0}
            sensors = [json.loads(got[topic]) for topic in got if topic.endswith("/config")]
            assert {each["name"] for each in sensors} == {"Mask", "No Mask", "Unsure"}
            assert len({each["unique_id"] for each in sensors}) == 3
            assert all(each["state_topic"] == "door/1" for each in sensors)
            counts._client._sock_close()  # as if the process had died
            wait_until(lambda: got["door/status"] == "offline")
        finally:
            listener.loop_stop()
            listener.__del__()
    counts._client.__del__()
