"""Pages of the app without a browser, by Streamlit's own AppTest."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def photo_page() -> AppTest:
    """The page for photos with its settings, not yet run."""
    return AppTest.from_string(
        "from mask_app.photos import page\n"
        "from mask_app.settings import sidebar\n"
        "page.page(sidebar(camera=False))\n",
        default_timeout=300,
    )
