"""The history as the pages use it: one file for all sessions, where the administrator wants one."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from mask_app import config
from mask_app.config import ConfigError
from mask_app.history.store import HistoryStore
from mask_detector.errors import FileError


def store() -> HistoryStore | None:
    """The history; None where ``MASK_APP_HISTORY`` is not set.

    Raises:
        ConfigError: its file cannot be used.
    """
    path = config.history()
    if path is None:
        return None
    try:
        return _store(path, config.history_days())
    except FileError as error:
        raise ConfigError(f"MASK_APP_HISTORY cannot be used: {error}") from None


@st.cache_resource(show_spinner=False)
def _store(path: Path, days: int) -> HistoryStore:
    return HistoryStore(path, days)
