"""What all pages of the app have in common: password, navigation, settings, errors.

Streamlit runs this script from top to bottom for every visitor and every click; ``app.py`` says so.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import streamlit as st

from mask_app import welcome
from mask_app.history.sessions import store
from mask_app.login import require_password
from mask_app.translations import (
    address_parameters,
    choose_language,
    gettext,
    gettext_noop,
    html_language,
    pgettext,
    read_address,
)
from mask_detector.errors import UserFacingError

if TYPE_CHECKING:
    from mask_app.settings import Settings

_CSS = """
<style>
.stMainBlockContainer {padding-top: 2.5rem; max-width: 72rem}
.stMainBlockContainer h1 {font-size: 2.2rem; padding-top: 0}
.stMainBlockContainer h2 {font-size: 1.5rem}
/* Streamlit's captions are too pale to be read by everybody. */
[data-testid=stCaptionContainer] {color: inherit; opacity: .8}
[data-testid=stSidebar] h2 {font-size: 1.2rem}
/* What is shown stays readable while the server works on what comes next. */
[data-stale=true] {opacity: 1 !important}
/* White on it is readable in the dark theme too, whose own colour is for text on black. */
[data-testid=stBaseButton-primary], [data-testid=stBaseButton-primary]:is(:hover, :active) {
  background: #0b6e4f; border-color: #0b6e4f; color: white
}
/* Links to files look like Streamlit's buttons. */
a.file, a.file:visited {
  display: inline-flex; align-items: center; gap: .5rem; min-height: 2.5rem; padding: .25rem .75rem;
  border: 1px solid color-mix(in srgb, currentColor 25%, transparent); border-radius: .5rem;
  color: inherit; text-decoration: none; font-size: .875rem; line-height: 1.4
}
a.file:hover {
  background: color-mix(in srgb, currentColor 8%, transparent); border-color: currentColor
}
a.file span {font: normal 1.15rem/1 "Material Symbols Rounded"; font-feature-settings: "liga"}
/* Streamlit's own limits are not those of the app, which the label names. */
[data-testid=stFileUploaderDropzoneInstructions] {display: none}
.st-key-examples img {aspect-ratio: 1; object-fit: cover}
/* In a narrow column a button's words go on in a second line, where Streamlit cuts them off. */
.st-key-examples button :is([data-testid=stMarkdownContainer], p) {white-space: normal}
/* The cards' buttons stand in one line, however long the words above them are. */
[class*=st-key-card_] > [data-testid=stElementContainer]:last-child {margin-top: auto}
/* On a phone the pages' names stand in one row, below the arrow that opens the settings. */
.st-key-pages {gap: .25rem}
.st-key-language_choice {margin-left: auto}
@media (max-width: 640px) {
  .stMainBlockContainer {padding-top: 4.25rem}
  .st-key-pages {gap: .5rem 0; position: relative}
  /* The language stands beside the arrow that opens the settings. */
  .st-key-language_choice {position: absolute; top: -3.4rem; right: 0; z-index: 1000000}
  .st-key-examples [data-testid=stHorizontalBlock] {gap: .75rem}
  .st-key-examples [data-testid=stColumn] {
    flex: 1 1 calc(50% - .75rem); min-width: calc(50% - .75rem)
  }
}
</style>
"""
# Screen readers say in which language to read, and which of the links is the page that is open.
# Streamlit's own words are English: those that visitors meet are replaced.
_SCRIPT = """
<script>
document.documentElement.lang = '%s';
window.visitorsWords = %s;
window.currentPage ??= setInterval(() => {
  const name = location.pathname.split('/').pop();
  for (const link of document.querySelectorAll('.st-key-pages a')) {
    link.ariaCurrent = link.getAttribute('href').split('?')[0] === name ? 'page' : null;
  }
  for (const place of document.querySelectorAll(
    '.stFileUploader button, .stCameraInput, [data-testid=InputInstructions]')) {
    const texts = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const text = texts.currentNode, word = window.visitorsWords[text.nodeValue];
      if (word) text.nodeValue = word;
    }
  }
}, 300);
</script>
"""
_STREAMLITS_WORDS = (
    gettext_noop("Upload"),
    gettext_noop("Take Photo"),
    gettext_noop("Clear photo"),
    gettext_noop("This app would like to use your camera."),
    gettext_noop("Press Enter to submit form"),
)
_WARM_UP_AFTER_S = 0.5  # the browser draws the first page meanwhile
# Pages with settings, and which of those they have beside the detectors'.
_SETTINGS = {
    "photos": {"camera": False},
    "video": {"camera": False, "events": True},
    "live": {"camera": True, "events": True},
}


def main() -> None:
    """Draw the page at the address that was asked for."""
    read_address()
    st.set_page_config(gettext(welcome.TITLE), "😷", layout="wide")
    st.html(_CSS)
    words = json.dumps({word: gettext(word) for word in _STREAMLITS_WORDS})
    st.html(_SCRIPT % (html_language(), words), unsafe_allow_javascript=True)
    try:
        _draw()
    except UserFacingError as error:
        _module("widgets").show_error(str(error))
    _warm_up()


def _draw() -> None:
    chosen_settings: list[Settings] = []
    pages = [
        st.Page(_page("photos.page", chosen_settings), title=gettext("Photos"), url_path="photos"),
        st.Page(_page("video.page", chosen_settings), title=gettext("Video"), url_path="video"),
        st.Page(_page("live.page", chosen_settings), title=gettext("Live camera"), url_path="live"),
        st.Page(_page("about", chosen_settings), title=gettext("About"), url_path="about"),
    ]
    if store() is not None:
        title = gettext("History")
        page = st.Page(_page("history.page", chosen_settings), title=title, url_path="history")
        pages.insert(3, page)
    others = {page.url_path: page for page in pages}
    # The default page has no address but "/": each of the others can be linked to.
    title = pgettext("page", "Welcome")
    first = st.Page(partial(welcome.page, others), title=title, url_path="welcome", default=True)
    # Before the password: the address that was asked for is shown after it.
    chosen = st.navigation([first, *pages], position="hidden")
    if not require_password():
        return
    # Streamlit's own menu is hidden behind an arrow on a phone.
    with st.container(horizontal=True, vertical_alignment="center", key="pages"):
        for page in [first, *pages]:
            st.page_link(page, width="content", query_params=address_parameters())
        choose_language()
    if chosen.url_path in _SETTINGS:
        # Drawn by the script that draws all pages: a page's own widgets are forgotten with it.
        chosen_settings.append(_module("settings").sidebar(**_SETTINGS[chosen.url_path]))
    if chosen.url_path != "video" and "video_workspace" in st.session_state:
        _module("video.progress").show_elsewhere()
    chosen.run()


def _page(name: str, chosen_settings: Sequence[Settings]) -> Callable[[], None]:
    def run() -> None:
        try:
            _module(name).page(*chosen_settings)
        except UserFacingError as error:
            _module("widgets").show_error(str(error))

    return run


def _module(name: str) -> Any:
    """A module of the app that is imported when it is needed.

    The first page does not wait for what the others need: OpenCV, NumPy, pandas, PyAV.
    """
    return import_module(f"mask_app.{name}")


@st.cache_resource(show_spinner=False)
def _warm_up() -> None:
    """Load what the first page leads to, once per server, after it was sent."""

    def load() -> None:
        time.sleep(_WARM_UP_AFTER_S)
        _module("photos.page").warm_up()
        _module("video.page")

    threading.Thread(target=load, name="warm-up", daemon=True).start()


main()
