"""Write docs/options.md from what each program's --help says, so that both say the same.

python -m scripts.write_options            write
python -m scripts.write_options --check    say whether it is out of date, and fail if so
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout, suppress
from pathlib import Path

from mask_detector.files import write_bytes

REPOSITORY = Path(__file__).resolve().parent.parent
PAGE = REPOSITORY / "docs" / "options.md"
PROGRAMS = (
    "detect_mask_image.py",
    "detect_mask_video.py",
    "train_mask_detector.py",
    "-m mask_detector.cluster",
    "-m mask_detector.convert",
    "-m face_detector.train",
)
INTRODUCTION = """# Options

All options of the programs, as their `--help` prints them.
Written by `python -m scripts.write_options`.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Write or check; 1 where the check fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args(argv).check
    new = "\n".join([INTRODUCTION, *(section(program) for program in PROGRAMS)])
    if not check:
        write_bytes(PAGE, new.encode())
    elif new != PAGE.read_text(encoding="utf-8"):
        print("docs/options.md is out of date: python -m scripts.write_options", file=sys.stderr)
        return 1
    return 0


def section(program: str) -> str:
    """One program's options in Markdown; ``program`` is what follows ``python``."""
    module = program.removeprefix("-m ").removesuffix(".py")
    if (REPOSITORY / module.replace(".", "/")).is_dir():
        module = f"{module}.__main__"
    arguments, environment = sys.argv, dict(os.environ)
    sys.argv = [program, "--help"]
    os.environ |= {"COLUMNS": "98", "NO_COLOR": "1"}
    try:
        with redirect_stdout(io.StringIO()) as output, suppress(SystemExit):
            importlib.import_module(module).main()
    finally:
        sys.argv = arguments
        os.environ.clear()
        os.environ.update(environment)
    shown = output.getvalue()
    titles = ("positional arguments:", "options:")
    start = min(shown.index(title) for title in titles if title in shown)
    listed = shown[start:].replace(f"{REPOSITORY}{os.sep}", "").rstrip()
    return f"## `python {program}`\n\n```text\n{listed}\n```\n"


if __name__ == "__main__":
    sys.exit(main())
