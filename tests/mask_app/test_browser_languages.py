"""Each language once in a real browser: chosen by the browser, by the address, and in the app."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from waiting import new_page

from benchmarks.browser import App

# A known text of the first page and, without what the browser does not have, of the settings.
LANGUAGES = {
    "de-AT": ("de", "Gesichtsmasken"),
    "es-MX": ("es", "Mascarillas"),
    "fr-FR": ("fr", "Masques faciaux"),
    "pt-BR": ("pt", "Máscaras faciais"),
    "zh-TW": ("zh-Hans", "口罩检测"),
    "it-IT": ("en", "Face masks"),
}


def language_of(page: Any) -> str:
    page.wait_for_function("document.documentElement.lang && window.visitorsWords")
    return page.evaluate("document.documentElement.lang")


def heading(page: Any, text: str) -> None:
    page.get_by_role("heading", name=text, exact=True).wait_for()


def test_each_language_is_chosen_by_its_browser(
    app: App, browser: Any, screenshot: Callable[..., None]
) -> None:
    for locale, (code, title) in LANGUAGES.items():
        page = new_page(browser, locale=locale, viewport={"width": 390, "height": 844})
        page.goto(app.url)
        heading(page, title)
        assert language_of(page) == code
        width = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
        assert width <= 390  # nothing sticks out on a phone
        screenshot(page, f"welcome_{code}")
        page.context.close()


def test_a_chosen_language_holds_on_all_pages_and_in_the_address(
    app: App, page: Any, examples: Path
) -> None:
    page.goto(f"{app.url}/photos?lang=de")
    heading(page, "Fotos")
    page.get_by_role("button", name="Hochladen").wait_for()  # Streamlit's own word
    page.locator("input[type=file]").set_input_files(str(examples / "README.md"))
    page.get_by_text("dies ist kein Foto").wait_for()
    page.get_by_role("combobox", name="Sprache").click()
    page.get_by_role("option", name="Français").click()
    page.get_by_text("ce n’est pas une photo").wait_for()
    assert page.url.endswith("/photos?lang=fr")
    page.get_by_role("link", name="À propos").click()
    heading(page, "À propos")
    assert page.url.endswith("/about?lang=fr")
    assert language_of(page) == "fr"
    page.locator("a[aria-current=page]", has_text="À propos").wait_for()  # follows the page soon
    page.get_by_role("link", name="Accueil").click()
    page.get_by_role("button", name="Ouvrir les photos").click()
    page.get_by_text("ce n’est pas une photo").wait_for()
    assert page.url.endswith("/photos?lang=fr")
