"""The optional password."""

from __future__ import annotations

import hmac
import threading
import time

import streamlit as st

from mask_app import config

_SECONDS_A_GUESS = 1.0


@st.cache_resource(show_spinner=False)
def _turnstile() -> threading.Lock:
    """One guess at a time, over all sessions: parallel guessing gains nothing."""
    return threading.Lock()


def let_in() -> bool:
    """Whether this session may see the app; asks for the password where one is set."""
    wanted = config.password()
    if wanted is None or st.session_state.get("let_in"):
        return True
    with st.form("login"):
        guess = st.text_input("Password", type="password")
        sent = st.form_submit_button("Enter", type="primary")
    if not sent:
        return False
    with _turnstile():
        right = hmac.compare_digest(guess.encode(), wanted.encode())
        if not right:
            time.sleep(_SECONDS_A_GUESS)
    if right:
        st.session_state["let_in"] = True
        st.rerun()
    st.error("That is not the password.", icon="🚫")
    return False
