"""What belongs to one visitor's session on disk: a folder that goes when the session does."""

from __future__ import annotations

import tempfile
from pathlib import Path

import streamlit as st


def _remove(folder: tempfile.TemporaryDirectory[str]) -> None:
    folder.cleanup()


@st.cache_resource(scope="session", show_spinner=False, on_release=_remove)
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="mask_app_", ignore_cleanup_errors=True)


def session_folder() -> Path:
    """This session's own folder; nobody else's session knows its name."""
    return Path(_folder().name)
