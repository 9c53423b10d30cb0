"""Write docs/api.md from the docstrings of the library.

python -m scripts.write_api
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

from mask_detector import Face, Faces, MaskDetector, errors
from mask_detector.faces import as_supervision, count_faces
from mask_detector.files import write_bytes
from mask_detector.images import read_photo, write_photo
from mask_detector.video.captures import SourceOptions
from mask_detector.video.sources import Frame
from mask_detector.video.view import View

PAGE = Path(__file__).resolve().parent.parent / "docs" / "api.md"
INTRODUCTION = """\
# The library

```python
from mask_detector import MaskDetector

detector = MaskDetector.load(hiding=True)
faces = detector.detect("examples/example_01.png")
for face in faces:
    print(face.label, face.probability, face.box)
```

A picture is a `uint8` array in OpenCV's order (BGR, shape (H, W, 3)), the path of a photo, or a PIL
image; a list of pictures gives a list of results. Drawing and blurring return a new array:

```python
from mask_detector.images import write_photo

write_photo("boxed.png", detector.draw("examples/example_01.png", faces))
write_photo("hidden.png", detector.blur("examples/example_01.png", faces))
```

A video, a stream or a camera (`0`), with a fast detector:

```python
fast = MaskDetector.load(detector="yunet", thorough=False)
for view in fast.track("examples/example_video.mp4", max_frames=25):
    print(view.frame.time_s, view.counts, [(face.track, face.label) for face in view.faces])
```

Results for other programs; `faces.as_supervision()` gives `supervision.Detections` where that
package is installed:

```python
import json

print(json.dumps(faces.as_json()))
```

What goes wrong is an exception whose text is one sentence: `TypeError` or `ValueError` for what is
no picture, and for everything else one of `mask_detector.errors`, all of them `UserFacingError`.

*All below is written by `python -m scripts.write_api` from the docstrings.*
"""
# Each class with the members that are shown.
CLASSES: tuple[tuple[type, tuple[str, ...]], ...] = (
    (MaskDetector, ("load", "classes", "detect", "detect_many", "draw", "blur", "track")),
    (Face, ("label", "probability", "counted_as", "as_json")),
    (Faces, ("as_json", "as_supervision")),
    (View, ("inside", "hide", "record")),
    (Frame, ()),
    (SourceOptions, ()),
)
FUNCTIONS = (count_faces, as_supervision, read_photo, write_photo)
_SECTIONS = ("Args", "Attributes", "Raises", "Returns", "Yields")


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for kind, members in CLASSES:
        parts.append(f"## {kind.__module__}.{kind.__name__}\n\n{described(kind)}")
        for name in members:
            member = getattr(kind, name)
            call = f"`{name}{signature(member)}`\n\n" if callable(member) else ""
            parts.append(f"### {kind.__name__}.{name}\n\n{call}{described(member)}")
    for function in FUNCTIONS:
        name = function.__name__
        call = f"`{name}{signature(function)}`\n\n"
        parts.append(f"## {function.__module__}.{name}\n\n{call}{described(function)}")
    tree = inspect.cleandoc(errors.__doc__ or "").split("\n\n")[1]
    parts.append(f"## mask_detector.errors\n\n```\n{inspect.cleandoc(tree)}\n```\n")
    return "\n".join(parts)


def signature(function: Any) -> str:
    """The names and defaults of a function's arguments; types are in their descriptions."""
    words = []
    for parameter in inspect.signature(function).parameters.values():
        default = parameter.default
        default = default.name if isinstance(default, Path) else default
        shown = f'"{default}"' if isinstance(default, str) else repr(default)
        if parameter.name != "self":
            words.append(parameter.name + ("" if default is parameter.empty else f"={shown}"))
    return f"({', '.join(words)})"


def described(documented: Any) -> str:
    """A docstring as Markdown."""
    lines: list[str] = []
    for line in inspect.cleandoc(documented.__doc__ or "").splitlines():
        section = line.removesuffix(":")
        if line.endswith(":") and section in _SECTIONS:
            lines.append(f"**{section}**\n")
        elif item := re.match(r"    (\w[\w, ]*): (.*)", line):
            lines.append(f"- `{item[1]}`: {item[2]}")
        else:
            lines.append(line.strip() if not line.startswith("        ") else f"  {line.strip()}")
    text = re.sub(r":\w+:`~?([^`]+)`|``([^`]+)``", lambda m: f"`{m[1] or m[2]}`", "\n".join(lines))
    return re.sub(r">>> .*", lambda m: f"`{m[0][4:]}` gives", text) + "\n"


def main() -> None:
    """Write the page."""
    write_bytes(PAGE, page().encode())


if __name__ == "__main__":
    main()
