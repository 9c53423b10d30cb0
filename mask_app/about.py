"""The page about the model: how good it is, what it cannot do, how to train one's own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from mask_app import models
from mask_app.settings import Settings
from mask_detector.model_file import ModelCard
from mask_detector.wording import display_name

_MODEL_CARD = Path(__file__).resolve().parent.parent / "docs" / "model-card.md"
_BAR_COLOUR = "#1a9a70"  # told from white and from black
_SYSTEM_NAMES = {
    "yunet": "Modern face finder",
    "ssd": "Classic face finder",
    "classic": "Classic recipe",
}


def page(settings: Settings) -> None:
    """Draw the page."""
    st.header("About", anchor=False)
    st.markdown(
        "This app looks for faces in a picture, cuts each one out, and tells how likely it is "
        "that it wears a mask. It knows nobody and remembers nobody: photos and videos stay on "
        "the computer that runs this page, and are gone soon after you close it."
    )
    card = models.model().card
    _show_figures(card)
    _show_training(card)
    text = _MODEL_CARD.read_text(encoding="utf-8") if _MODEL_CARD.exists() else ""
    for title, heading in (("What it is for", "Intended use"), ("Limits", "Known failures")):
        words = section(text, heading)
        if words:
            st.subheader(title, anchor=False)
            st.markdown(words)
    st.subheader("Train one on your own photos", anchor=False)
    st.markdown("Sort photos into folders named after what they show, then run")
    st.code(
        "python train_mask_detector.py --dataset my_photos --model my.model\n"
        "MASK_APP_MODEL=my.model streamlit run app.py",
        language="bash",
    )


def section(text: str, heading: str) -> str:
    """What stands below a second-level heading of a Markdown text, pictures left out."""
    _, found, rest = text.partition(f"\n## {heading}\n")
    body = re.split(r"^## |^<!--", rest, maxsplit=1, flags=re.MULTILINE)[0] if found else ""
    return re.sub(r"^!\[.*\n?", "", body, flags=re.MULTILINE).strip()


def _show_figures(card: ModelCard) -> None:
    st.subheader("How good it is", anchor=False)
    scores = card.scores
    measured = scores.get("end_to_end")
    if "balanced_accuracy" in scores:
        left, right = st.columns(2)
        left.metric(
            "Answers that are right",
            f"{scores['balanced_accuracy']:.1%}",
            border=True,
            help="Of faces that training never saw, every kind counted alike.",
        )
        right.metric("Faces it was tested on", f"{scores['test_faces']:,}", border=True)
    sizes = scores.get("balanced_accuracy_by_face_size", {})
    if len(sizes) > 1:
        rows = [
            {"Face size": name, "Answers right": s["balanced_accuracy"], "Faces": s["faces"]}
            for name, s in sizes.items()
        ]
        st.altair_chart(
            alt.Chart(pd.DataFrame(rows), title="By size of the face")
            .mark_bar(color=_BAR_COLOUR)
            .encode(
                alt.X("Answers right:Q", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])),
                alt.Y("Face size:N", sort=None, title=None),
                tooltip=["Face size", alt.Tooltip("Answers right:Q", format=".1%"), "Faces"],
            ),
            width="stretch",
            alt="; ".join(f"{r['Face size']}: {r['Answers right']:.1%} right" for r in rows),
        )
    if measured:
        _show_end_to_end(measured)


def _show_end_to_end(measured: dict[str, Any]) -> None:
    """Faces that were found at all, by size: what decides in crowds."""
    rows = [
        {
            "System": _SYSTEM_NAMES[name],
            "Face size": size,
            "Faces found": values["face_recall"]["value"],
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
    base = alt.Chart(pd.DataFrame(rows)).encode(alt.Y("Face size:N", sort=None, title=None), places)
    share = alt.Axis(format="%")
    bars = base.mark_bar().encode(
        alt.X("Faces found:Q", axis=share, scale=alt.Scale(domain=[0, 1])),
        alt.Color("System:N", sort=None, legend=alt.Legend(title=None, orient="top")),
        tooltip=["System", "Face size", alt.Tooltip("Faces found:Q", format=".1%")],
    )
    ranges = base.mark_rule(color="grey").encode(alt.X("low:Q"), alt.X2("high:Q"))
    st.altair_chart(
        (bars + ranges).properties(
            title=f"Faces found on {measured['photos']} photos of crowds, with 95% intervals"
        ),
        width="stretch",
        alt="; ".join(f"{r['System']}, {r['Face size']}: {r['Faces found']:.0%}" for r in rows),
    )


def _show_training(card: ModelCard) -> None:
    faces = card.training.get("faces")
    if not faces:
        return
    st.subheader("What it has learned from", anchor=False)
    names = {"train": "To learn from", "validation": "To choose by", "test": "To test with"}
    table = pd.DataFrame(faces).T.reindex(columns=card.classes)
    table = table.rename(index=names, columns=display_name)
    st.table(table, alt="Number of faces of each kind")
