"""Bring the app's catalogues of texts up to date: find the texts, add new ones, compile.

python -m scripts.translations            write mask_app/locales/*/LC_MESSAGES/mask_app.po and .mo
python -m scripts.translations --check    name what is missing or out of date, and fail if any is

A new text gets an empty translation: write it into the .po files, then run the first command again.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from string import Formatter

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po

from mask_app import about
from mask_app.translations import DOMAIN, ENGLISH, FOLDER, LANGUAGES
from mask_detector.files import make_folder, write_bytes

_SOURCES = FOLDER.parent
# The page About shows these; who changes the card need not know six languages.
_CARD = "A paragraph of docs/model-card.md: shown in English where it has no translation."
_KEYWORDS = {"gettext": None, "gettext_noop": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2)}


def main(argv: Sequence[str] | None = None) -> int:
    """Write or check; 1 where the check fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args(argv).check
    if not check:
        update()
    faults = list(all_faults())
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if check and faults else 0


def update() -> None:
    """Write the .po files with the texts that the app has now, and the .mo files from them."""
    found = extracted()
    for code in languages():
        catalog = read(code)
        # No guesses from similar texts: a wrong translation is worse than none.
        catalog.update(found, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        make_folder(path_of(code, ".po").parent)
        write_bytes(path_of(code, ".po"), po_bytes(catalog))
        if not is_compiled(code, catalog):
            write_bytes(path_of(code, ".mo"), mo_bytes(catalog))


def all_faults() -> Iterator[str]:
    """A line for each text that is missing, wrong or not compiled, in any language."""
    found = extracted()
    for code in languages():
        catalog = read(code)
        for message in found:
            if message.id and _CARD not in message.auto_comments:
                yield from (f"{code}: {fault}" for fault in faults_of(message, catalog))
        for message in catalog:
            gone = message.id and found.get(message.id, message.context) is None
            if gone and _CARD not in message.auto_comments:
                yield f"{code}: no longer in the app: {message.id!r}"
        if not is_compiled(code, catalog):
            yield f"{code}: {DOMAIN}.mo is out of date: python -m scripts.translations"


def is_compiled(code: str, catalog: Catalog) -> bool:
    """Whether the .mo file has the texts of the catalogue; its header names Babel's version."""
    path = path_of(code, ".mo")
    return path.exists() and texts_in(path.read_bytes()) == texts_in(mo_bytes(catalog))


def texts_in(compiled: bytes) -> dict[tuple[str | None, ...], list[str]]:
    """The translations in the content of a .mo file, by context and English text."""
    catalog = read_mo(io.BytesIO(compiled))
    return {(entry.context, *forms(entry.id)): forms(entry.string) for entry in catalog if entry.id}


def faults_of(message: Message, catalog: Catalog) -> Iterator[str]:
    """What is wrong with a text's translation in a catalogue."""
    entry = catalog.get(message.id, message.context)
    texts = forms(entry.string if entry else None)
    if not texts or not all(texts):
        yield f"no translation of {message.id!r}"
    elif entry and entry.fuzzy:
        yield f"a doubtful translation of {message.id!r}"
    wanted = placeholders(forms(message.id)[-1])
    for text in filter(None, texts):
        if placeholders(text) != wanted:
            yield f"other placeholders than {message.id!r}: {text!r}"


def extracted() -> Catalog:
    """The texts that are marked in the app's modules."""
    catalog = Catalog()
    for _file, _line, text, comments, context in sorted(
        extract_from_dir(
            _SOURCES,
            method_map=[("**.py", "python")],
            keywords=_KEYWORDS,
            comment_tags=["L10N:"],
            strip_comment_tags=True,
        ),
        key=lambda found: found[:2],
    ):
        catalog.add(text, auto_comments=comments, context=context)
    card = about.MODEL_CARD.read_text(encoding="utf-8")
    for heading in about.CARD_SECTIONS:
        for _mark, paragraph in about.paragraphs(card, heading):
            catalog.add(paragraph, auto_comments=[_CARD])
    return catalog


def read(code: str) -> Catalog:
    """A language's catalogue, empty where it has no file yet."""
    path = path_of(code, ".po")
    content = path.read_bytes() if path.exists() else b""
    return read_po(io.BytesIO(content), locale=code, domain=DOMAIN)


def po_bytes(catalog: Catalog) -> bytes:
    """A catalogue as its .po file, sorted by the English texts so that changes merge well."""
    buffer = io.BytesIO()
    write_po(buffer, catalog, width=100, no_location=True, omit_header=True, sort_output=True)
    # No dates and no versions, which would only make two branches differ.
    header = (
        f'msgid ""\nmsgstr ""\n"Language: {catalog.locale_identifier}\\n"\n'
        '"MIME-Version: 1.0\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n'
        '"Content-Transfer-Encoding: 8bit\\n"\n'
        f'"Plural-Forms: {catalog.plural_forms}\\n"\n\n'
    )
    return header.encode() + buffer.getvalue().strip() + b"\n"


def mo_bytes(catalog: Catalog) -> bytes:
    """A catalogue as its .mo file; its header is that of the .po file."""
    catalog = read_po(io.BytesIO(po_bytes(catalog)), locale=str(catalog.locale))
    # No time of writing: the same texts give the same file.
    catalog.creation_date = catalog.revision_date = datetime.fromtimestamp(0, timezone.utc)
    buffer = io.BytesIO()
    write_mo(buffer, catalog)
    return buffer.getvalue()


def forms(text: str | Sequence[str] | None) -> list[str]:
    """The forms of a text: one, or one for each plural."""
    return [text] if isinstance(text, str) else list(text or ())


def placeholders(text: str) -> set[str]:
    """The names in braces."""
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def languages() -> list[str]:
    """The codes of the languages that have a catalogue: all but the texts' own."""
    return [code for code in LANGUAGES if code != ENGLISH]


def path_of(code: str, suffix: str) -> Path:
    """A language's catalogue file."""
    return FOLDER / code / "LC_MESSAGES" / f"{DOMAIN}{suffix}"


if __name__ == "__main__":
    sys.exit(main())
