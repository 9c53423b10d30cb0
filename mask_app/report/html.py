"""A report as one HTML file that needs nothing else: no script, no address, no font."""

from __future__ import annotations

import base64
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from mask_app.report import chart
from mask_app.report.content import Chart, Report

_TEMPLATE = "report.html.jinja"


def as_html(report: Report) -> bytes:
    """The file, in UTF-8."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
    )
    environment.filters["base64"] = lambda data: base64.b64encode(data).decode()
    environment.filters["svg"] = _svg
    blocks = [(type(block).__name__, block) for block in report.blocks]
    return environment.get_template(_TEMPLATE).render(report=report, blocks=blocks).encode()


def _svg(block: Chart) -> Markup:
    return Markup(chart.as_svg(block))  # ReportLab escapes the texts
