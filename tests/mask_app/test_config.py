"""What the administrator sets, and the sentences about values that cannot be used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st

from mask_app import config
from mask_app.config import ConfigError, Limits


@pytest.fixture
def write_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str | bytes], None]]:
    """Put a text into the app's secrets.toml."""
    path = tmp_path / "secrets.toml"
    files = st.get_option("secrets.files")
    st.config.set_option("secrets.files", [str(path)])

    def write(content: str | bytes) -> None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        st.secrets._reset()

    yield write
    st.config.set_option("secrets.files", files)
    st.secrets._reset()


def test_nothing_is_set_by_default() -> None:
    assert config.limits() == Limits()
    assert config.password() is None
    assert config.ice_servers() == []
    assert config.cameras() == {}
    assert config.history() is None
    assert config.history_days() == config.DEFAULT_HISTORY_DAYS
    assert config.model_path().name == "mask_detector.model"


def test_a_model_is_found_from_other_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MASK_APP_MODEL", "my.model")
    path = config.model_path(worn_wrongly=True)
    monkeypatch.chdir("/")  # as the process of a video works elsewhere
    assert path.absolute() == tmp_path / "my_3.model"


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASK_APP_PHOTOS", "3")
    monkeypatch.setenv("MASK_APP_PASSWORD", "0123")
    monkeypatch.setenv("MASK_APP_HISTORY", "history.sqlite")
    monkeypatch.setenv("MASK_APP_HISTORY_DAYS", "7")
    monkeypatch.setenv("MASK_APP_ICE_SERVERS", '[{"urls": ["stun:stun.example.org"]}]')
    monkeypatch.setenv("MASK_APP_CAMERAS", '{"Desk": 0, "Door": "rtsp://door"}')
    assert config.limits() == Limits(photos=3)
    assert config.password() == "0123"
    assert config.history() == Path("history.sqlite")
    assert config.history_days() == 7
    assert config.ice_servers() == [{"urls": ["stun:stun.example.org"]}]
    assert config.cameras() == {"Desk": "0", "Door": "rtsp://door"}


@pytest.mark.parametrize(
    "value", ["many", "0", "-1", "+1", "", " ", "1.5", "²", "٣", "1e3", "9" * 50, "1000001"]
)
def test_odd_limits_are_a_sentence(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("MASK_APP_VIDEO_MINUTES", value)
    with pytest.raises(ConfigError, match="MASK_APP_VIDEO_MINUTES must be a whole number"):
        config.limits()


@pytest.mark.parametrize(
    "value",
    [
        *("stun:example.org", "{", "{}", "5", "[1]", '"stun:a"', '[["urls", "stun:a"]]'),
        *('[{"username": "me"}]', '[{"urls": []}]', '[{"urls": "http://a"}]', '[{"urls": [1]}]'),
        '[{"urls": "turn:a", "credential": 5}]',
        pytest.param("[" * 100_000, id="deep"),
    ],
)
def test_odd_servers_are_a_sentence(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("MASK_APP_ICE_SERVERS", value)
    with pytest.raises(ConfigError, match="MASK_APP_ICE_SERVERS must be a JSON list"):
        config.ice_servers()


@pytest.mark.parametrize(
    "value",
    [
        *("0", "[]", '["ab"]', '[["a", "b"]]', '{"a": null}', '{"a": true}', '{"a": -1}'),
        *('{"a": ""}', '{"": "0"}', '{"a": {"b": 1}}', "{", "NaN"),
        pytest.param('{"a":' * 100_000, id="deep"),
    ],
)
def test_odd_cameras_are_a_sentence(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("MASK_APP_CAMERAS", value)
    with pytest.raises(ConfigError, match="MASK_APP_CAMERAS must be a JSON object"):
        config.cameras()


def test_pictures_of_a_door_are_blurred_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert config.door_pictures() is None
    monkeypatch.setenv("MASK_APP_DOOR_PICTURES", "/data/door")
    assert config.door_pictures() == config.DoorPictures(Path("/data/door"), 7, blurred=True)
    monkeypatch.setenv("MASK_APP_DOOR_PICTURES_BLUR", "none")
    monkeypatch.setenv("MASK_APP_DOOR_PICTURES_DAYS", "2")
    assert config.door_pictures() == config.DoorPictures(Path("/data/door"), 2, blurred=False)
    monkeypatch.setenv("MASK_APP_DOOR_PICTURES_BLUR", "no")
    with pytest.raises(ConfigError, match="must be all or none"):
        config.door_pictures()


@pytest.mark.parametrize(
    ("text", "password"),
    [
        ("", None),
        ('MASK_APP_PASSWORD = "open sesame"', "open sesame"),
        ("MASK_APP_PASSWORD = 1234", "1234"),
        ("MASK_APP_PASSWORD = '0123'", "0123"),
    ],
)
def test_a_password_in_the_secrets_file(
    write_secrets: Callable[[str], None], text: str, password: str | None
) -> None:
    write_secrets(text)
    assert config.password() == password


@pytest.mark.parametrize("value", ["true", "12.50", "[1]", "2026-01-01"])
def test_an_odd_password_is_a_sentence(write_secrets: Callable[[str], None], value: str) -> None:
    write_secrets(f"MASK_APP_PASSWORD = {value}")
    with pytest.raises(ConfigError, match="MASK_APP_PASSWORD must be text in quotes"):
        config.password()


@pytest.mark.parametrize("content", [b"MASK_APP_PASSWORD = open sesame", b"\xff\xfe", b"a = "])
def test_a_damaged_secrets_file_opens_no_app(
    write_secrets: Callable[[bytes], None], content: bytes
) -> None:
    write_secrets(content)
    with pytest.raises(ConfigError, match=r"secrets\.toml cannot be read"):
        config.password()


def test_tables_of_the_secrets_file(write_secrets: Callable[[str], None]) -> None:
    write_secrets(
        "MASK_APP_PHOTOS = 3\n[MASK_APP_CAMERAS]\nDesk = 0\n"
        '[[MASK_APP_ICE_SERVERS]]\nurls = "stun:stun.example.org"\n'
    )
    assert config.limits().photos == 3
    assert config.cameras() == {"Desk": "0"}
    assert config.ice_servers() == [{"urls": "stun:stun.example.org"}]
