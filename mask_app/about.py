"""The page about the model: how accurate it is, its limits, how to train another one."""

from __future__ import annotations

import re
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from mask_app import models
from mask_app.command import HOME
from mask_detector.models.model_file import ModelCard
from mask_detector.wording import display_name

_MODEL_CARD = HOME / "docs" / "model-card.md"
_BAR_COLOUR = "#1a9a70"  # readable on white and on black
_PERCENT, _ALL = alt.Axis(format="%", tickCount=5), alt.Scale(domain=[0, 1])
_SYSTEM_NAMES = {
    "yunet": "YuNet face detector",
    "ssd": "SSD face detector",
    "classic": "Classic recipe",
}


def page() -> None:
    """Draw the page."""
    st.title("About", anchor=False)
    st.markdown(
        "This app detects the faces in a picture, crops each one, and estimates how likely it is "
        "that it wears a mask. It identifies nobody: photos and videos stay on the computer that "
        "runs this page, and are deleted soon after you close it."
    )
    card = models.model().card
    _show_figures(card)
    _show_training(card)
    text = _MODEL_CARD.read_text(encoding="utf-8") if _MODEL_CARD.exists() else ""
    for title, heading in (("Intended use", "Intended use"), ("Limits", "Known failures")):
        words = section(text, heading)
        if words:
            st.header(title, anchor=False)
            st.markdown(words)
    st.header("Train a model on your own photos", anchor=False)
    st.markdown("Sort photos into one folder per class, then run")
    st.code(
        "python train_mask_detector.py --dataset my_photos --model my.model\n"
        "MASK_APP_MODEL=my.model streamlit run app.py",
        language="bash",
    )


def section(text: str, heading: str) -> str:
    """The text below a second-level heading of a Markdown text, without pictures."""
    _, found, rest = text.partition(f"\n## {heading}\n")
    body = re.split(r"^## |^<!--", rest, maxsplit=1, flags=re.MULTILINE)[0] if found else ""
    return re.sub(r"^!\[.*\n?", "", body, flags=re.MULTILINE).strip()


def _show_figures(card: ModelCard) -> None:
    st.header("Accuracy", anchor=False)
    scores = card.scores
    if "balanced_accuracy" in scores:
        left, right = st.columns(2)
        left.metric(
            "Balanced accuracy",
            f"{scores['balanced_accuracy']:.1%}",
            border=True,
            help="Correct labels on faces that were not used in training, "
            "averaged over the classes.",
        )
        right.metric("Test faces", f"{scores['test_faces']:,}", border=True)
    sizes = scores.get("balanced_accuracy_by_face_size", {})
    if len(sizes) > 1:
        rows = [
            {"Face size": name, "Correct": s["balanced_accuracy"], "Faces": s["faces"]}
            for name, s in sizes.items()
        ]
        st.altair_chart(
            alt.Chart(pd.DataFrame(rows), title="Correct labels by face size")
            .mark_bar(color=_BAR_COLOUR)
            .encode(
                alt.X("Correct:Q", title="Correct labels", axis=_PERCENT, scale=_ALL),
                alt.Y("Face size:N", sort=None, title="Height of the face"),
                tooltip=["Face size", alt.Tooltip("Correct:Q", format=".1%"), "Faces"],
            ),
            width="stretch",
            alt="; ".join(f"{r['Face size']}: {r['Correct']:.1%} correct" for r in rows),
        )
    if "end_to_end" in scores:
        _show_end_to_end(scores["end_to_end"])


def _show_end_to_end(measured: dict[str, Any]) -> None:
    """Share of the faces that are detected, by size: most important in crowds."""
    rows = [
        {
            "System": _SYSTEM_NAMES[name],
            "Face size": size,
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
    sizes = alt.Y("Face size:N", sort=None, title="Height of the face")
    base = alt.Chart(pd.DataFrame(rows)).encode(sizes, places)
    bars = base.mark_bar().encode(
        alt.X("Detected:Q", title="Faces detected", axis=_PERCENT, scale=_ALL),
        alt.Color("System:N", sort=None, legend=alt.Legend(title=None, orient="top")),
        tooltip=["System", "Face size", alt.Tooltip("Detected:Q", format=".1%")],
    )
    ranges = base.mark_rule(color="grey").encode(alt.X("low:Q"), alt.X2("high:Q"))
    st.altair_chart(
        (bars + ranges).properties(
            title=f"Faces detected in {measured['photos']} photos of crowds, with 95% intervals"
        ),
        width="stretch",
        alt="; ".join(f"{r['System']}, {r['Face size']}: {r['Detected']:.0%}" for r in rows),
    )


def _show_training(card: ModelCard) -> None:
    faces = card.training.get("faces")
    if not faces:
        return
    st.header("Training data", anchor=False)
    names = {"train": "Training", "validation": "Validation", "test": "Test"}
    table = pd.DataFrame(faces).T.reindex(columns=card.classes)
    table = table.rename(index=names, columns=display_name)
    st.table(table, alt="Number of faces of each class")
