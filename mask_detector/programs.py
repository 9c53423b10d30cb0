"""The commands that an installed package brings: the scripts, by their names."""

from __future__ import annotations

from importlib import import_module

from mask_detector import command_line


def detect_mask_image() -> None:
    """Run detect_mask_image.py and end the process with its exit status."""
    _run("detect_mask_image")


def detect_mask_video() -> None:
    """Run detect_mask_video.py and end the process with its exit status."""
    _run("detect_mask_video")


def train_mask_detector() -> None:
    """Run train_mask_detector.py and end the process with its exit status."""
    _run("train_mask_detector")


def _run(script: str) -> None:
    command_line.run(import_module(script).main)
