"""The command ``mask-app`` of an installed package, and where the app's own files are."""

from __future__ import annotations

import sys
from pathlib import Path

_INSTALLED = Path(__file__).resolve().with_name("program")
HOME = _INSTALLED if _INSTALLED.exists() else Path(__file__).resolve().parent.parent
"""The folder of app.py, .streamlit, examples and docs: in a wheel, or a checkout's own."""


def main() -> None:
    """Run the app until it is stopped; arguments are those of ``streamlit run``."""
    try:
        from streamlit.web import cli
    except ImportError:
        sys.exit('this needs streamlit: pip install "face-mask-detection[app]"')
    sys.argv = ["streamlit", "run", str(HOME / "app.py"), *sys.argv[1:]]
    cli.main(prog_name="streamlit")
