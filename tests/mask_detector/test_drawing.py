from __future__ import annotations

import numpy as np
import pytest

from mask_detector import drawing
from mask_detector.detector import Face
from mask_detector.drawing import (
    caption,
    colour_of,
    draw_boxes,
    draw_counts,
    draw_faces,
    draw_text,
)


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


@pytest.fixture
def bars(monkeypatch) -> list[tuple[str, int, int, int, int]]:
    """What draw_faces writes, and where: words, x1, y1, x2, y2."""
    drawn = []
    draw_bar = drawing._draw_bar

    def keep(image, text, corner, scale, colour) -> None:
        width, height = drawing._bar_size(text, scale)
        drawn.append((text, *corner, corner[0] + width, corner[1] + height))
        draw_bar(image, text, corner, scale, colour)

    monkeypatch.setattr(drawing, "_draw_bar", keep)
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


def test_neighbours_captions_do_not_cover_each_other_or_faces(bars) -> None:
    faces = [face(x, 100, x + 60, 180) for x in range(20, 600, 65)]
    draw_faces(blank(640, 480), faces)
    assert len(bars) == len(faces)
    places = [bar[1:] for bar in bars]
    for number, place in enumerate(places):
        assert not any(overlap(place, other) for other in places[number + 1 :])
        assert not any(overlap(place, someone.box) for someone in faces)


def test_a_crowd_shortens_captions_and_leaves_out_what_has_no_room(bars) -> None:
    faces = [face(x, y, x + 16, y + 16) for x in range(0, 300, 18) for y in range(0, 200, 18)]
    draw_faces(blank(300, 200), faces)
    assert {text for text, *_ in bars} >= {"97%"}
    assert len(bars) < len(faces)
    places = [bar[1:] for bar in bars]
    assert not any(overlap(a, b) for n, a in enumerate(places) for b in places[n + 1 :])


def test_boxes_frame_their_faces() -> None:
    image = draw_boxes(blank(100, 80), [face(10, 20, 50, 60)])
    rows, columns = np.nonzero(image.any(axis=2))
    assert (columns.min(), rows.min(), columns.max(), rows.max()) == (10, 20, 49, 59)
    assert not image[30:50, 20:40].any()
    assert tuple(image[40, 10]) == colour_of("with_mask")


def test_an_unsure_face_has_a_colour_of_its_own() -> None:
    image = draw_boxes(blank(100, 80), [face(10, 20, 50, 60, mask=0.55)])
    assert tuple(image[40, 10]) == colour_of("unsure")


def test_words_on_light_colours_are_dark() -> None:
    def darkest_and_lightest(colour: tuple[int, int, int]) -> tuple[int, int]:
        image = np.full((60, 300, 3), colour, np.uint8)
        draw_text(image, "MMMM", (0, 60), 1.5, colour)
        return int(image.sum(axis=2).min()), int(image.sum(axis=2).max())

    assert darkest_and_lightest((0, 0, 120)) == (120, 765)
    assert darkest_and_lightest((200, 255, 255)) == (60, 710)


def test_accents_are_dropped_rather_than_garbled() -> None:
    plain, accented = blank(200, 40), blank(200, 40)
    draw_text(plain, "Masque pose", (0, 40), 0.5, (90, 90, 90))
    draw_text(accented, "Masqué posé", (0, 40), 0.5, (90, 90, 90))
    assert (plain == accented).all()


def test_counts_stand_in_the_upper_left_corner() -> None:
    image = draw_counts(blank(640, 480), {"with_mask": 2, "without_mask": 1}, "25 fps")
    rows, columns = np.nonzero(image.any(axis=2))
    assert rows.min() == columns.min() == 0
    assert rows.max() < 100 and columns.max() < 200
    assert tuple(image[0, 0]) == colour_of("with_mask")
