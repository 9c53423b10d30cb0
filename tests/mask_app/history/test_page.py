"""The page of the history, and where the administrator wants none or names a bad file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from mask_app.history.page import as_csv
from mask_app.history.store import HistoryStore, minute_now

PAGE = "from mask_app.history import page\npage.page()\n"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "history.sqlite"
    monkeypatch.setenv("MASK_APP_HISTORY", str(path))
    yield path
    st.cache_resource.clear()


@pytest.mark.parametrize("people", [{}, {"with_mask": 3, "unsure": 1, "helmet": 2}])
def test_the_page_shows_what_was_recorded_and_deletes_it(
    path: Path, people: dict[str, int]
) -> None:
    store = HistoryStore(path, days=90)
    page = AppTest.from_string(PAGE, default_timeout=300).run()
    assert "Nothing was recorded" in page.info[0].value
    store.add(minute_now() - 600, "North", "a", people)
    store.add(minute_now() - 600, ":door", "b", {"without_mask": 1})
    page.run()
    assert not page.exception
    assert not page.info
    assert page.multiselect[0].options == ["Door", "North"]
    assert "wore a mask. Recorded: 2 minutes" in page.caption[0].value
    assert page.dataframe[0].value["Mask"].sum() == people.get("with_mask", 0)
    page.multiselect[0].set_value(["North"]).run()
    assert not page.exception
    assert page.dataframe[0].value["No Mask"].sum() == 0
    page.button(key="history_delete").click().run()
    assert "Nothing was recorded" in page.info[0].value
    assert store.rows(0) == []


def test_minutes_are_a_table_in_the_visitors_time(path: Path) -> None:
    store = HistoryStore(path, days=36_500)
    assert as_csv(store, 0, "UTC").decode().splitlines() == ["minute,camera,with_mask,without_mask"]
    store.add(29_000_000, ":door", "a", {"without_mask": 2, "unsure": 1})
    assert as_csv(store, 0, "Asia/Kolkata").decode().splitlines() == [
        "minute,camera,with_mask,without_mask,unsure",
        "2025-02-20T02:50+05:30,door,0,2,1",
    ]


def open_app(repository: Path) -> AppTest:
    return AppTest.from_file(str(repository / "mask_app/pages.py"), default_timeout=300).run()


def test_a_history_is_a_page_only_where_it_is_wanted(
    path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "History" in [link.label for link in open_app(repository).get("page_link")]
    monkeypatch.delenv("MASK_APP_HISTORY")
    assert "History" not in [link.label for link in open_app(repository).get("page_link")]


@pytest.mark.parametrize(
    ("value", "words"),
    [("/nowhere/h.sqlite", "there is no folder /nowhere, make it first"), (".", "cannot be used")],
)
def test_a_bad_file_is_one_sentence_and_no_page(
    repository: Path, monkeypatch: pytest.MonkeyPatch, value: str, words: str
) -> None:
    monkeypatch.setenv("MASK_APP_HISTORY", value)
    page = open_app(repository)
    assert not page.exception
    assert not page.title
    [error] = page.error
    assert "MASK" in error.value
    assert words in error.value.replace("\\", "")
