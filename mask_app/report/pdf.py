"""A report as PDF.

ReportLab writes it: its licence (BSD) fits ours, fpdf2's (LGPL) less so; it needs nothing but
Pillow, where WeasyPrint needs Pango and Cairo from the system; and it knows Adobe's standard fonts
for Chinese, which every PDF reader has or replaces, so that none of 10 MB has to be shipped.
"""

from __future__ import annotations

import html
import io
from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    Flowable,
    Image,
    SimpleDocTemplate,
)
from reportlab.platypus import Paragraph as Text
from reportlab.platypus import Table as Grid

from mask_app.report import chart
from mask_app.report.content import (
    Chart,
    Gallery,
    Heading,
    Paragraph,
    Picture,
    Report,
    Table,
    Tiles,
)

_LATIN, _BOLD, _OTHER, _MARKS = "Vera", "VeraBd", "STSong-Light", "ZapfDingbats"
_OF_MARKS = "✓✗"
_MARGIN = 18 * mm
_PADDING = 6  # of ReportLab's frames, in points
_WIDTH = A4[0] - 2 * _MARGIN - 2 * _PADDING
_HIGHEST_PICTURE = 78 * mm  # three on a page
_SMALL_IN_A_ROW, _HIGHEST_SMALL = 6, 32 * mm
_GAP = 3 * mm
_NAMES_WIDTH = 55 * mm
_GREY, _GREEN, _RULE = HexColor("#4a4f4c"), HexColor("#0b6e4f"), HexColor("#c9cdca")
_NOT_PRINTABLE = "�"


def as_pdf(report: Report) -> bytes:
    """The file, on pages of A4."""
    _register_fonts()
    buffer = io.BytesIO()
    document = SimpleDocTemplate(
        buffer,
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN,
        title=report.title,
        lang=report.language,
    )
    story: list[Flowable] = [
        _text(report.title, 20, bold=True),
        _text(report.subtitle, 9, colour=_GREY),
    ]
    for block, following in zip(report.blocks, [*report.blocks[1:], None], strict=True):
        if isinstance(block, Picture):
            story += _picture(block)
        else:
            story.append(_flowable(block, before_picture=isinstance(following, Picture)))
    document.build(story, onFirstPage=_number, onLaterPages=_number)
    return buffer.getvalue()


def _flowable(
    block: Heading | Paragraph | Tiles | Table | Chart | Gallery, before_picture: bool
) -> Flowable:
    if isinstance(block, Heading):
        return _text(block.text, 13, bold=True, colour=_GREEN, above=5 * mm, keep=True)
    if isinstance(block, Paragraph):
        return _text(block.text, bullet="•" if block.item else None, keep=before_picture)
    if isinstance(block, Tiles):
        return _tiles(block)
    if isinstance(block, Table):
        return _grid(block)
    if isinstance(block, Gallery):
        return _gallery(block)
    drawing = chart.draw(block, _font_of([curve.name for curve in block.curves]))
    scale = _WIDTH / drawing.width
    drawing.scale(scale, scale)
    drawing.width, drawing.height = drawing.width * scale, drawing.height * scale
    return drawing


def _text(
    text: str,
    size: float = 10,
    bold: bool = False,
    colour: HexColor | None = None,
    bullet: str | None = None,
    above: float = 0,
    below: float = 2 * mm,
    keep: bool = False,
) -> Text:
    """A paragraph; ``keep`` keeps it on the page of what follows."""
    style = ParagraphStyle(
        "text",
        fontName=_BOLD if bold else _LATIN,
        fontSize=size,
        leading=1.4 * size,
        spaceBefore=above,
        spaceAfter=below,
        keepWithNext=keep,
        leftIndent=4 * mm if bullet else 0,
        bulletFontName=_LATIN,
        textColor=colour or HexColor("#1b1f1d"),
        wordWrap="CJK" if _is_mostly_other(text) else None,
        splitLongWords=True,
    )
    return Text(_in_fonts(text, bold), style, bulletText=bullet)


