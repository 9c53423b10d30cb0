"""What a wheel gets besides the packages: the face detectors' model files.

Hatchling calls it while it builds a wheel, as pyproject.toml says. The files are downloaded where
they are missing, and checked, so that every wheel has the same ones.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ModelFilesHook(BuildHookInterface):
    """Puts the files of ``face_detector.weights`` into the wheel's ``face_detector`` folder."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files; an editable installation downloads them on first use instead."""
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        try:
            from face_detector.weights import MODEL_FILES, fetch
        finally:
            sys.path.remove(self.root)
        for path in fetch(*MODEL_FILES, verify=True):
            build_data["force_include"][str(path)] = str(Path("face_detector") / path.name)
