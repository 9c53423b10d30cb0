"""What several pages show: counts, tables of faces, charts, errors."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from mask_app.translations import gettext, number, number_marks
from mask_app.wording import display_name, error_text
from mask_detector.drawing import colour_of
from mask_detector.faces import Face

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

# Colour is never the only difference: each class has a mark and, in charts, a dash pattern.
_MARKS = {"with_mask": "✓", "without_mask": "✗", "incorrect_mask": "!", "unsure": "?"}
_OTHER_MARK = "•"
DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [3, 5])
"""Lengths of strokes and gaps of the curves in charts, by the place of their class."""

_TILES_CSS = """
<style>
dl.tiles {display: grid; grid-template-columns: repeat(auto-fit, minmax(5.6rem, 1fr)); gap: .6rem;
          margin: 0; padding: 0}
.tile {display: flex; flex-direction: column; justify-content: space-between;
       border: 1px solid color-mix(in srgb, currentColor 18%, transparent);
       border-left: .45rem solid var(--tile); border-radius: .5rem; padding: .45rem .6rem}
.tile dt {font-size: .9rem; font-weight: 400; opacity: .85; margin: 0}
.tile dd {font-size: 1.9rem; font-weight: 600; line-height: 1.2; margin: 0;
          font-variant-numeric: tabular-nums}
</style>
"""


def escaped(text: str) -> str:
    """Text that Streamlit shows as it is, not as Markdown: file names may contain anything."""
    return re.sub(r"([\\`*_{}\[\]()<>#+\-!|~$:&^=])", r"\\\1", " ".join(text.split()))


def show_error(text: str, file: str = "") -> None:
    """Show an error's text, which starts in lower case and has no full stop.

    Args:
        text: the error's text.
        file: the name of the file that it is about.
    """
    st.error(sentence(text, file), icon=":material/error:")


def show_warning(text: str, file: str) -> None:
    """Show why a file's result is not complete; see :func:`show_error`."""
    st.warning(sentence(text, file), icon=":material/warning:")


def sentence(text: str, file: str = "") -> str:
    """An error's text as a whole sentence, or as one about a file, in Markdown."""
    # L10N: only the full stop is the language's own
    sentence = gettext("{sentence}.", sentence=error_text(text))
    if file:
        return f"**{escaped(file)}**: {escaped(sentence)}"
    return escaped(f"{sentence[:1].upper()}{sentence[1:]}")


def mark(label: str) -> str:
    """One character for a class."""
    return _MARKS.get(label, _OTHER_MARK)


def css_colour(label: str, classes: Sequence[str]) -> str:
    """The colour of a class for the browser, such as ``#00aa00``."""
    blue, green, red = colour_of(label, classes)
    return f"#{red:02x}{green:02x}{blue:02x}"


def with_unsure(counts: Mapping[str, int]) -> dict[str, int]:
    """The counts with "unsure" also where it is 0, so that tiles keep their places."""
    return {**counts, "unsure": counts.get("unsure", 0)}


def count_tiles(counts: Mapping[str, int] | None, classes: Sequence[str]) -> None:
    """A tile for each class: mark, name and number; a dash where nothing is known yet."""
    shown = dict.fromkeys([*classes, "unsure"], "-")
    if counts is not None:
        shown = {name: str(n) for name, n in with_unsure(counts).items()}
    tiles = "".join(
        f'<div class="tile" style="--tile: {css_colour(name, classes)}">'
        f'<dt><span aria-hidden="true">{mark(name)}</span> {html.escape(display_name(name))}</dt>'
        f'<dd data-count="{html.escape(name)}">{n}</dd></div>'
        for name, n in shown.items()
    )
    name = html.escape(gettext("People counted"))
    st.html(f'{_TILES_CSS}<dl class="tiles" aria-label="{name}">{tiles}</dl>')


def label_with_mark(face: Face) -> str:
    """A face's label with its mark: "✓ Mask", "? Unsure"."""
    label = face.counted_as
    return f"{mark(label)} {display_name(label)}"


