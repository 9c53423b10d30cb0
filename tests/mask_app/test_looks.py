"""Every page in every state, in light, dark and on a phone: readable, and kept as pictures.

The pictures are in runs/app/ after the tests; look at them when a page changes.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import pytest

from benchmarks.browser import App
from scripts.app_pictures import LOOKS, SCENES, picture

SERIOUS = ("serious", "critical")


def violations(page: Any) -> list[str]:
    """What axe-core calls a serious obstacle for people with disabilities: rule and places."""
    if find_spec("axe_playwright_python") is None:
        pytest.skip("axe-playwright-python is not installed: it looks for obstacles")
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {', '.join(str(node['target']) for node in each['nodes'])}"
        for each in found
        if each["impact"] in SERIOUS
    ]


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
