"""The video script's options about zones, alerts and what other systems are told."""

from __future__ import annotations

import argparse

from mask_detector.command_line import number
from mask_detector.video.metrics import parse_listener
from mask_detector.video.mqtt import parse_broker
from mask_detector.video.receivers import KINDS, parse_receiver
from mask_detector.video.zones import parse_zone


# fmt: off
def add_monitoring_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the groups "zones and alerts" and "monitoring"."""
    add = parser.add_argument_group("zones and alerts").add_argument
    add("--zone", type=parse_zone, action="append", default=[], metavar="X1,Y1,X2,Y2,X3,Y3…",
        help="count and alert only inside this polygon, in pixels or, if no number is above 1, in "
        "fractions of the picture; NAME= before the numbers names it; may be repeated")
    add("--alert", type=parse_receiver, action="append", default=[], metavar="RECEIVER",
        help=f"report a face without a mask by {KINDS}; may be repeated")
    add("--alert-after", type=number(0, 3600), default=2, metavar="SECONDS",
        help="alert once per person, after SECONDS without a mask")
    add("--alert-cooldown", type=number(0, 86400), default=10, metavar="SECONDS",
        help="minimum time between two alerts of a source")

    add = parser.add_argument_group("monitoring").add_argument
    add("--metrics", type=parse_listener, metavar="PORT",
        help="serve figures for Prometheus at PORT of localhost, or at ADDRESS:PORT")
    add("--mqtt-counts", type=parse_broker, metavar="mqtt://HOST/TOPIC",
        help="publish counts as JSON, retained, with messages for Home Assistant's discovery")
    add("--mqtt-counts-every", type=number(0.1, 86400), default=10, metavar="SECONDS",
        help="time from one message of a source to the next")
# fmt: on
