from __future__ import annotations

import numpy as np
import pytest

from mask_detector import drawing
from mask_detector.drawing import (
    GREY,
    caption,
    colour_of,
    draw_boxes,
    draw_counts,
    draw_faces,
)
from mask_detector.faces import Face
from mask_detector.text import contrast, draw_bar, ink_on
from mask_detector.video.tracking import TrackedFace


def face(x1: int, y1: int, x2: int, y2: int, mask: float = 0.973, track: int | None = None) -> Face:
    probabilities = {"with_mask": mask, "without_mask": 1 - mask}
    return Face((x1, y1, x2, y2), 0.9, probabilities, unsure=abs(mask - 0.5) < 0.15, track=track)


def test_colours() -> None:
    blue, green, red = colour_of("with_mask")
    assert green > 2 * max(blue, red)
    blue, green, red = colour_of("without_mask")
    assert red > 2 * max(blue, green)
    own = [colour_of(name, ("with_mask", "scarf", "beard")) for name in ("scarf", "beard")]
    assert len({*own, colour_of("with_mask"), colour_of("without_mask")}) == 4


@pytest.mark.parametrize(
    ("mask", "track", "long", "short"),
    [
        (0.973, None, "Mask 97.3%", "97%"),
        (0.027, 12, "#12 No Mask 97.3%", "#12 97%"),
        (0.581, None, "Mask? 58.1%", "58%?"),
    ],
)
def test_captions(mask, track, long, short) -> None:
    someone = face(0, 0, 9, 9, mask, track)
    assert (caption(someone), caption(someone, short=True)) == (long, short)


@pytest.mark.parametrize(
    ("mask", "long", "short"),
    [(0.448, "#7 Mask?", "#7 ?"), (0.52, "#7 Mask? 52.0%", "#7 52%?")],
)
def test_a_label_with_less_than_an_even_chance_is_never_shown_as_certain(mask, long, short) -> None:
    probabilities = {"with_mask": mask, "without_mask": 1 - mask}
    someone = TrackedFace((10, 10, 40, 50), 0.9, probabilities, True, 7, "with_mask")
    assert (caption(someone), caption(someone, short=True)) == (long, short)
    image = draw_boxes(blank(60, 60), [someone])
    assert tuple(image[30, 10]) == colour_of("unsure")


def test_three_classes_without_a_majority() -> None:
    probabilities = {"with_mask": 0.4, "without_mask": 0.35, "incorrect_mask": 0.25}
    someone = Face((10, 10, 40, 50), 0.9, probabilities)
    assert caption(someone) == "Mask?"
    assert tuple(draw_boxes(blank(60, 60), [someone])[30, 10]) == colour_of("unsure")


@pytest.fixture
def bars(monkeypatch) -> list[tuple[str, int, int, int, int]]:
    """What draw_faces writes, and where: text, x1, y1, x2, y2."""
    drawn = []

    def keep(image, text, corner, size, colour):
        bar = draw_bar(image, text, corner, size, colour)
        drawn.append((text, *bar))
        return bar

    monkeypatch.setattr(drawing, "draw_bar", keep)
    return drawn


def overlap(first, second) -> bool:
    return not (
        first[0] >= second[2]
        or first[2] <= second[0]
        or first[1] >= second[3]
        or first[3] <= second[1]
    )


def blank(width: int, height: int) -> np.ndarray:
    return np.zeros((height, width, 3), np.uint8)


def test_no_faces_leave_a_picture_as_it_is(bars) -> None:
    assert not draw_faces(blank(60, 40), []).any()
    assert not bars


