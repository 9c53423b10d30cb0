"""Alerts: when they are due, and receivers that hang, refuse, fail and work."""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streams import free_port
from waiting import PATIENCE_S, wait_until

from mask_detector.errors import UserFacingError
from mask_detector.video import alerts as module
from mask_detector.video import receivers
from mask_detector.video.alerts import Alerts
from mask_detector.video.people import UnmaskedRule
from mask_detector.video.receivers import WAITING_ALERTS, parse_receiver
from mask_detector.video.sources import Frame
from mask_detector.video.tracking import TrackedFace
from mask_detector.video.view import View

EVENT = {"event": "without_mask", "source": "0", "track": 3}


def face(
    track: int | None = 1, label: str = "without_mask", unsure: bool = False, outside: bool = False
) -> TrackedFace:
    return TrackedFace((0, 0, 10, 10), 0.9, {label: 1.0}, unsure, track, label, outside)


def due(rule: UnmaskedRule, *faces: TrackedFace, at: float) -> list[int | None]:
    return [each.track for each in rule.due(faces, at)]


def test_nobody_is_due_where_nobody_is() -> None:
    assert due(UnmaskedRule(0), at=0) == []


def test_a_person_is_due_once_after_the_time_without_a_mask() -> None:
    rule = UnmaskedRule(after_s=2)
    assert [due(rule, face(), at=step / 2) for step in range(10)] == [[]] * 4 + [[1]] + [[]] * 5


@pytest.mark.parametrize("kind", [{"label": "with_mask"}, {"unsure": True}, {"track": None}])
def test_masked_unsure_and_unnumbered_faces_are_not_due(kind: dict[str, Any]) -> None:
    rule = UnmaskedRule(after_s=1)
    assert [due(rule, face(**kind), at=step) for step in range(5)] == [[]] * 5


def test_a_mask_put_on_starts_the_time_again() -> None:
    rule = UnmaskedRule(after_s=2)
    labels = ["without_mask", "without_mask", "with_mask", *["without_mask"] * 3]
    assert [due(rule, face(label=name), at=n) for n, name in enumerate(labels)] == [[]] * 5 + [[1]]


def test_cooldown_makes_the_next_person_wait() -> None:
    rule = UnmaskedRule(after_s=1, cooldown_s=3)
    found = [due(rule, face(1), face(2), at=step) for step in range(8)]
    assert found == [[], [1], [], [], [2], [], [], []]


def test_memory_of_people_is_bounded() -> None:
    rule = UnmaskedRule(after_s=1)
    for number in range(1000):
        due(rule, face(number), at=number)
    assert max(map(len, (rule._seen, rule._since, rule._reported))) < 10


@pytest.mark.parametrize(
    "text",
    [
        "sound",
        "command:notify-send 'no mask'",
        "webhook:https://me:secret@example.org/hook",
        "mqtt://me:secret@broker:1884/door/mask",
        "mqtts://broker/door",
    ],
)
def test_receivers(text: str) -> None:
    assert parse_receiver(text) == text


@pytest.mark.parametrize(
    "text", ["", "sounds", "command:", "webhook:example.org", "webhook:ftp://a/b", "mqtt://broker"]
)
def test_what_is_no_receiver_is_said(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not sound, command:PROGRAM"):
        parse_receiver(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("command:echo it's secret", "a quote of the command is not closed"),
        ("mqtt://me:secret@broker", "'mqtt://me:***@broker' is not sound"),
        ("mqtt:me:secret@broker/door", "is not sound"),
        ("https://me:secret@example.org/hook", "is not sound"),
        ("webhook:ftp://me:secret@example.org", "is not sound"),
        ("webhook:me:secret@example.org/hook", "is not sound"),
        ("webhook:http://me:secret/x@example.org/hook", "no valid host and port"),
        ("webhook:http://example.org/a b?token=secret", "must be escaped"),
        ("mqtt://me:secret#x@broker/door", "no valid host and port"),
        ("mqtts://[secret/door", "no valid host and port"),
        ("mqtt://broker:99999/door", "no valid host and port"),
        ("mqtt://broker/door/+", "a topic to publish to"),
        ("mqtt://broker/door#1", "a topic to publish to"),
        ("mqtt://broker/door?qos=1", "a topic to publish to"),
    ],
)
def test_a_receiver_that_cannot_work_is_said_at_once_without_its_password(
    text: str, words: str
) -> None:
    with pytest.raises(argparse.ArgumentTypeError) as error:
        parse_receiver(text)
    assert words in str(error.value)
    assert "secret" not in str(error.value)


