"""What the pages show to make a report: one button for HTML, one for PDF."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import streamlit as st

from mask_app import models
from mask_app.downloads import hand_over
from mask_app.report.content import Report
from mask_app.report.html import as_html
from mask_app.report.parts import Context
from mask_app.report.pdf import as_pdf
from mask_app.translations import gettext


def offer_report(
    gather: Callable[[Context], Report], stem: str, key: str, worn_wrongly: bool
) -> None:
    """Draw the buttons; the report is made when one of them is pressed.

    Args:
        gather: collects what the report says.
        stem: of the files' names.
        key: distinguishes the widgets from those of other reports.
        worn_wrongly: the model that told what is reported; see ``models.model``.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        # Forgotten with the page, as it should be: reports are blurred unless asked each time.
        show_faces = st.toggle(
            gettext("Show faces in the report"),
            key=f"report_faces_{key}",
            help=gettext(
                "Otherwise everybody in its pictures is blurred. Who is blurred by the settings "
                "always is."
            ),
        )
        for label, suffix, mime, write, icon in (
            (gettext("Report (HTML)"), "html", "text/html", as_html, ":material/description:"),
            (gettext("Report (PDF)"), "pdf", "application/pdf", as_pdf, ":material/print:"),
        ):
            if st.button(label, key=f"report_{suffix}_{key}", icon=icon):
                made = datetime.now(ZoneInfo(st.context.timezone or "UTC"))
                card = models.model(worn_wrongly).card
                with st.spinner(gettext("Writing the report…")):
                    content = write(gather(Context(card, made, show_faces)))
                hand_over(content, f"{stem}_report.{suffix}", mime)