@pytest.mark.parametrize(
    ("size", "words"),
    [
        ((1, 1), []),
        ((50, 40), ["97%"]),
        ((640, 480), ["Mask 97.3%"]),
        ((20_000, 300), ["Mask 97.3%"]),
        ((300, 5000), ["Mask 97.3%"]),
    ],
)
@pytest.mark.parametrize("corner", [(0, 0), (1, 0), (0, 1), (1, 1)])
def test_a_caption_stays_inside_the_picture(bars, size, words, corner) -> None:
    width, height = size
    box_width, box_height = max(1, width // 4), max(1, height // 4)
    x1, y1 = corner[0] * (width - box_width), corner[1] * (height - box_height)
    draw_faces(blank(width, height), [face(x1, y1, x1 + box_width, y1 + box_height)])
    assert [text for text, *_ in bars] == words
    for _, left, top, right, bottom in bars:
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height


def test_captions_grow_with_the_picture(bars) -> None:
    for scale in (1, 4):
        draw_faces(blank(640 * scale, 480 * scale), [face(*(scale * np.array([99, 99, 299, 299])))])
    small, large = (bottom - top for _, _, top, _, bottom in bars)
    assert large > 2.5 * small


def places(bars):
    return [bar[1:] for bar in bars]


def assert_nothing_is_covered(bars, faces) -> None:
    by_track = {f"#{each.track}": each for each in faces}
    for number, (text, *place) in enumerate(bars):
        own = by_track[text.split()[0]]
        assert not any(overlap(place, each.box) for each in faces if each is not own)
        assert not any(overlap(place, other) for other in places(bars)[number + 1 :])


def test_all_captions_of_a_picture_have_one_size(bars) -> None:
    widths = (30, 60, 120, 200)
    faces = [
        face(x, 200, x + width, 200 + width, mask=0.1 if width > 100 else 0.9)
        for x, width in zip((10, 150, 300, 600), widths, strict=True)
    ]
    draw_faces(blank(900, 600), faces)
    assert sorted(text[:4] for text, *_ in bars) == ["Mask", "Mask", "No M", "No M"]
    assert len({bottom - top for _, _, top, _, bottom in bars}) == 1


def test_neighbours_captions_do_not_cover_each_other_or_faces(bars) -> None:
    faces = [face(x, 100, x + 60, 180, track=x) for x in range(20, 600, 65)]
    draw_faces(blank(640, 480), faces)
    assert len(bars) == len(faces)
    assert_nothing_is_covered(bars, faces)


@pytest.mark.parametrize("seed", range(5))
def test_captions_hide_nobody_in_a_crowd(bars, seed) -> None:
    random = np.random.default_rng(seed)
    corners = random.integers(0, (600, 400), (60, 2))
    sides = random.integers(8, 60, 60)
    faces = [
        face(x, y, x + side, y + side, track=number)
        for number, ((x, y), side) in enumerate(zip(corners.tolist(), sides.tolist(), strict=True))
    ]
    draw_faces(blank(660, 460), faces)
    assert bars
    assert_nothing_is_covered(bars, faces)


def test_a_face_without_room_for_its_caption_is_tinted(bars) -> None:
    faces = [face(x, y, x + 16, y + 16) for x in range(0, 300, 18) for y in range(0, 200, 18)]
    image = draw_faces(blank(300, 200), faces)
    assert len(bars) < len(faces) / 10
    assert image[99, 98].tolist() == [round(0.25 * part) for part in colour_of("with_mask")]


def test_a_crowd_s_small_faces_have_only_numbers(bars) -> None:
    faces = [face(x, 200, x + 20, 225) for x in range(20, 620, 100)]
    draw_faces(blank(640, 480), faces)
    assert [text for text, *_ in bars] == ["97%"] * len(faces)


def test_captions_stay_off_the_counts(bars) -> None:
    image = blank(640, 480)
    counts = draw_counts(image, {"with_mask": 1, "without_mask": 0}, "seen: 1 Mask")
    del bars[:]
    draw_faces(image, [face(5, 45, 90, 150)], avoid=counts)
    ((_, *place),) = bars
    assert not any(overlap(place, each) for each in counts)


def test_boxes_frame_their_faces() -> None:
    image = draw_boxes(blank(100, 80), [face(10, 20, 50, 60)])
    rows, columns = np.nonzero(image.any(axis=2))
    assert (columns.min(), rows.min(), columns.max(), rows.max()) == (10, 20, 49, 59)
    assert not image[30:50, 20:40].any()
    assert tuple(image[40, 10]) == colour_of("with_mask")


def test_an_unsure_face_has_a_colour_of_its_own() -> None:
    image = draw_boxes(blank(100, 80), [face(10, 20, 50, 60, mask=0.55)])
    assert tuple(image[40, 10]) == colour_of("unsure")


@pytest.mark.parametrize("classes", [("with_mask", "without_mask"), tuple("abcdefg")])
def test_captions_can_be_read_on_the_colour_of_every_class(classes) -> None:
    for name in (*classes, "incorrect_mask", "unsure"):
        colour = colour_of(name, classes)
        assert contrast(colour, ink_on(colour)) >= 4.5
    assert contrast(GREY, ink_on(GREY)) >= 4.5


def test_counts_stand_in_a_row_at_the_top_left() -> None:
    image = blank(640, 480)
    counts = {"with_mask": 2, "without_mask": 1}
    first, second, line = draw_counts(image, counts, "seen: 3 Mask")
    assert first[:2] == (0, 0) and second[:2] == (first[2], 0) and line[:2] == (0, first[3])
    assert tuple(image[0, 0]) == colour_of("with_mask")
    assert line[3] < 60
    assert not image[line[3] :].any()
    assert draw_counts(image, {}) == []


def test_counts_of_many_classes_go_on_in_the_next_row() -> None:
    bars = draw_counts(blank(200, 200), dict.fromkeys(["first", "second", "third", "fourth"], 10))
    assert {top for _, top, _, _ in bars} > {0}
    assert max(right for *_, right, _ in bars) <= 200
    assert not any(overlap(a, b) for n, a in enumerate(bars) for b in bars[n + 1 :])
