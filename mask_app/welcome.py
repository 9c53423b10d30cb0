"""The first page: what the app is, the way to the other pages, and examples to try it with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from mask_app import examples
from mask_app.translations import address_parameters, gettext, gettext_noop

TITLE = gettext_noop("Face masks")

_DOORS = {
    "photos": (
        ":material/photo_library:",
        gettext_noop("See who wears a mask in one or many photos."),
        gettext_noop("Open photos"),
    ),
    "video": (
        ":material/movie:",
        gettext_noop("Count masks over time in a recorded video."),
        gettext_noop("Open video"),
    ),
    "live": (
        ":material/videocam:",
        gettext_noop("See it at once, with this device's camera."),
        gettext_noop("Open live camera"),
    ),
}


def page(pages: Mapping[str, StreamlitPage]) -> None:
    """Draw the page.

    Args:
        pages: the other pages by their addresses.
    """
    st.title(gettext(TITLE), anchor=False)
    st.markdown(
        gettext(
            "This app shows who wears a face mask, in photos, in videos and in front of a camera. "
            "Pictures stay on the computer that runs it."
        )
    )
    for column, (address, (icon, text, button)) in zip(st.columns(3), _DOORS.items(), strict=True):
        target = pages[address]
        with column.container(border=True, height="stretch", key=f"card_{address}"):
            st.header(f"{icon} {target.title}", anchor=False)
            st.markdown(gettext(text))
            if st.button(gettext(button), key=f"open_{address}", type="primary"):
                st.switch_page(target, query_params=address_parameters())
    st.header(gettext("Try it with an example"), anchor=False)
    with st.container(key="examples"):
        *columns, last = st.columns(4)
        for column, (path, words) in zip(columns, examples.PHOTOS.items(), strict=True):
            with column:
                words = gettext(words)
                st.image(str(path), alt=gettext("Example photo: {words}", words=words))
                if st.button(words, key=f"example_{path.stem}", width="stretch"):
                    _choose(path, pages["photos"])
        with last:
            st.image(examples.video_picture(), alt=gettext("First picture of the example video"))
            icon = ":material/movie:"
            if st.button(gettext("A video of four seconds"), icon=icon, width="stretch"):
                _choose(examples.VIDEO, pages["video"])


def _choose(path: Path, target: StreamlitPage) -> None:
    """Open a page that takes the example by itself."""
    st.session_state[examples.CHOSEN] = path
    st.switch_page(target, query_params=address_parameters())