def chosen_row(key: str) -> int | None:
    """Index of the row that is chosen in the table of that key, None where none is."""
    state = st.session_state.get(key)
    rows = state["selection"]["rows"] if state else []
    return rows[0] if rows else None


def clock(seconds: float) -> str:
    """A place in a video: "1:02:03" or "2:03"."""
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def face_table(faces: Sequence[Face], classes: Sequence[str], key: str) -> None:
    """A row for each face: number, label, probability of each class, height.

    Args:
        faces: at least one.
        classes: the model's class names, in order.
        key: of the table in the session's state; see :func:`chosen_row`.
    """
    import pandas as pd  # slow to import: the first page does not wait for it

    rows = [
        {
            gettext("Face"): f"#{place}",
            gettext("Label"): label_with_mark(face),
            **{display_name(name): round(p, 3) for name, p in face.probabilities.items()},
            gettext("Height"): face.box[3] - face.box[1],
        }
        for place, face in enumerate(faces, start=1)
    ]
    columns = {
        display_name(name): st.column_config.ProgressColumn(
            format="percent",
            min_value=0,
            max_value=1,
            color=css_colour(name, classes),
            help=gettext("Probability of this class."),
        )
        for name in faces[0].probabilities
    }
    columns[gettext("Height")] = st.column_config.NumberColumn(
        format="%d px",
        help=gettext("Height of the face in the photo. Below 20 pixels labels are unreliable."),
    )
    st.dataframe(
        pd.DataFrame(rows),
        column_config=columns,
        hide_index=True,
        key=key,
        on_select="rerun",
        selection_mode="single-row",
        alt=gettext("The faces; choosing a row marks the face in the picture"),
    )


def counts_chart(counts: pd.DataFrame, classes: Sequence[str], x_title: str, x_format: str) -> None:
    """Lines of counts over time, one per class, in its colour and dash pattern.

    Args:
        counts: a row per time, indexed by seconds or dates, and a column per class.
        classes: the model's class names, in order.
        x_title: title of the time axis.
        x_format: D3 format of its labels.
    """
    import altair as alt
    import pandas as pd

    names = [*classes, "unsure"]
    counts = counts.reindex(columns=names, fill_value=0)
    long = counts.rename(columns=display_name).rename_axis("time").reset_index()
    long = long.melt("time", var_name="who", value_name="people")
    words = [display_name(name) for name in names]
    legend = alt.Legend(title=None, orient="top", symbolStrokeWidth=3, symbolSize=300)
    kind = "T" if pd.api.types.is_datetime64_any_dtype(counts.index) else "Q"
    chart = (
        alt.Chart(long)
        .mark_line(interpolate="step-after", strokeWidth=2.5)
        .encode(
            alt.X(f"time:{kind}", title=x_title, axis=alt.Axis(format=x_format, tickCount=6)),
            alt.Y("people:Q", title=gettext("People"), axis=alt.Axis(format="d", tickMinStep=1)),
            alt.Color(
                "who:N",
                legend=legend,
                scale=alt.Scale(domain=words, range=[css_colour(name, classes) for name in names]),
            ),
            alt.StrokeDash(
                "who:N",
                legend=legend,
                scale=alt.Scale(
                    domain=words, range=[DASHES[i % len(DASHES)] for i in range(len(words))]
                ),
            ),
        )
        .properties(height=220)
    )
    most = counts.max()
    text = ", ".join(f"{display_name(name)}: {number(most[name])}" for name in names)
    alt_text = gettext("People counted over time, at most at once: {counts}", counts=text)
    show_chart(chart, alt_text)


def show_chart(chart: alt.Chart | alt.LayerChart, alt_text: str) -> None:
    """Draw a chart with numbers as the visitor's language writes them.

    Args:
        alt_text: the chart in words.
    """
    import altair as alt

    thousands, decimal, percent = number_marks()
    number_format = alt.NumberLocale(
        thousands=thousands, decimal=decimal, percent=percent, grouping=[3], currency=["", ""]
    )
    chart = chart.configure(locale=alt.Locale(number=number_format))
    st.altair_chart(chart, width="stretch", alt=alt_text)
