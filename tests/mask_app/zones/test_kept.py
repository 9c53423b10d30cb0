"""A session's zones: drawn, named, moved, removed, and given to the scripts."""

from __future__ import annotations

import shlex

import pytest

from mask_app.zones.kept import KeptZones, fitting_name, option_line, polygon_zone, zones_in
from mask_detector.video.zones import Zone, parse_zone

LEFT = [(0.0, 0.0), (0.25, 0.0), (0.25, 1.0)]
RIGHT = [(0.5, 0.0), (1.0, 0.0), (1.0, 1.0)]


def test_what_is_drawn_is_added_or_moved_and_keeps_its_name() -> None:
    zones = KeptZones()
    assert not zones
    zones.take([LEFT])
    zones.rename(1, "Door")
    zones.take([LEFT, RIGHT])
    assert [zone.name for zone in zones.all()] == ["Door", "Zone 2"]
    zones.take([RIGHT, LEFT])
    assert zones.all() == (
        Zone(tuple(RIGHT), True, "Door"),
        Zone(tuple(LEFT), True, "Zone 2"),
    )
    zones.remove(1)
    zones.remove(1)
    assert [number for number, _ in zones.items()] == [2]
    zones.take([LEFT, RIGHT])
    assert [zone.name for zone in zones.all()] == ["Zone 2", "Zone 3"]


def test_what_encloses_no_area_is_left_out_and_a_zone_in_pixels_stays_as_it_is() -> None:
    zones = KeptZones()
    zones.add(parse_zone("10,10,90,10,90,90"))
    zones.take([[(0.1, 0.1), (0.9, 0.1), (0.9, 0.1)], [(0.5, 0.5)] * 3])
    assert [zone.text for zone in zones.all()] == ["Zone 1=10,10,90,10,90,90"]


@pytest.mark.parametrize("mirror", [False, True])
def test_a_mirrored_picture_gives_the_same_zone(mirror: bool) -> None:
    drawn = [(1 - x, y) for x, y in LEFT] if mirror else LEFT
    zones = KeptZones()
    zones.take([drawn], mirror)
    assert zones.all()[0].points == tuple(LEFT)
    assert polygon_zone([(0.5, 0.5)] * 3, mirror) is None


@pytest.mark.parametrize(
    ("name", "fitting"),
    [
        ("", ""),
        ("Front door", "Front door"),
        (' "$(rm)`=%a!\\ \n', "(rm)a"),
        ("入口", "入口"),
        ("x" * 99, "x" * 30),
    ],
)
def test_a_name_fits_into_an_option(name: str, fitting: str) -> None:
    assert fitting_name(name) == fitting


def test_an_address_gives_zones_and_what_is_none_is_left_out() -> None:
    assert not zones_in([])
    zones = zones_in(["Door=0,0,1,0,1,1", "0,0", "none", "0,0,0.5,0,0.5,0.5"])
    assert [zone.text for zone in zones.all()] == [
        "Door=0,0,1,0,1,1",
        "Zone 2=0,0,0.5,0,0.5,0.5",
    ]


def test_the_line_for_the_scripts_gives_the_same_zones() -> None:
    zones = KeptZones()
    zones.take([LEFT, RIGHT])
    words = shlex.split(option_line(zones.all()))
    assert words[::2] == ["--zone", "--zone"]
    assert tuple(map(parse_zone, words[1::2])) == zones.all()
