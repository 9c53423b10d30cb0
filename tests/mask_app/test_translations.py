"""The texts of the pages in six languages: complete, compiled, and chosen by the visitor."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from mask_app import wording
from mask_app.live import door
from mask_app.photos.results import process
from mask_app.settings import Settings
from mask_app.translations import (
    LANGUAGES,
    gettext,
    language,
    language_of,
    number,
    percent,
    speaking,
    translated,
)
from mask_app.wording import drawn_names, error_text
from mask_detector.drawing import draw_faces
from mask_detector.faces import Face
from mask_detector.wording import DISPLAY_NAMES
from scripts import translations

JPEG_QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 92]

TRANSLATORS = ("gettext", "ngettext", "pgettext")
READ = ("alt", "help", "title", "label")
# Functions whose first arguments are read by visitors, by the name after the last dot.
SHOWN = {
    "title", "header", "subheader", "markdown", "caption", "text", "button", "toggle", "slider",
    "selectbox", "segmented_control", "radio", "checkbox", "text_input", "number_input", "info",
    "warning", "error", "success", "toast", "progress", "spinner", "metric", "page_link",
    "file_uploader", "link", "camera_input", "form_submit_button", "popover",
    "expander", "status", "tabs", "multiselect", "date_input",
}  # fmt: skip


def test_every_text_has_its_translations() -> None:
    assert list(translations.all_faults()) == []


def test_a_missing_text_a_lost_placeholder_and_an_old_file_are_faults(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(translations, "FOLDER", tmp_path)
    monkeypatch.setattr(translations, "languages", lambda: ["de"])
    translations.update()
    assert any("no translation of 'Photos'" in fault for fault in translations.all_faults())
    path = translations.path_of("de", ".po")
    text = path.read_text(encoding="utf-8")
    for english, german in (("Example photo: {words}", "Beispiel {word}"), ("Photos", "Fotos")):
        text = text.replace(
            f'msgid "{english}"\nmsgstr ""', f'msgid "{english}"\nmsgstr "{german}"'
        )
    path.write_text(text, encoding="utf-8")
    faults = list(translations.all_faults())
    assert not any("'Photos'" in fault for fault in faults)
    assert any("other placeholders than 'Example photo: {words}'" in fault for fault in faults)
    assert any("mask_app.mo is out of date" in fault for fault in faults)


@pytest.mark.parametrize(
    ("locale", "code"),
    [
        (None, "en"),
        ("", "en"),
        ("it-IT", "en"),
        ("de", "de"),
        ("DE_at", "de"),
        ("pt-BR", "pt"),
        ("zh-Hant-TW", "zh"),
    ],
)
def test_a_locale_chooses_its_language(locale: str | None, code: str) -> None:
    assert language_of(locale) == code


def test_texts_are_english_outside_a_session_unless_asked_for() -> None:
    assert language() == "en"
    with speaking("de"):
        assert gettext("Photos") == "Fotos"
    assert gettext("Photos") == "Photos"


def test_the_door_says_different_things_in_different_states() -> None:
    for code in LANGUAGES:
        assert len({translated(text, code) for text in door.TEXTS.values()}) == len(door.TEXTS)
    assert translated(door.TEXTS["put_on"], "de") == "Bitte setzen Sie Ihre Maske auf"


def test_captions_have_the_words_of_the_language_or_english_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert drawn_names("en") == {}
    assert drawn_names("de")["without_mask"] == "Ohne Maske"
    image = np.full((200, 200, 3), 255, np.uint8)
    photo = cv2.imencode(".png", image)[1].tobytes()
    faces = [Face((20, 60, 160, 180), 0.9, {"with_mask": 0.9, "without_mask": 0.1})]
    result = process("a.png", photo, lambda image: faces, 60)
    english, german = (
        result.drawn(Settings("yunet", 0.5, 0.1, "none", language=code)) for code in ("en", "de")
    )
    assert english != german
    assert english == cv2.imencode(".jpg", draw_faces(image, faces), JPEG_QUALITY)[1].tobytes()
    monkeypatch.setattr(wording, "drawable", lambda text: "")  # no font has these letters
    assert drawn_names("zh") == {}


def test_names_of_classes_are_those_of_the_library() -> None:
    assert wording._NAMES == DISPLAY_NAMES


@pytest.mark.parametrize(
    ("code", "text", "shown"),
    [
        ("en", "the file is empty", "the file is empty"),
        ("de", "the file is empty", "die Datei ist leer"),
        ("fr", "the file has 31.0 MB, at most 30 are accepted",
         "le fichier fait 31.0 Mo, 30 au plus sont acceptés"),
        ("es", "something else", "something else"),
    ],
)  # fmt: skip
def test_frequent_errors_are_translated(code: str, text: str, shown: str) -> None:
    with speaking(code):
        assert error_text(text) == shown


@pytest.mark.parametrize(
    ("code", "shown"), [("en", "1,234.5 97%"), ("de", "1.234,5 97\u00a0%"), ("zh", "1,234.5 97%")]
)
def test_numbers_have_the_marks_of_the_language(code: str, shown: str) -> None:
    with speaking(code):
        assert f"{number(1234.5, 1)} {percent(0.97)}" == shown


def unwrapped(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and text of literals that visitors would see in English whatever their language."""
    for call in ast.walk(tree):
        if isinstance(call, ast.JoinedStr):  # where Babel finds no texts
            hidden = [each for each in ast.walk(call) if isinstance(each, ast.Call)]
            yield from (
                (each.lineno, f"{each.func.id} in an f-string")
                for each in hidden
                if isinstance(each.func, ast.Name)
                and each.func.id in TRANSLATORS
                and any(isinstance(argument, ast.Constant) for argument in each.args)
            )
        if not isinstance(call, ast.Call):
            continue
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        read = [
            each.value for each in call.keywords if each.arg in ("alt", "help", "title", "label")
        ]
        in_log = isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "logger"
        if name in SHOWN and not in_log:
            read += call.args[:1] if name != "progress" else call.args[1:2]
        for argument in read:
            yield from ((argument.lineno, text) for text in literals(argument))


def literals(node: ast.AST) -> Iterator[str]:
    """The literal words and the constants in an expression, outside calls, which translate."""
    if isinstance(node, ast.Call):
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        if re.search("[A-Za-z]{2}", re.sub(r":material/\w+:", "", node.value)):
            yield node.value
    elif isinstance(node, ast.Name) and node.id.isupper():
        yield node.id
    for child in ast.iter_child_nodes(node):
        yield from literals(child)


def test_no_text_is_shown_without_its_translation(repository: Path) -> None:
    found = [
        (path.name, *each)
        for path in sorted((repository / "mask_app").rglob("*.py"))
        for each in unwrapped(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        'st.button("Remove")',
        'row.markdown(f"**{name}**: none found")',
        "st.title(TITLE)",
        'st.image(path, alt="the photo")',
        """st.markdown(f"**{gettext('Photos')}**")""",
    ],
)
def test_a_text_without_its_translation_is_noticed(line: str) -> None:
    assert list(unwrapped(ast.parse(line)))
