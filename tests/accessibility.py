"""What axe-core finds on a page."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

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
