"""Parts of pages that are drawn by files of their own: HTML, and a .css and a .js file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st


@st.cache_resource(show_spinner=False)
def from_files(name: str, html: str, path: Path) -> Any:
    """A component of Streamlit, registered once.

    Args:
        name: of the component, unique in the app.
        html: what it begins with.
        path: of its files, without their endings.
    """
    css, js = (path.with_suffix(ending).read_text(encoding="utf-8") for ending in (".css", ".js"))
    return st.components.v2.component(name, html=html, css=css, js=js)
