"""Time in a source: a clock, and timestamps that only go on where those of a file start again."""

from __future__ import annotations

import threading
import time

from av.packet import Packet

_BACK_S = 0.1
_FORWARD_S = 10.0
"""Jumps that FFmpeg's own program corrects in MPEG streams."""


class Clock:
    """Seconds since it was first read."""

    def __init__(self) -> None:
        self._zero: float | None = None
        self._lock = threading.Lock()

    def seconds(self) -> float:
        """Seconds since the first call."""
        with self._lock:
            now = time.monotonic()
            self._zero = now if self._zero is None else self._zero
            return now - self._zero


class Timeline:
    """Corrects the timestamps of one stream's packets, in the order in which they are decoded.

    In joined files (``cat a.ts b.ts``), and after a camera's restart, timestamps start again: what
    follows is moved so that it continues.

    Args:
        jumps: a jump forward is closed too; otherwise it is a pause of the recording.

    Attributes:
        end_s: where the packets so far end, in corrected seconds; None before the first.
    """

    def __init__(self, jumps: bool) -> None:
        self.end_s: float | None = None
        self._jumps = jumps
        self._last_s = 0.0
        self._shift_s = 0.0

    def correct(self, packet: Packet) -> None:
        """Correct a packet's timestamps in place."""
        shown = packet.dts if packet.pts is None else packet.pts
        decoded = packet.pts if packet.dts is None else packet.dts
        if shown is None or decoded is None:
            return
        decoded_s = float(decoded * packet.time_base) + self._shift_s
        if self.end_s is not None:
            back = decoded_s < self._last_s - _BACK_S
            if back or (self._jumps and decoded_s > self.end_s + _FORWARD_S):
                shift_s = self.end_s - float(shown * packet.time_base)
                decoded_s += shift_s - self._shift_s
                self._shift_s = shift_s
        if self._shift_s:
            shift = round(self._shift_s / packet.time_base)
            shown += shift
            packet.pts = None if packet.pts is None else packet.pts + shift
            packet.dts = None if packet.dts is None else packet.dts + shift
        self._last_s = decoded_s
        end_s = float((shown + (packet.duration or 0)) * packet.time_base)
        self.end_s = end_s if self.end_s is None else max(self.end_s, end_s)