def _tiles(block: Tiles) -> Grid:
    cells = [
        [_text(f"{tile.mark} {tile.name}", 9), _text(tile.number, 18, bold=True)]
        for tile in block.tiles
    ]
    lines = [
        ("LINEBEFORE", (i, 0), (i, 0), 5, HexColor(t.colour)) for i, t in enumerate(block.tiles)
    ]
    padding = [("LEFTPADDING", (0, 0), (-1, -1), 8), ("VALIGN", (0, 0), (-1, -1), "TOP")]
    width = min(45 * mm, _WIDTH / len(cells))
    return Grid(
        [cells], [width] * len(cells), style=lines + padding, hAlign="LEFT", spaceAfter=_GAP
    )


def _grid(block: Table) -> Grid:
    rows = [[_text(cell, 9) for cell in row] for row in block.rows]
    style = [
        ("LINEBELOW", (0, 0), (-1, -1), 0.5, _RULE),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 0),
    ]
    header = [_text(cell, 9, bold=True) for cell in block.header]
    widths = [_NAMES_WIDTH, _WIDTH - _NAMES_WIDTH]
    if header:
        # The first column holds names of files.
        widths = [_WIDTH / (len(header) + 1)] * len(header)
        widths[0] *= 2
    return Grid(
        [header, *rows] if header else rows,
        widths,
        style=style,
        repeatRows=1 if header else 0,
        hAlign="LEFT",
        spaceAfter=_GAP,
    )


def _picture(block: Picture) -> list[Flowable]:
    scale = min(_WIDTH / block.width, _HIGHEST_PICTURE / block.height)
    image = Image(io.BytesIO(block.jpeg), block.width * scale, block.height * scale, hAlign="LEFT")
    image.keepWithNext = True
    return [image, _text(block.caption, 9, colour=_GREY, below=2 * _GAP)]


def _gallery(block: Gallery) -> Grid:
    width = _WIDTH / _SMALL_IN_A_ROW
    cells = [_small(each, width - _GAP) for each in block.pictures]
    rows = [cells[i : i + _SMALL_IN_A_ROW] for i in range(0, len(cells), _SMALL_IN_A_ROW)]
    rows[-1] += [[] for _ in range(_SMALL_IN_A_ROW - len(rows[-1]))]
    style = [("LEFTPADDING", (0, 0), (-1, -1), 0), ("VALIGN", (0, 0), (-1, -1), "TOP")]
    return Grid(rows, [width] * _SMALL_IN_A_ROW, style=style, hAlign="LEFT", spaceAfter=_GAP)


def _small(picture: Picture, width: float) -> list[Flowable]:
    scale = min(width / picture.width, _HIGHEST_SMALL / picture.height)
    image = Image(
        io.BytesIO(picture.jpeg), picture.width * scale, picture.height * scale, hAlign="LEFT"
    )
    return [image, _text(picture.caption, 8, colour=_GREY)]


def _number(canvas: Canvas, document: SimpleDocTemplate) -> None:
    canvas.setFont(_LATIN, 8)
    canvas.drawRightString(A4[0] - _MARGIN, 10 * mm, str(document.page))


@lru_cache
def _register_fonts() -> frozenset[int]:
    """Make the fonts known, and return the characters of the Latin one."""
    for name in (_LATIN, _BOLD):
        pdfmetrics.registerFont(TTFont(name, f"{name}.ttf"))
    pdfmetrics.registerFont(UnicodeCIDFont(_OTHER))
    return frozenset(pdfmetrics.getFont(_LATIN).face.charToGlyph)


def _is_latin(char: str) -> bool:
    return ord(char) in _register_fonts() or char in _OF_MARKS


def _font_for(char: str, bold: bool) -> str:
    if char in _OF_MARKS:
        return _MARKS
    return (_BOLD if bold else _LATIN) if _is_latin(char) else _OTHER


def _is_mostly_other(text: str) -> bool:
    """Whether it breaks between any two characters, as Chinese does."""
    return sum(map(_is_latin, text)) < len(text) / 2


def _font_of(texts: Sequence[str]) -> str:
    return _LATIN if all(map(_is_latin, "".join(texts))) else _OTHER


def _in_fonts(text: str, bold: bool) -> str:
    """A text for ReportLab, each part in a font that has it."""
    parts = []
    for font, chars in groupby(text, lambda char: _font_for(char, bold)):
        part = "".join(char if ord(char) < 0x10000 else _NOT_PRINTABLE for char in chars)
        parts.append(f'<font name="{font}">{html.escape(part)}</font>')
    return "".join(parts)
