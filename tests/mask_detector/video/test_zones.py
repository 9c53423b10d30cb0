"""Zones."""

from __future__ import annotations

import argparse

import numpy as np
import pytest

from mask_detector.video.zones import Zone, draw_zones, parse_zone, zone_of


def box_around(x: float, y: float) -> tuple[float, float, float, float]:
    return x - 3, y - 2, x + 3, y + 2


def test_no_zone_holds_nothing() -> None:
    assert zone_of([], box_around(5, 5), 10, 10) is None


def crossings(corners: list[tuple[int, int]], x: float, y: float) -> int:
    """How often a ray to the right of a point crosses the edges."""
    edges = zip(corners, corners[1:] + corners[:1], strict=True)
    return sum(
        (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1)
        for (x1, y1), (x2, y2) in edges
    )


@pytest.mark.parametrize("concave", [False, True])
def test_what_is_inside_agrees_with_counted_crossings(concave: bool) -> None:
    corners = [(10, 10), (90, 20), (80, 90), (20, 70)]
    if concave:
        corners.insert(2, (30, 45))
    zone = Zone(tuple((float(x), float(y)) for x, y in corners), fractions=False)
    for x, y in np.random.default_rng(0).uniform(0, 100, (500, 2)).tolist():
        expected = crossings(corners, x, y) % 2 == 1
        assert zone.contains(box_around(x, y), 100, 100) is expected


@pytest.mark.parametrize("middle", [(10, 10), (20, 10), (20, 15), (15, 20), (10, 12)])
def test_an_edge_belongs_to_its_zone(middle: tuple[float, float]) -> None:
    zone = parse_zone("10,10,20,10,20,20,10,20")
    assert zone.contains(box_around(*middle), 100, 100)
    assert not zone.contains(box_around(middle[0] + 11, middle[1]), 100, 100)


def test_fractions_hold_for_every_size() -> None:
    right_half = parse_zone("0.5,0,1,0,1,1,0.5,1")
    for width, height in ((100, 80), (1920, 1080)):
        assert right_half.contains(box_around(0.6 * width, 20), width, height)
        assert not right_half.contains(box_around(0.4 * width, 20), width, height)


def test_pixels_are_pixels() -> None:
    zone = parse_zone("0,0, 50,0, 50,50, 0,50")
    assert zone.contains(box_around(40, 40), 1000, 1000)
    assert not zone.contains(box_around(60, 40), 1000, 1000)


def test_one_of_several_is_enough() -> None:
    zones = [parse_zone("0,0,10,0,10,10"), parse_zone("50,50,90,50,90,90,50,90")]
    assert zone_of(zones, box_around(70, 70), 100, 100) == zones[1]
    assert zone_of(zones, box_around(30, 30), 100, 100) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("0,0,1,0,1,1", ""),
        ("front door=0,0,1,0,1,1", "front door"),
        (" a=b =0,0,1,0,1,1", "a=b"),
        ("a\nb=0,0,1,0,1,1", "a\\nb"),
    ],
)
def test_a_zone_may_have_a_name(text: str, name: str) -> None:
    zone = parse_zone(text)
    assert zone == Zone(((0, 0), (1, 0), (1, 1)), True, name)
    assert parse_zone(zone.text) == zone


def test_outline_and_name_are_drawn_also_into_a_mirrored_picture() -> None:
    plain, mirrored = np.zeros((2, 200, 300, 3), np.uint8)
    draw_zones(plain, [])
    assert not plain.any()
    zone = parse_zone("0,0.5,0.4,0.5,0.4,1,0,1")
    draw_zones(plain, [zone])
    draw_zones(mirrored, [zone], mirror=True)
    assert plain[100, 60].min() > 200
    assert (mirrored == plain[:, ::-1]).all()
    named = plain.copy()
    draw_zones(named, [parse_zone("door=0,0.5,0.4,0.5,0.4,1,0,1")])
    assert (named != plain).any()
    other_script = np.zeros_like(plain)
    draw_zones(other_script, [parse_zone("𒀀𒀁=0,0.5,0.4,0.5,0.4,1,0,1")])
    assert (other_script == plain).all()  # no font has cuneiform: no empty bar


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not a list of numbers"),
        ("1,2,three,4,5,6", "not a list of numbers"),
        ("1,2,3,4", "not 4 numbers"),
        ("1,2,3,4,5,6,7", "not 7 numbers"),
        ("1,2,3,4,5,-6", "below zero"),
        ("1,2,3,4,5,nan", "below zero"),
        ("0,0,5,5,9,9", "enclose no area"),
    ],
)
def test_what_is_no_zone_is_said(text: str, words: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=words):
        parse_zone(text)
