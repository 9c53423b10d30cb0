#!/usr/bin/env python3
"""See who wears a mask, in the browser: photos, videos and the live camera.

    make app                            set up what is missing and open it
    streamlit run app.py                where everything is installed
    streamlit run app.py --server.port 8502

The page opens at http://localhost:8501, for this computer alone; docs/deploy.md says how to
let others in, docs/app.md what everything on the pages does.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

import streamlit as st

from mask_app.login import let_in
from mask_app.settings import sidebar
from mask_detector.errors import UserFacingError

_CSS = """
<style>
.stMainBlockContainer {padding-top: 2.5rem; max-width: 72rem}
/* On a phone the pages' names stand in one row, below the arrow that opens the settings. */
.st-key-pages {gap: .25rem}
@media (max-width: 640px) {
  .stMainBlockContainer {padding-top: 4.25rem}
  .st-key-pages {gap: 0}
}
</style>
"""


def shown(name: str) -> Callable[[], None]:
    """A page of Streamlit's out of a module of ours: settings beside it, errors as sentences."""

    def run() -> None:
        try:
            # Each page is imported when it is wanted: the first one does not wait for the others.
            import_module(f"mask_app.{name}").page(sidebar())
        except UserFacingError as error:
            st.error(f"{str(error)[:1].upper()}{str(error)[1:]}.", icon="🚫")

    return run


def main() -> None:
    """Show the page that was chosen, after the password where one is set."""
    st.set_page_config("Face masks", "😷", layout="wide")
    st.html(_CSS)
    if not let_in():
        return
    pages = [
        st.Page(shown("photo"), title="Photos", url_path="photos"),
        st.Page(shown("video"), title="Video", url_path="video"),
        st.Page(shown("live"), title="Live camera", url_path="live"),
        st.Page(shown("about"), title="About", url_path="about"),
    ]
    chosen = st.navigation(pages, position="hidden")
    # Streamlit's own menu hides behind an arrow on a phone.
    with st.container(horizontal=True, key="pages"):
        for page in pages:
            st.page_link(page, width="content")
    chosen.run()


main()
