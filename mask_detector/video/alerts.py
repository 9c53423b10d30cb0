"""Alerts about people without a mask, to every receiver in a thread of its own.

    with Alerts(["sound", "webhook:https://example.org/hook"], after_s=2) as alerts:
        alerts.take(view)

Each receiver has a short queue of its own: one that is slow, hangs or is dead delays no frame and
no other receiver. What could not be delivered is counted and reported.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Sequence

from mask_detector.video.people import UNMASKED, UnmaskedRule
from mask_detector.video.receivers import WAITING_ALERTS, Alert, Send, failure, make_sender
from mask_detector.video.view import View

logger = logging.getLogger(__name__)

_CLOSING_S = 5.0
_COMPLAIN_AGAIN_S = 60.0


class Alerts:
    """Sends alerts about people without a mask, to each receiver in a thread of its own.

    Args:
        receivers: as :func:`receivers.parse_receiver` accepts them.
        after_s, cooldown_s: when, for each source; see :class:`UnmaskedRule`.

    Raises:
        UserFacingError: a command or the MQTT client is not installed.
    """

    def __init__(
        self, receivers: Sequence[str], after_s: float = 2.0, cooldown_s: float = 10.0
    ) -> None:
        self._deliveries = [_Delivery(*make_sender(each)) for each in receivers]
        self._rules: dict[int, UnmaskedRule] = {}
        self._times = after_s, cooldown_s

    def take(self, view: View) -> None:
        """Send alerts about those faces of a frame that are due."""
        rule = self._rules.setdefault(view.source, UnmaskedRule(*self._times))
        for face in rule.due(view.inside, view.frame.time_s):
            about = {"event": UNMASKED, "source": view.name, "time_s": round(view.frame.time_s, 3)}
            self.send({**about, "at": view.time_of_day, **face.as_json()})

    def send(self, event: Alert) -> None:
        """Queue an alert for every receiver and return at once."""
        for delivery in self._deliveries:
            delivery.put(event)

    @property
    def delivered(self) -> int:
        """Successful deliveries, over all receivers."""
        return sum(delivery.delivered for delivery in self._deliveries)

    @property
    def failed(self) -> int:
        """Failed deliveries."""
        return sum(delivery.failed for delivery in self._deliveries)

    def close(self) -> None:
        """Give waiting alerts a few seconds to be delivered, then report what was lost."""
        deadline = time.monotonic() + _CLOSING_S
        for delivery in self._deliveries:
            delivery.finish(deadline)

    def __enter__(self) -> Alerts:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class _Delivery:
    """One receiver: its queue, its thread, its counts."""

    def __init__(self, name: str, send: Send) -> None:
        self.delivered = self.failed = self._offered = 0
        self._name, self._send = name, send
        self._waiting: queue.Queue[Alert | None] = queue.Queue(WAITING_ALERTS)
        self._complained = -float("inf")
        self._thread = threading.Thread(target=self._run, name=f"alert {name}", daemon=True)
        self._thread.start()

    def put(self, event: Alert) -> None:
        self._offered += 1
        try:
            self._waiting.put_nowait(event)
        except queue.Full:
            self._fail("too many alerts are waiting for it")

    def finish(self, deadline: float) -> None:
        with contextlib.suppress(queue.Full):  # it is stuck
            self._waiting.put(None, timeout=max(0.0, deadline - time.monotonic()))
            self._thread.join(max(0.0, deadline - time.monotonic()))
        if lost := self._offered - self.delivered:
            logger.warning("alerts by %s: %d delivered, %d not", self._name, self.delivered, lost)

    def _run(self) -> None:
        while (event := self._waiting.get()) is not None:
            try:
                self._send(event)
                self.delivered += 1
            except Exception as error:  # whatever one receiver does, the run goes on
                self._fail(failure(error))

    def _fail(self, reason: str) -> None:
        self.failed += 1
        if time.monotonic() - self._complained > _COMPLAIN_AGAIN_S:
            self._complained = time.monotonic()
            logger.warning("an alert by %s was not delivered: %s", self._name, reason)
