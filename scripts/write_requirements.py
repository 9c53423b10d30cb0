"""Write requirements*.txt from the lists in pyproject.toml, which are their one source.

python -m scripts.write_requirements
"""

from __future__ import annotations

import sys
from pathlib import Path

from mask_detector.files import write_bytes

if sys.version_info >= (3, 11):
    import tomllib
else:
    from pip._vendor import tomli as tomllib

REPOSITORY = Path(__file__).resolve().parent.parent

_HEADER = "# From pyproject.toml, by python -m scripts.write_requirements: change them there.\n"
_DETECTION = """\
# What detection needs: photos, videos and cameras with a trained model, no TensorFlow.
# On a machine without a screen opencv-python-headless may take the place of opencv-python.
"""
_ALERTS = (
    "# What tells other systems: MQTT (--alert mqtt:..., --mqtt-counts), Prometheus (--metrics)."
)
_CLUSTER = """\
# Photos and videos on many machines: python -m mask_detector.cluster.
# boto3 lists buckets page by page: pyarrow would hold all names at a time."""
_DEV = "# What `make test` needs: everything else, and its tools."
_INCLUDE = "-r requirements{}.txt\n"


def requirements() -> dict[str, str]:
    """The content of each requirements file by its name."""
    tables = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    extras = tables["project"]["optional-dependencies"]
    detect, full, app, alerts, cluster = (
        _INCLUDE.format(end) for end in ("-detect", "", "-app", "-alerts", "-cluster")
    )
    contents = {
        "-detect": [_DETECTION, *tables["project"]["dependencies"]],
        "": ["# Detection, training and the benchmarks.", detect, *extras["train"]],
        "-app": ["# The app: detection in the browser.", detect, *extras["app"]],
        "-alerts": [_ALERTS, *extras["alerts"]],
        "-cluster": [_CLUSTER, detect, *extras["cluster"]],
        "-dev": [_DEV, full, app, alerts, cluster, *tables["dependency-groups"]["dev"]],
    }
    return {
        f"requirements{end}.txt": _HEADER + "".join(line.rstrip("\n") + "\n" for line in lines)
        for end, lines in contents.items()
    }


def main() -> None:
    """Write the files."""
    for name, content in requirements().items():
        write_bytes(REPOSITORY / name, content.encode())


if __name__ == "__main__":
    main()
