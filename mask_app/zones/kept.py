"""A session's zones: they stay until they are removed, whichever page is open."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import streamlit as st

from mask_app.settings import Settings
from mask_app.translations import gettext
from mask_detector.video.zones import Point, Zone, parse_zone

ADDRESS = "zone"
"""What the address calls zones of the browser's own camera: a door's outlive a reload in it."""

_LONGEST_NAME = 30  # characters
# Shells and the option's own syntax give them a meaning of their own.
_NOT_IN_NAMES = re.compile(r"[\"'`$\\%!=]")
_FRACTION_DIGITS = 3


class KeptZones:
    """The zones of one scene, by numbers that stay the same while others are removed.

    Attributes:
        added: zones so far, also those that were removed since.
    """

    def __init__(self) -> None:
        self.added = 0
        self._zones: dict[int, Zone] = {}

    def __len__(self) -> int:
        return len(self._zones)

    def items(self) -> list[tuple[int, Zone]]:
        """Numbers and zones, in the order in which they were drawn."""
        return list(self._zones.items())

    def all(self) -> tuple[Zone, ...]:
        """The zones."""
        return tuple(self._zones.values())

    def add(self, zone: Zone) -> None:
        """Add a zone; one without a name is named after its number."""
        self.added += 1
        number = self.added
        self._zones[number] = replace(
            zone, name=fitting_name(zone.name) or gettext("Zone {number}", number=number)
        )

    def rename(self, number: int, name: str) -> None:
        """Give a zone a name, without the characters that an option could not hold."""
        zone = self._zones[number]
        self._zones[number] = replace(zone, name=fitting_name(name) or zone.name)

    def move(self, number: int, zone: Zone) -> None:
        """Give a zone the corners of another."""
        self._zones[number] = replace(zone, name=self._zones[number].name)

    def remove(self, number: int) -> None:
        """Remove a zone."""
        self._zones.pop(number, None)

    def take(self, polygons: Sequence[Sequence[Point]], mirror: bool = False) -> None:
        """Take the corners of all zones from the drawer; what is beyond the zones is new.

        Args:
            polygons: of each zone in order, in fractions of the picture; those without an area
                are left as they were, or out.
            mirror: the picture that they were drawn on is mirrored.
        """
        numbers = list(self._zones)
        for index, polygon in enumerate(polygons):
            zone = polygon_zone(polygon, mirror)
            if zone is None:
                continue
            if index >= len(numbers):
                self.add(zone)
            elif zone.points != rounded(self._zones[numbers[index]].points):
                self.move(numbers[index], zone)


def kept_zones(scene: str) -> KeptZones:
    """This session's zones of a scene: of a camera, or of the videos."""
    scenes: dict[str, KeptZones] = st.session_state.setdefault("zones", {})
    return scenes.setdefault(scene, KeptZones())


def take_address(scene: str) -> None:
    """Take the zones that the address names, where the session has none of its own yet."""
    scenes: dict[str, KeptZones] = st.session_state.setdefault("zones", {})
    if scene not in scenes:
        scenes[scene] = zones_in(st.query_params.get_all(ADDRESS))


def with_zones(settings: Settings, scene: str) -> Settings:
    """The settings with the zones of a scene."""
    return replace(settings, zones=kept_zones(scene).all())


def fitting_name(name: str) -> str:
    """A name that may stand in a ``--zone`` option in quotes, in any shell."""
    name = "".join(char for char in _NOT_IN_NAMES.sub("", name) if char.isprintable())
    return " ".join(name.split())[:_LONGEST_NAME].strip()


def polygon_zone(polygon: Sequence[Point], mirror: bool = False) -> Zone | None:
    """A zone of these corners, in fractions of the picture; None where they enclose no area."""
    points = rounded([(1 - x, y) for x, y in polygon] if mirror else polygon)
    try:
        return parse_zone(Zone(points, fractions=True).text)
    except argparse.ArgumentTypeError:
        return None


def rounded(points: Sequence[Point]) -> tuple[Point, ...]:
    """Corners as they stand in options: a thousandth of a picture is a pixel or two."""
    return tuple((round(x, _FRACTION_DIGITS), round(y, _FRACTION_DIGITS)) for x, y in points)


def zones_in(texts: Sequence[str]) -> KeptZones:
    """The zones that an address names; what is none is left out."""
    zones = KeptZones()
    for text in texts:
        with suppress(argparse.ArgumentTypeError):
            zones.add(parse_zone(text))
    return zones


def option_line(zones: Sequence[Zone]) -> str:
    """The zones as options of ``detect_mask_video.py``."""
    return " ".join(f'--zone "{zone.text}"' for zone in zones)
