"""A report's chart, drawn once for HTML and PDF."""

from __future__ import annotations

import re

from reportlab.graphics import renderSVG
from reportlab.graphics.shapes import Drawing, Line, PolyLine, String
from reportlab.lib.colors import HexColor

from mask_app.report.content import Chart, Curve

_WIDTH, _HEIGHT = 520, 190
_LEFT, _RIGHT, _BOTTOM, _TOP = 28, 26, 24, 26  # margins around the curves
_SIZE = 9  # of the letters
_INK, _GRID = HexColor("#333333"), HexColor("#cccccc")
_MOST_LINES = 5  # of the grid
_LEGEND_LINE = 24


def draw(chart: Chart, font: str) -> Drawing:
    """The chart as a drawing of ReportLab.

    Args:
        font: a font of ReportLab that has all letters of the texts.
    """
    drawing = Drawing(_WIDTH, _HEIGHT)
    most = max((max(curve.values) for curve in chart.curves), default=0) or 1
    first, last = chart.times[0], chart.times[-1]

    def x(time_s: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (time_s - first) / ((last - first) or 1)

    def y(count: float) -> float:
        return _BOTTOM + (_HEIGHT - _BOTTOM - _TOP) * count / most

    for count in range(0, most + 1, -(-most // _MOST_LINES)):
        drawing.add(Line(_LEFT, y(count), _WIDTH - _RIGHT, y(count), strokeColor=_GRID))
        drawing.add(_text(_LEFT - 6, y(count) - 3, str(count), font, "end"))
    for time_s, label in chart.ticks:
        drawing.add(_text(x(time_s), _BOTTOM - 14, label, font, "middle"))
    at = float(_LEFT)
    for curve in chart.curves:
        points = [
            number
            for i, count in enumerate(curve.values)
            for time_s in chart.times[i : i + 2]  # a step: the count holds until the next one
            for number in (x(time_s), y(count))
        ]
        if len(points) > 2:
            drawing.add(_line(points, curve))
        top = _HEIGHT - _TOP / 2
        drawing.add(_line([at, top, at + _LEGEND_LINE, top], curve))
        name = _text(at + _LEGEND_LINE + 4, top - 3, curve.name, font, "start")
        drawing.add(name)
        at = name.getBounds()[2] + 18
    return drawing


def as_svg(chart: Chart) -> str:
    """The chart as an element for HTML, without a declaration and without links."""
    svg = renderSVG.drawToString(draw(chart, "Helvetica"))
    svg = re.sub(
        r"<\?xml.*?\?>|<!DOCTYPE.*?>|<title>.*?</title>|<desc>.*?</desc>", "", svg, flags=re.S
    )
    svg = re.sub(r' xmlns(:xlink)?="[^"]*"', "", svg)  # HTML needs none
    return svg.replace("font-family: Helvetica", "font-family: inherit").strip()


def _line(points: list[float], curve: Curve) -> PolyLine:
    return PolyLine(
        points,
        strokeColor=HexColor(curve.colour),
        strokeWidth=2,
        strokeDashArray=list(curve.dashes) or None,
    )


def _text(x: float, y: float, text: str, font: str, anchor: str) -> String:
    return String(x, y, text, fontName=font, fontSize=_SIZE, textAnchor=anchor, fillColor=_INK)
