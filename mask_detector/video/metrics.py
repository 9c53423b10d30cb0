"""Figures of a running video script, on a page that Prometheus reads.

with Metrics("9100", alerts) as metrics:
    metrics.take(view)              # http://localhost:9100/metrics
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from typing import Any

from mask_detector.errors import UserFacingError
from mask_detector.video.alerts import Alerts
from mask_detector.video.view import View

_LOCALHOST = "127.0.0.1"
_HIGHEST_PORT = 65535
_DELAYS_S = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


def parse_listener(text: str) -> tuple[str, int]:
    """``PORT`` on localhost or ``ADDRESS:PORT``, for argparse's ``type``."""
    address, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > _HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not PORT or ADDRESS:PORT")
    return address.strip("[]") or _LOCALHOST, int(port)


class Metrics:
    """Serves the figures over HTTP until it is closed.

    Args:
        listener: address and port; port 0 takes a free one.
        alerts: whose deliveries are counted; None where no alerts are sent.

    Attributes:
        port: where it listens.

    Raises:
        UserFacingError: the port is taken, or the package is not installed.
    """

    def __init__(self, listener: tuple[str, int], alerts: Alerts | None = None) -> None:
        try:
            import prometheus_client as prometheus
        except ImportError:
            raise UserFacingError(
                "--metrics needs another package: pip install prometheus-client"
            ) from None
        registry = prometheus.CollectorRegistry()
        one, two = ("source",), ("source", "label")
        self._frames = prometheus.Counter(
            "face_mask_frames", "Processed frames", one, registry=registry
        )
        self._faces = prometheus.Gauge(
            "face_mask_faces", "Faces in the last frame", two, registry=registry
        )
        self._people = prometheus.Gauge(
            "face_mask_people", "People since the start", two, registry=registry
        )
        self._delay = prometheus.Histogram(
            "face_mask_delay_seconds", "From reading a frame to its result", one,
            registry=registry, buckets=_DELAYS_S,
        )  # fmt: skip
        self._last = prometheus.Gauge(
            "face_mask_last_frame_timestamp_seconds", "When the last frame was done", one,
            registry=registry,
        )  # fmt: skip
        self._reconnects: dict[str, int] = {}
        self._read: dict[str, int] = {}
        self._alerts = alerts
        registry.register(self)
        address, port = listener
        try:
            self._server, self._thread = prometheus.start_http_server(port, address, registry)
        except OSError as error:
            why = error.strerror or error
            raise UserFacingError(
                f"--metrics: cannot listen on {address}:{port} ({why}), choose another port"
            ) from None
        self.port: int = self._server.server_port

    def take(self, view: View) -> None:
        """Count a processed frame."""
        source = view.name
        self._frames.labels(source).inc()
        for label, count in {"unsure": 0, **view.counts}.items():
            self._faces.labels(source, label).set(count)
        for label, count in {"unsure": 0, **view.people}.items():
            self._people.labels(source, label).set(count)
        self._delay.labels(source).observe(time.monotonic() - view.frame.read_at)
        self._last.labels(source).set_to_current_time()
        self._reconnects[source] = view.frame.reconnects
        self._read[source] = view.frame.given

    def collect(self) -> Iterator[Any]:
        """What others count, asked for whenever the page is read."""
        from prometheus_client.core import CounterMetricFamily

        sent, failed = (self._alerts.delivered, self._alerts.failed) if self._alerts else (0, 0)
        yield CounterMetricFamily("face_mask_alerts_sent", "Alerts delivered", value=sent)
        yield CounterMetricFamily("face_mask_alerts_failed", "Alerts not delivered", value=failed)
        for name, words, counts in (
            ("face_mask_frames_read", "Frames read, those not processed included", self._read),
            ("face_mask_reconnects", "How often a source has come back", self._reconnects),
        ):
            family = CounterMetricFamily(name, words, labels=["source"])
            for source, count in list(counts.items()):
                family.add_metric([source], count)
            yield family

    def __enter__(self) -> Metrics:
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
