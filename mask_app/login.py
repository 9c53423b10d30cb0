"""The optional password."""

from __future__ import annotations

import contextlib
import hmac
import ipaddress
import threading
import time
from collections import Counter
from collections.abc import Iterator

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from mask_app import config
from mask_app.translations import gettext
from mask_detector.errors import UserFacingError

SECONDS_PER_GUESS = 1.0
"""How long a wrong guess holds up the next one from the same address."""

MOST_WAITING = 5
"""Guesses from one address that may wait for their turn; further ones are refused."""


class TooManyGuessesError(UserFacingError):
    """Too many guesses from one address wait for their turn."""


class GuessQueue:
    """Lets guesses from one address through one after the other; other addresses do not wait.

    Parallel sessions therefore give no more guesses per second. Addresses are kept only while
    somebody waits.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: Counter[str] = Counter()
        self._turns: dict[str, threading.Lock] = {}

    @contextlib.contextmanager
    def turn(self, address: str) -> Iterator[None]:
        """Wait until no other guess from this address is being checked.

        Raises:
            TooManyGuessesError: too many wait already.
        """
        with self._lock:
            if self._waiting[address] >= MOST_WAITING:
                raise TooManyGuessesError(
                    "too many passwords are being tried from your address; wait a few seconds"
                )
            self._waiting[address] += 1
            turn = self._turns.setdefault(address, threading.Lock())
        try:
            with turn:
                yield
        finally:
            with self._lock:
                self._waiting[address] -= 1
                if not self._waiting[address]:
                    del self._waiting[address], self._turns[address]

    def __len__(self) -> int:
        """Number of addresses from which somebody waits."""
        return len(self._turns)


_FORM_WIDTH = 420  # pixels

_queue = GuessQueue()
_signed_in: set[str] = set()  # sessions


def require_password() -> bool:
    """Whether this session may see the app; shows the password form where it may not yet."""
    wanted = config.password()
    if wanted is None:
        return True
    if st.session_state.get("signed_in"):
        _allow_uploads()
        return True
    with st.container(horizontal_alignment="center"), st.container(width=_FORM_WIDTH):
        st.title(gettext("Face masks"), anchor=False)
        with st.form("login"):
            guess = st.text_input(gettext("Password"), type="password")
            sent = st.form_submit_button(gettext("Sign in"), type="primary", width="stretch")
        return sent and _is_right(guess, wanted)


def _is_right(guess: str, wanted: str) -> bool:
    """Let in who knows the password; the others read that they do not."""
    with _queue.turn(network_of(st.context.ip_address)):
        right = is_password(guess, wanted)
        if not right:
            time.sleep(SECONDS_PER_GUESS)
    if right:
        st.session_state["signed_in"] = True
        st.rerun()
    st.error(gettext("Wrong password."), icon=":material/error:")
    return False


def is_password(guess: str, wanted: str) -> bool:
    """Compare in a time that does not depend on where they differ."""
    # The environment may hold bytes that are no UTF-8; Python keeps them as surrogates.
    return hmac.compare_digest(
        guess.encode(errors="surrogatepass"), wanted.encode(errors="surrogatepass")
    )


def network_of(address: str | None) -> str:
    """Under which name the guesses from an address queue; None is this computer.

    One IPv6 connection has at least 2**64 addresses: its first 64 bits count.
    """
    try:
        parsed = ipaddress.ip_address(address or "127.0.0.1")
    except ValueError:
        return str(address)
    if parsed.version == 6 and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def may_upload(session: str) -> bool:
    """Whether a session may send files: it has entered the password, or there is none."""
    return session in _signed_in or config.password() is None


def _allow_uploads() -> None:
    context = get_script_run_ctx()
    if context is not None:
        _signed_in.add(_signed_in_session(context.session_id))


@st.cache_resource(scope="session", show_spinner=False, on_release=_signed_in.discard)
def _signed_in_session(session: str) -> str:
    return session
