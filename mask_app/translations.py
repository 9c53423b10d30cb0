"""The texts of the pages in the visitor's language.

    from mask_app.translations import gettext, gettext_noop, ngettext

    st.button(gettext("Remove all"))
    st.caption(gettext("{share} done", share="40%"))
    st.caption(ngettext("{count} photo", "{count} photos", 3))
    NAMES = {"all": gettext_noop("Everybody")}  # marked here, translated by gettext(NAMES["all"])

The English text is the key of each catalogue in ``locales/``; ``python -m scripts.translations``
brings them up to date. Placeholders have names, because their order differs between languages.
"""

from __future__ import annotations

import gettext as catalogues
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

DOMAIN = "mask_app"
FOLDER = Path(__file__).resolve().with_name("locales")
LANGUAGES = {
    "en": "English",
    "de": "Deutsch",
    "es": "Español",
    "fr": "Français",
    "pt": "Português",
    "zh": "中文",
}
"""The languages of the app by their codes, each by its own name; the first is the texts' own."""

# Marks of thousands and of decimals, and what follows a percentage (Unicode CLDR).
_NUMBERS = {
    "en": (",", ".", "%"),
    "de": (".", ",", "\u00a0%"),
    "es": (".", ",", "\u00a0%"),
    "fr": ("\u202f", ",", "\u202f%"),
    "pt": (".", ",", "%"),
    "zh": (",", ".", "%"),
}
ENGLISH = next(iter(LANGUAGES))
_CHOSEN, _ADDRESS = "language", "lang"  # in the session's state; in the address


_speaking: ContextVar[str] = ContextVar("speaking", default="")


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Give texts in a language of ``LANGUAGES`` meanwhile, also outside a session's script."""
    token = _speaking.set(code)
    try:
        yield
    finally:
        _speaking.reset(token)


def language() -> str:
    """The visitor's language, a key of ``LANGUAGES``; English outside a session's script."""
    if code := _speaking.get():
        return code
    if get_script_run_ctx(suppress_warning=True) is None:
        return ENGLISH
    return st.session_state.get(_CHOSEN) or language_of(st.context.locale)


def html_language() -> str:
    """The language as browsers know it, which choose the forms of Chinese characters by it."""
    return "zh-Hans" if language() == "zh" else language()


def language_of(locale: str | None) -> str:
    """The language of a locale such as ``pt-BR``; English where the app lacks it."""
    code = (locale or "").replace("_", "-").partition("-")[0].lower()
    return code if code in LANGUAGES else ENGLISH


def address_parameters() -> dict[str, str]:
    """What the address of each page says about the language; empty where none was chosen."""
    chosen = st.session_state.get(_CHOSEN)
    return {_ADDRESS: chosen} if chosen else {}


def read_address() -> None:
    """Take the language that the address asks for, such as ``?lang=de``."""
    asked = st.query_params.get(_ADDRESS)
    if asked in LANGUAGES and _CHOSEN not in st.session_state:
        st.session_state[_CHOSEN] = asked


def choose_language() -> None:
    """Draw the choice of the language; it holds for the session and stands in the address."""
    key = f"{_CHOSEN}_choice"
    st.session_state[key] = language()
    st.selectbox(
        gettext("Language"),
        list(LANGUAGES),
        format_func=LANGUAGES.__getitem__,
        key=key,
        label_visibility="collapsed",
        width=140,
        on_change=_take_choice,
        args=(key,),
    )


def _take_choice(key: str) -> None:
    st.session_state[_CHOSEN] = st.query_params[_ADDRESS] = st.session_state[key]


def gettext(text: str, /, **values: object) -> str:
    """A text in the visitor's language.

    Args:
        text: in English, a literal, so that the catalogues' tool finds it.
        values: of its placeholders, such as ``{name}``.
    """
    return translated(text, language(), **values)


def ngettext(singular: str, plural: str, count: int, /, **values: object) -> str:
    """A text with a number, in the form that the visitor's language has for that number.

    Args:
        singular: in English, with ``{count}`` where the number belongs.
        plural: the same for other numbers.
        count: the number.
        values: of other placeholders.
    """
    text = _catalogue(language()).ngettext(singular, plural, count)
    return text.format(count=count, **values)


def pgettext(context: str, text: str, /) -> str:
    """A text that other languages say differently in different places.

    Args:
        context: in one word where it stands, such as "page".
        text: in English.
    """
    return _catalogue(language()).pgettext(context, text)


def number(value: float, digits: int = 0) -> str:
    """A number with that many decimals, with the marks of the visitor's language."""
    thousands, decimals, _ = _NUMBERS[language()]
    whole, _, rest = f"{value:,.{digits}f}".partition(".")
    return whole.replace(",", thousands) + (decimals + rest if rest else "")


def number_marks() -> tuple[str, str, str]:
    """The visitor's marks of thousands and of decimals, and what follows a percentage."""
    return _NUMBERS[language()]


def percent(share: float, digits: int = 0) -> str:
    """A share of 0 to 1 as a percentage in the visitor's language: 0.973 is "97.3%"."""
    return number(100 * share, digits) + _NUMBERS[language()][2]


def gettext_noop(text: str) -> str:
    """Mark a text for the catalogues where it stands, in a table; it is translated later."""
    return text


def translated(text: str, code: str, /, **values: object) -> str:
    """A text in a language of ``LANGUAGES``; see :func:`gettext`."""
    text = _catalogue(code).gettext(text) if text else text
    return text.format(**values) if values else text


@lru_cache
def _catalogue(code: str) -> catalogues.NullTranslations:
    return catalogues.translation(DOMAIN, FOLDER, [code], fallback=code == ENGLISH)
