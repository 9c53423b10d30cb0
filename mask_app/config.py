"""The administrator's settings: limits, password, cameras, history, STUN and TURN servers.

Each one is an environment variable, or the same name in ``.streamlit/secrets.toml``;
``docs/deploy.md`` lists them.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.config import get_option

from mask_detector.errors import UserFacingError
from mask_detector.models.default_model import DEFAULT_MODEL

DEFAULT_HISTORY_DAYS = 90
DEFAULT_PICTURE_DAYS = 7

_LARGEST_LIMIT = 1_000_000
_MOST_DAYS = 36_500
_ICE_SERVERS = (
    "a JSON list such as "
    '[{"urls": "turn:turn.example.org:3478", "username": "me", "credential": "secret"}]'
)
_CAMERAS = 'a JSON object such as {"Front door": "rtsp://…", "Desk": "0"}'
_ICE_ADDRESS = re.compile(r"(stuns?|turns?):\S+")


class ConfigError(UserFacingError):
    """A setting of the app has a value that cannot be used."""


@dataclass(frozen=True)
class Limits:
    """How much work one visitor may give to the server.

    Attributes:
        photos: number of photos at once.
        photo_megabytes: size of one photo's file, in units of 2**20 bytes.
        photo_megapixels: width x height of one photo, in millions of pixels.
        videos: number of videos at once.
        video_megabytes: size of a video's file, in units of 2**20 bytes.
        video_minutes: duration of a video.
        video_megapixels: width x height of each frame of a video, in millions of pixels.
        videos_at_once: number of videos, of all visitors, that are processed at the same time.
    """

    photos: int = 50
    photo_megabytes: int = 30
    photo_megapixels: int = 60
    videos: int = 10
    video_megabytes: int = 200
    video_minutes: int = 10
    video_megapixels: int = 9
    videos_at_once: int = 1


def limits() -> Limits:
    """The limits, each overridden by ``MASK_APP_`` and its name, such as MASK_APP_PHOTOS.

    Raises:
        ConfigError: one of them is not a whole number from 1 to a million.
    """
    changed = {}
    for field in fields(Limits):
        name = f"MASK_APP_{field.name.upper()}"
        value = _whole_number(name, _LARGEST_LIMIT)
        if value is not None:
            changed[field.name] = value
    return Limits(**changed)


def model_path(worn_wrongly: bool = False) -> Path:
    """The model file: ``MASK_APP_MODEL``, or the one in this repository.

    Args:
        worn_wrongly: the one beside it that also tells masks that are worn wrongly, whose name
            ends with ``_3``: ``mask_detector_3.model``. It may be missing.
    """
    # Absolute: the process of a video works in another folder.
    path = Path(_text("MASK_APP_MODEL") or DEFAULT_MODEL).absolute()
    return path.with_name(f"{path.stem}_3{path.suffix}") if worn_wrongly else path


def tells_worn_wrongly() -> bool:
    """Whether there is a model that also tells masks that are worn wrongly."""
    return model_path(worn_wrongly=True).is_file()


def password() -> str | None:
    """The password that visitors must enter: ``MASK_APP_PASSWORD``; None where none is set."""
    return _text("MASK_APP_PASSWORD") or None


def ice_servers() -> list[dict[str, Any]]:
    """STUN and TURN servers for the live camera: ``MASK_APP_ICE_SERVERS``, a JSON list.

    The list is empty by default: the app then contacts no server on the internet.

    Raises:
        ConfigError: it is not a list of servers as browsers take it.
    """
    value = _from_json("MASK_APP_ICE_SERVERS", _ICE_SERVERS)
    if value is None:
        return []
    if not isinstance(value, list | tuple) or not all(map(_is_ice_server, value)):
        raise ConfigError(f"MASK_APP_ICE_SERVERS must be {_ICE_SERVERS}")
    return [dict(server) for server in value]


def cameras() -> dict[str, str]:
    """The server's cameras that visitors may watch, name to source: ``MASK_APP_CAMERAS``.

    None by default. Visitors see only the names, and cannot enter a source of their own.

    Raises:
        ConfigError: it is not an object of names and sources.
    """
    value = _from_json("MASK_APP_CAMERAS", _CAMERAS)
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(map(_is_camera, value.items())):
        raise ConfigError(f"MASK_APP_CAMERAS must be {_CAMERAS}")
    return {name: str(source) for name, source in value.items()}


def history() -> Path | None:
    """The file in which numbers of people are kept: ``MASK_APP_HISTORY``; None where not set."""
    name = _text("MASK_APP_HISTORY")
    return Path(name).expanduser() if name else None


def history_days() -> int:
    """Days after which they are deleted: ``MASK_APP_HISTORY_DAYS``.

    Raises:
        ConfigError: it is not a whole number from 1 to 36500.
    """
    return _whole_number("MASK_APP_HISTORY_DAYS", _MOST_DAYS) or DEFAULT_HISTORY_DAYS


@dataclass(frozen=True)
class DoorPictures:
    """What is kept of people whom a door asks to put on a mask.

    Attributes:
        folder: where; made if it is not there.
        days: after which they are deleted.
        blurred: everybody in them.
    """

    folder: Path
    days: int
    blurred: bool


def door_pictures() -> DoorPictures | None:
    """What is kept of people without a mask: ``MASK_APP_DOOR_PICTURES``; None where not set.

    ``MASK_APP_DOOR_PICTURES_DAYS`` says how long, ``MASK_APP_DOOR_PICTURES_BLUR`` whether they are
    blurred.

    Raises:
        ConfigError: one of these has a value that cannot be used.
    """
    folder = _text("MASK_APP_DOOR_PICTURES")
    if not folder:
        return None
    blur = _text("MASK_APP_DOOR_PICTURES_BLUR") or "all"
    if blur not in ("all", "none"):
        raise ConfigError(f"MASK_APP_DOOR_PICTURES_BLUR must be all or none, not {blur[:40]!r}")
    days = _whole_number("MASK_APP_DOOR_PICTURES_DAYS", _MOST_DAYS) or DEFAULT_PICTURE_DAYS
    return DoorPictures(Path(folder).expanduser(), days, blur == "all")


def _is_ice_server(server: object) -> bool:
    """Whether it is an RTCIceServer of the WebRTC standard."""
    if not isinstance(server, Mapping):
        return False
    addresses = server.get("urls")
    addresses = [addresses] if isinstance(addresses, str) else addresses
    return (
        isinstance(addresses, list | tuple)
        and len(addresses) > 0
        and all(isinstance(each, str) and _ICE_ADDRESS.fullmatch(each) for each in addresses)
        and all(isinstance(server.get(key, ""), str) for key in ("username", "credential"))
    )


def _is_camera(item: tuple[str, object]) -> bool:
    name, source = item
    if isinstance(source, str):
        return bool(name.strip() and source.strip())
    whole = isinstance(source, int) and not isinstance(source, bool) and source >= 0
    return bool(name.strip()) and whole


def _from_json(name: str, expected: str) -> Any:
    """A setting that holds JSON, or a table or array of ``secrets.toml``; None where not set."""
    value = _setting(name)
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value.strip() else None
    except (ValueError, RecursionError):
        raise ConfigError(f"{name} must be {expected}") from None


def _whole_number(name: str, largest: int) -> int | None:
    """A setting that is a number of at least 1; None where not set."""
    text = _text(name)
    if text is None:
        return None
    # No sign, no digits of other scripts, and few enough of them for int().
    if not re.fullmatch(r"0*[1-9][0-9]{0,6}", text) or int(text) > largest:
        raise ConfigError(f"{name} must be a whole number from 1 to {largest:,}, not {text[:40]!r}")
    return int(text)


def _text(name: str) -> str | None:
    """A setting that is text or a whole number; None where not set."""
    value = _setting(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int) or "\0" in str(value):
        raise ConfigError(f"{name} must be text in quotes")
    return str(value)


def _setting(name: str) -> Any:
    if name in os.environ:
        return os.environ[name]
    try:
        return st.secrets.get(name)
    except (OSError, ValueError, RecursionError, st.errors.StreamlitAPIException):
        # Streamlit raises the same for no file and for a damaged one: a typing mistake in the
        # file must not open an app that has a password.
        files = [path for path in get_option("secrets.files") if Path(path).exists()]
        if files:
            raise ConfigError(f"{files[0]} cannot be read; it must be valid TOML") from None
        return None
