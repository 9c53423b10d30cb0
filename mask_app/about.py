"""The page about the model: how accurate it is, its limits, how to train another one."""

from __future__ import annotations

import re
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from mask_app import models, widgets
from mask_app.command import HOME
from mask_app.translations import gettext, gettext_noop, number, percent
from mask_app.wording import display_name
from mask_detector.models.model_file import ModelCard

MODEL_CARD = HOME / "docs" / "model-card.md"
CARD_SECTIONS = {
    "Intended use": gettext_noop("Intended use"),
    "Known failures": gettext_noop("Limits"),
}
"""The sections of the model card that the page shows, and their titles there."""

_BAR_HEIGHT = 26  # pixels, with the gap to the next one
_BAR_COLOUR = "#1a9a70"  # readable on white and on black
_PERCENT, _ALL = alt.Axis(format="%", tickCount=5), alt.Scale(domain=[0, 1])
_SYSTEM_NAMES = {
    "yunet": gettext_noop("YuNet face detector"),
    "ssd": gettext_noop("SSD face detector"),
    "classic": gettext_noop("Classic recipe"),
}


def page() -> None:
    """Draw the page."""
    st.title(gettext("About"), anchor=False)
    st.markdown(
        gettext(
            "This app detects the faces in a picture, crops each one, and estimates how likely it "
            "is that it wears a mask. It identifies nobody: photos and videos stay on the computer "
            "that runs this page, and are deleted soon after you close it."
        )
    )
    card = models.model().card
    _show_figures(card)
    _show_training(card)
    text = MODEL_CARD.read_text(encoding="utf-8") if MODEL_CARD.exists() else ""
    for heading, title in CARD_SECTIONS.items():
        if words := paragraphs(text, heading):
            st.header(gettext(title), anchor=False)
            st.markdown("\n\n".join(mark + gettext(paragraph) for mark, paragraph in words))
    st.header(gettext("Train a model on your own photos"), anchor=False)
    st.markdown(gettext("Sort photos into one folder per class, then run"))
    st.code(
        "python train_mask_detector.py --dataset my_photos --model my.model\n"
        "MASK_APP_MODEL=my.model streamlit run app.py",
        language=None,
    )


def section(text: str, heading: str) -> str:
    """The text below a second-level heading of a Markdown text, without pictures and their titles.

    Drawn pictures have a line in italics that explains them.
    """
    _, found, rest = text.partition(f"\n## {heading}\n")
    body = re.split(r"^## |^<!--", rest, maxsplit=1, flags=re.MULTILINE)[0] if found else ""
    return re.sub(r"^!\[.*\n?|^\*[^*\n]+\*$", "", body, flags=re.MULTILINE).strip()


def paragraphs(text: str, heading: str) -> list[tuple[str, str]]:
    """The paragraphs and list items of a section: the mark that it starts with, and one line."""
    parts = re.split(r"\n\s*\n|\n(?=- )", section(text, heading))
    lines = [" ".join(part.split()) for part in parts if part.strip()]
    return [("- ", line[2:]) if line.startswith("- ") else ("", line) for line in lines]


def _show_figures(card: ModelCard) -> None:
    st.header(gettext("Accuracy"), anchor=False)
    scores = card.scores
    if "balanced_accuracy" in scores:
        left, right = st.columns(2)
        left.metric(
            gettext("Balanced accuracy"),
            percent(scores["balanced_accuracy"], 1),
            border=True,
            help=gettext(
                "Correct labels on faces that were not used in training, averaged over the classes."
            ),
        )
        if "test_faces" in scores:
            right.metric(gettext("Test faces"), number(scores["test_faces"]), border=True)
    sizes = scores.get("balanced_accuracy_by_face_size", {})
    if len(sizes) > 1:
        rows = [
            {"Face size": _size(name), "Correct": s["balanced_accuracy"], "Faces": s["faces"]}
            for name, s in sizes.items()
        ]
        title = gettext("Correct labels by face size")
        st.markdown(f"**{title}**")
        widgets.show_chart(
            alt.Chart(pd.DataFrame(rows))
            .mark_bar(color=_BAR_COLOUR)
            .properties(height=alt.Step(_BAR_HEIGHT))
            .encode(
                alt.X("Correct:Q", title=gettext("Correct labels"), axis=_PERCENT, scale=_ALL),
                alt.Y("Face size:N", sort=None, title=gettext("Height of the face")),
                tooltip=[
                    alt.Tooltip("Face size:N", title=gettext("Height of the face")),
                    alt.Tooltip("Correct:Q", title=gettext("Correct labels"), format=".1%"),
                    alt.Tooltip("Faces:Q", title=gettext("Faces")),
                ],
            ),
            "; ".join(f"{r['Face size']}: {percent(r['Correct'], 1)}" for r in rows),
        )
    if "end_to_end" in scores:
        _show_end_to_end(scores["end_to_end"])


def _show_end_to_end(measured: dict[str, Any]) -> None:
    """Share of the faces that are detected, by size: most important in crowds."""
    rows = [
        {
            "System": gettext(_SYSTEM_NAMES[name]),
            "Face size": _size(size),
            "Detected": values["face_recall"]["value"],
            "low": values["face_recall"]["low"],
            "high": values["face_recall"]["high"],
        }
        for name, system in measured["systems"].items()
        if name in _SYSTEM_NAMES
        for size, values in system["sizes"].items()
        if values["face_recall"]["value"] is not None
    ]
    if not rows:
        return
    places = alt.YOffset("System:N", sort=None)
    sizes = alt.Y("Face size:N", sort=None, title=gettext("Height of the face"))
    base = alt.Chart(pd.DataFrame(rows)).encode(sizes, places)
    bars = base.mark_bar().encode(
        alt.X("Detected:Q", title=gettext("Faces detected"), axis=_PERCENT, scale=_ALL),
        alt.Color("System:N", sort=None, legend=alt.Legend(title=None, orient="top", columns=1)),
        tooltip=[
            alt.Tooltip("System:N", title=gettext("Face detector")),
            alt.Tooltip("Face size:N", title=gettext("Height of the face")),
            alt.Tooltip("Detected:Q", title=gettext("Faces detected"), format=".1%"),
        ],
    )
    ranges = base.mark_rule(color="grey").encode(alt.X("low:Q"), alt.X2("high:Q"))
    text = gettext_noop("Faces detected in {number} photos of crowds, with 95% intervals")
    st.markdown(f"**{gettext(text, number=measured['photos'])}**")
    widgets.show_chart(
        bars + ranges,
        "; ".join(f"{r['System']}, {r['Face size']}: {percent(r['Detected'])}" for r in rows),
    )


def _size(name: str) -> str:
    """A range of heights as the model card names it, in the visitor's language."""
    low, _, high = name.removesuffix(" px").removesuffix(" px and more").partition(" to ")
    if name == "all":
        return gettext("all")
    if name.startswith("under "):
        return gettext("under {high} px", high=low.removeprefix("under "))
    return (
        gettext("{low} to {high} px", low=low, high=high)
        if high
        else gettext("{low} px and more", low=low)
    )


def _show_training(card: ModelCard) -> None:
    faces = card.training.get("faces")
    if not faces:
        return
    st.header(gettext("Training data"), anchor=False)
    names = {
        "train": gettext("Training"),
        "validation": gettext("Validation"),
        "test": gettext("Test"),
    }
    table = pd.DataFrame(faces).T.reindex(columns=card.classes)
    table = table.rename(index=names, columns=display_name)
    st.table(table, alt=gettext("Number of faces of each class"))
