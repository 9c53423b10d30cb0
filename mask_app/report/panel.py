"""What the pages show to make a report: one button for HTML, one for PDF."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

import streamlit as st

from mask_app import models
from mask_app.report.content import Report
from mask_app.report.html import as_html
from mask_app.report.parts import Context
from mask_app.report.pdf import as_pdf
from mask_app.translations import gettext, language, speaking


def offer_report(
    gather: Callable[[Context], Report], stem: str, key: str, worn_wrongly: bool
) -> None:
    """Draw the buttons; the report is made when one of them is pressed.

    Args:
        gather: collects what the report says; called in a thread without a session.
        stem: of the files' names.
        key: distinguishes the widgets from those of other reports.
        worn_wrongly: by which model; see :func:`models.model`.
    """
    card = models.model(worn_wrongly).card
    code, timezone = language(), ZoneInfo(st.context.timezone or "UTC")
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

        def made(write: Callable[[Report], bytes]) -> bytes:
            with speaking(code):
                return write(gather(Context(card, datetime.now(timezone), show_faces)))

        for label, suffix, mime, write, icon in (
            (gettext("Report (HTML)"), "html", "text/html", as_html, ":material/description:"),
            (gettext("Report (PDF)"), "pdf", "application/pdf", as_pdf, ":material/print:"),
        ):
            st.download_button(
                label,
                partial(made, write),
                f"{stem}_report.{suffix}",
                mime,
                key=f"report_{suffix}_{key}",
                on_click="ignore",
                icon=icon,
            )
