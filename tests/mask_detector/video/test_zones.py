"""Zones."""

from __future__ import annotations

import argparse

import cv2
import numpy as np
import pytest

from mask_detector.video.zones import Zone, inside_any, parse_zone


def box_around(x: float, y: float) -> tuple[float, float, float, float]:
    return x - 3, y - 2, x + 3, y + 2


def test_no_zone_holds_nothing() -> None:
    assert not inside_any([], box_around(5, 5), 10, 10)


@pytest.mark.parametrize("concave", [False, True])
def test_what_is_inside_agrees_with_opencv(concave: bool) -> None:
    corners = [(10, 10), (90, 20), (80, 90), (20, 70)]
    if concave:
        corners.insert(2, (30, 45))
    zone = Zone(tuple((float(x), float(y)) for x, y in corners), shares=False)
    for x, y in np.random.default_rng(0).uniform(0, 100, (500, 2)):
        expected = cv2.pointPolygonTest(np.array(corners, np.float32), (x, y), False) > 0
        assert zone.contains(box_around(x, y), 100, 100) is expected


def test_shares_hold_for_every_size() -> None:
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
    assert inside_any(zones, box_around(70, 70), 100, 100)
    assert not inside_any(zones, box_around(30, 30), 100, 100)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not numbers"),
        ("1,2,three,4,5,6", "not numbers"),
        ("1,2,3,4", "not 4 numbers"),
        ("1,2,3,4,5,6,7", "not 7 numbers"),
        ("1,2,3,4,5,-6", "below zero"),
        ("1,2,3,4,5,nan", "below zero"),
        ("0,0,5,5,9,9", "enclose nothing"),
    ],
)
def test_what_is_no_zone_is_said(text: str, words: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=words):
        parse_zone(text)