class Receiver:
    """A web server that answers each POST with a status, or hangs."""

    def __init__(self) -> None:
        self.status: int | None = 200
        self.location = ""
        self.got: list[tuple[dict[str, Any], str | None]] = []
        self.release = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.got.append((body, self.headers["Authorization"]))
                if outer.status is None:
                    outer.release.wait()
                else:
                    self.send_response(outer.status)
                    if outer.location:
                        self.send_header("Location", outer.location)
                    self.end_headers()

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def web() -> Iterator[Receiver]:
    server = Receiver()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def heard(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    caplog.set_level(logging.WARNING)
    return lambda: "\n".join(record.getMessage() for record in caplog.records)


def test_a_webhook_gets_the_whole_alert(web: Receiver) -> None:
    view = View(
        0,
        "rtsp://me:***@door",
        True,
        Frame(np.zeros((9, 9, 3), np.uint8), 5, 7.5),
        [face(), face(2, outside=True)],
        [],
        {},
        {},
    )
    with Alerts([f"webhook:http://me:s%40t@127.0.0.1:{web.port}/hook"], after_s=0) as alerts:
        alerts.take(view)
    ((event, authorization),) = web.got
    assert authorization == "Basic bWU6c0B0"  # me:s@t
    assert event.pop("at").startswith("20")
    assert event == {
        "event": "without_mask",
        "source": "rtsp://me:***@door",
        "time_s": 7.5,
        "box": [0, 0, 10, 10],
        "score": 0.9,
        "label": "without_mask",
        "probabilities": {"without_mask": 1.0},
        "track": 1,
    }
    assert alerts.delivered == 1


@pytest.mark.parametrize("status", [404, 500])
def test_a_webhook_that_fails_is_counted_and_reported(
    web: Receiver, heard: Callable[[], str], status: int
) -> None:
    web.status = status
    with Alerts([f"webhook:http://127.0.0.1:{web.port}/"]) as alerts:
        alerts.send(EVENT)
        alerts.send(EVENT)
    assert (alerts.delivered, alerts.failed) == (0, 2)
    assert heard().count("not delivered") == 1  # not again and again
    assert str(status) in heard()
    assert "0 delivered, 2 not" in heard()


def test_a_webhook_that_refuses_is_reported_without_its_password(heard: Callable[[], str]) -> None:
    with Alerts([f"webhook:http://me:secret@127.0.0.1:{free_port()}/"]) as alerts:
        alerts.send(EVENT)
    assert alerts.failed == 1
    assert "refused" in heard()
    assert "secret" not in heard()


def test_an_address_that_cannot_be_requested_is_not_shown(heard: Callable[[], str]) -> None:
    with Alerts(["webhook:http://example.org/a b?token=secret"]) as alerts:
        alerts.send(EVENT)
    assert alerts.failed == 1
    assert "the address is not valid" in heard()
    assert "secret" not in heard()


def test_a_webhook_that_hangs_holds_up_nothing_and_nobody(
    web: Receiver, heard: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CLOSING_S", 0.3)
    web.status = None
    other = Receiver()
    addresses = [f"webhook:http://127.0.0.1:{each.port}/" for each in (web, other)]
    alerts = Alerts(addresses)
    for _ in range(WAITING_ALERTS + 5):
        alerts.send(EVENT)
        wait_until(lambda: alerts._deliveries[1]._waiting.empty())
    # The other one gets them all while the first one hangs.
    wait_until(lambda: alerts.delivered == len(other.got) == WAITING_ALERTS + 5)
    assert alerts.failed >= 4  # what found the queue full
    alerts.close()
    assert f"0 delivered, {WAITING_ALERTS + 5} not" in heard()
    other.close()


def test_a_webhook_that_hangs_is_given_up(
    web: Receiver, heard: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receivers, "DELIVERY_S", 0.3)
    web.status = None
    with Alerts([f"webhook:http://127.0.0.1:{web.port}/"]) as alerts:
        alerts.send(EVENT)
    assert alerts.failed == 1
    assert "it took longer than 0.3 s" in heard()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_not_delivered(
    web: Receiver, heard: Callable[[], str], status: int
) -> None:
    other = Receiver()
    web.status, web.location = status, f"http://127.0.0.1:{other.port}/"
    with Alerts([f"webhook:http://me:secret@127.0.0.1:{web.port}/"]) as alerts:
        alerts.send(EVENT)
    other.close()
    assert (alerts.delivered, alerts.failed) == (0, 1)
    assert other.got == []
    assert f"redirects to another address (status {status})" in heard()
    assert "0 delivered, 1 not" in heard()


def test_a_receiver_that_drips_its_headers_is_given_up(
    heard: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receivers, "DELIVERY_S", 0.5)
    closed = threading.Event()

    def drip(server: socket.socket) -> None:
        with contextlib.suppress(OSError), server.accept()[0] as connection:
            connection.recv(10_000)
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            while True:
                connection.sendall(b"X")
                time.sleep(0.02)
        closed.set()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=drip, args=(server,), daemon=True).start()
        with Alerts([f"webhook:http://127.0.0.1:{server.getsockname()[1]}/"]) as alerts:
            alerts.send(EVENT)
        assert closed.wait(PATIENCE_S)  # the connection is not kept either
    assert alerts.failed == 1
    assert "it took longer than 0.5 s" in heard()
    assert "0 delivered, 1 not" in heard()


def test_a_command_gets_the_alert_on_standard_input(tmp_path: Path) -> None:
    script = tmp_path / "take it.py"
    script.write_text("import sys; open(sys.argv[1], 'a').write(sys.stdin.read())")
    with Alerts([f"command:'{sys.executable}' '{script}' '{tmp_path / 'got'}'"]) as alerts:
        alerts.send(EVENT)
        alerts.send(EVENT)
    assert [json.loads(line) for line in (tmp_path / "got").read_text().splitlines()] == [EVENT] * 2


def test_a_command_that_fails_or_hangs_is_reported(
    heard: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receivers, "DELIVERY_S", 4.0)
    commands = ["raise SystemExit(3)", "import time; time.sleep(60)"]
    with Alerts([f"command:'{sys.executable}' -c '{each}'" for each in commands]) as alerts:
        alerts.send(EVENT)
    assert alerts.failed == 2
    assert "ended with status 3" in heard()
    assert "took longer than 4 s" in heard()


def test_a_command_that_is_not_there_is_said_at_once() -> None:
    with pytest.raises(UserFacingError, match="there is no program 'no-such-program'"):
        Alerts(["command:no-such-program --loud"])


def test_a_machine_without_sound_says_so(
    heard: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with Alerts(["sound"]) as alerts:
        alerts.send(EVENT)
    assert "there is no sound here" in heard()
    assert alerts.failed == 1


def test_a_sound_is_played_by_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    player = tmp_path / "aplay"
    player.write_text(f"#!/bin/sh\ncp \"$1\" '{tmp_path / 'played.wav'}'\n")
    player.chmod(0o755)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setattr(shutil, "which", lambda name: str(player) if name == "aplay" else None)
    with Alerts(["sound"]) as alerts:
        alerts.send(EVENT)
    assert alerts.delivered == 1
    assert (tmp_path / "played.wav").read_bytes()[:4] == b"RIFF"


class Broker:
    """A real MQTT broker."""

    def __init__(self, port: int) -> None:
        program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
        if program is None:
            pytest.skip("needs an MQTT broker: apt-get install mosquitto")
        self._process = subprocess.Popen([program, "-p", str(port)], stderr=subprocess.DEVNULL)

        def answers() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        wait_until(answers)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


# paho's loop_start forgets the pair of sockets of an earlier start.
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_mqtt_delivers_and_survives_a_broker_that_restarts(
    heard: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receivers, "DELIVERY_S", 4.0)
    mqtt = pytest.importorskip("paho.mqtt.client", reason="needs paho-mqtt")
    port = free_port()
    got: list[Any] = []
    broker = Broker(port)
    listener = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    listener.reconnect_delay_set(1, 1)
    listener.on_connect = lambda client, *_: client.subscribe("door/mask", qos=1)
    listener.on_message = lambda client, data, message: got.append(json.loads(message.payload))
    subscribed = threading.Event()
    listener.on_subscribe = lambda *_: subscribed.set()
    listener.connect("127.0.0.1", port)
    listener.loop_start()
    try:
        with Alerts([f"mqtt://127.0.0.1:{port}/door/mask"]) as alerts:
            assert subscribed.wait(PATIENCE_S)
            alerts.send(EVENT)
            wait_until(lambda: got == [EVENT])
            broker.close()
            wait_until(lambda: not listener.is_connected())
            subscribed.clear()
            alerts.send(EVENT)
            wait_until(lambda: alerts.failed == 1)
            broker = Broker(port)
            assert subscribed.wait(PATIENCE_S)
            alerts.send(EVENT)
            wait_until(lambda: alerts.delivered == 2)
        wait_until(lambda: len(got) >= 2)
    finally:
        listener.loop_stop()
        broker.close()
        listener.__del__()  # nothing else closes the sockets that wake paho's thread
    assert "not delivered" in heard()


def test_mqtt_without_its_client_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "paho.mqtt", None)
    with pytest.raises(UserFacingError, match="pip install paho-mqtt"):
        Alerts(["mqtt://127.0.0.1/door"])
