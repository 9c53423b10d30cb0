"""What whoever runs the app decides: limits, password, cameras, ways around firewalls.

Each setting is an environment variable, or the same name in ``.streamlit/secrets.toml``;
``docs/deploy.md`` explains them.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from mask_detector.detector import DEFAULT_MODEL
from mask_detector.errors import UserFacingError


class ConfigError(UserFacingError):
    """A setting of the app cannot be understood."""


@dataclass(frozen=True)
class Limits:
    """What one visitor may ask of the machine.

    Attributes:
        photos: photos at once.
        photo_megabytes: size of one photo's file.
        photo_megapixels: width x height of one photo.
        video_megabytes: size of a video's file.
        video_minutes: length of a video.
        video_megapixels: width x height of a video's frames.
        videos_at_once: videos of all visitors that are worked on at the same time.
    """

    photos: int = 50
    photo_megabytes: int = 30
    photo_megapixels: int = 60
    video_megabytes: int = 200
    video_minutes: int = 10
    video_megapixels: int = 9
    videos_at_once: int = 1


def limits() -> Limits:
    """The limits, each overridden by ``MASK_APP_`` and its name, such as MASK_APP_PHOTOS."""
    changed = {}
    for name in Limits.__dataclass_fields__:
        text = _setting(f"MASK_APP_{name.upper()}")
        if text is None:
            continue
        if not str(text).isdigit() or int(text) < 1:
            raise ConfigError(f"MASK_APP_{name.upper()} must be a whole number, not {text!r}")
        changed[name] = int(text)
    return Limits(**changed)


def model_path() -> Path:
    """The model file: ``MASK_APP_MODEL`` or the shipped one."""
    return Path(_setting("MASK_APP_MODEL") or DEFAULT_MODEL)


def password() -> str | None:
    """The password that visitors are asked for, None where there is none: MASK_APP_PASSWORD."""
    return _setting("MASK_APP_PASSWORD") or None


def ice_servers() -> list[dict[str, Any]]:
    """STUN and TURN servers for the live camera: ``MASK_APP_ICE_SERVERS``, a JSON list.

    The list is empty by default: the app then asks no server on the internet for anything.
    """
    value = _setting("MASK_APP_ICE_SERVERS") or []
    try:
        servers = json.loads(value) if isinstance(value, str) else list(value)
        plain = [dict(server) for server in servers]
        if all("urls" in server for server in plain):
            return plain
    except (TypeError, ValueError):
        pass
    raise ConfigError(
        "MASK_APP_ICE_SERVERS must be a JSON list such as "
        '[{"urls": "turn:turn.example.org:3478", "username": "me", "credential": "secret"}]'
    )


def cameras() -> dict[str, str]:
    """Cameras of the server that visitors may look through, name to source: MASK_APP_CAMERAS.

    None by default. Visitors see the names alone and can never name a source of their own.
    """
    value = _setting("MASK_APP_CAMERAS") or {}
    try:
        named = dict(json.loads(value) if isinstance(value, str) else value)
    except (TypeError, ValueError):
        raise ConfigError(
            'MASK_APP_CAMERAS must be a JSON object such as {"Front door": "rtsp://…", "Desk": "0"}'
        ) from None
    return {str(name): str(source) for name, source in named.items()}


def _setting(name: str) -> Any:
    if name in os.environ:
        return os.environ[name]
    try:
        return st.secrets.get(name)
    except (FileNotFoundError, st.errors.StreamlitAPIException):  # there is no secrets file
        return None
