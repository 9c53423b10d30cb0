#!/usr/bin/env python3
"""Write what the scripts' --help says into the README, so that both say the same.

python -m scripts.write_options            write
python -m scripts.write_options --check    say which is out of date, and fail
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
SECTION = re.compile(r"(<!-- options: (\S+) -->\n).*?(<!-- /options -->)", re.DOTALL)


def main() -> int:
    """Write or check; 1 where the check fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args().check
    readme = REPOSITORY / "README.md"
    old = readme.read_text(encoding="utf-8")
    new = SECTION.sub(lambda found: found[1] + options(found[2]) + found[3], old)
    if check and new != old:
        print("README.md is out of date: python -m scripts.write_options", file=sys.stderr)
        return 1
    if new != old:
        readme.write_text(new, encoding="utf-8")
    return 0


def options(script: str) -> str:
    """The options that a script's ``--help`` lists, folded away in Markdown."""
    shown = subprocess.run(
        [sys.executable, script, "--help"],
        cwd=REPOSITORY,
        env=os.environ | {"COLUMNS": "98", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    listed = shown[shown.index("options:") :].replace(f"{REPOSITORY}{os.sep}", "").rstrip()
    return (
        f"<details><summary>All options of <code>{script}</code></summary>\n\n"
        f"```text\n{listed}\n```\n\n</details>\n"
    )


if __name__ == "__main__":
    sys.exit(main())
