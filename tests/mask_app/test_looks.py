"""Every page in every state, in light, dark and on a phone: readable, and kept as pictures.

The pictures are in runs/app/ after the tests; look at them when a page changes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from accessibility import violations

from benchmarks.browser import App
from scripts.app_pictures import LOOKS, SCENES, picture


@pytest.mark.parametrize("name", SCENES)
def test_a_page_is_readable_in_all_looks(
    app: App, page: Any, screenshot: Callable[[bytes, str], None], name: str
) -> None:
    SCENES[name](page, app.url)
    for look in LOOKS:
        screenshot(picture(page, look, whole=True), f"{name}_{look}")
        assert page.evaluate("document.scrollingElement.scrollWidth <= window.innerWidth"), look
        assert page.locator(".stException").count() == 0
        if look != "phone":  # it differs by nothing that the tool looks at
            assert violations(page) == [], look
