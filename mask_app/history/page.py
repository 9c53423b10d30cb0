"""The page for the person who runs the app: how many people were seen, by days and hours."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd
import streamlit as st

from mask_app import downloads, widgets
from mask_app.history.cameras import DOOR, OWN_CAMERA
from mask_app.history.sessions import store as kept_store
from mask_app.history.store import MINUTE_S, HistoryStore, minute_now
from mask_app.translations import gettext, gettext_noop, ngettext, number, percent
from mask_app.wording import display_name

_HOUR_MINUTES, _DAY_MINUTES = 60, 24 * 60
# Every time zone is a multiple of it away from UTC.
_SLOT_MINUTES = 15
_PERIODS = {
    1: gettext_noop("24 hours"),
    7: gettext_noop("7 days"),
    30: gettext_noop("30 days"),
    0: gettext_noop("All"),
}
_LABELS = ("with_mask", "without_mask", "incorrect_mask", "unsure")
_CAMERAS = {
    OWN_CAMERA: gettext_noop("Live camera"),
    DOOR: gettext_noop("Door"),
}


def page() -> None:
    """Draw the page."""
    st.title(gettext("History"), anchor=False)
    store = kept_store()
    if store is None:
        return
    st.markdown(
        gettext(
            "How many people the live camera and the door saw. Each is counted once, in the minute "
            "in which they left; who comes back counts again. Pictures are not part of it."
        )
    )
    days = st.segmented_control(
        gettext("Period"),
        list(_PERIODS),
        format_func=lambda days: gettext(_PERIODS[days]),
        default=7,
        required=True,
        key="history_days",
    )
    since = minute_now() - days * _DAY_MINUTES if days else 0
    watched = _table(store.watched(since, _SLOT_MINUTES), ["slot", "camera", "minutes"])
    if watched.empty:
        st.info(gettext("Nothing was recorded in this time."), icon=":material/history:")
    else:
        _show(store, since, watched)
    _offer_deletion(store)


def _show(store: HistoryStore, since: int, watched: pd.DataFrame) -> None:
    people = _table(store.rows(since, _SLOT_MINUTES), ["slot", "camera", "label", "number"])
    cameras = sorted(watched["camera"].unique())
    if len(cameras) > 1:
        chosen = st.multiselect(
            gettext("Cameras"),
            cameras,
            format_func=_camera_name,
            key="history_cameras",
            placeholder=gettext("All cameras"),
        )
        if chosen:
            watched = watched[watched["camera"].isin(chosen)]
            people = people[people["camera"].isin(chosen)]
    found = set(people["label"])
    labels = [each for each in _LABELS if each in found or each in _LABELS[:2]]
    labels += sorted(found - set(labels))
    _show_sums(people, watched, labels)
    by_day = _sums(people, people["time"].dt.date, labels)
    _chart(gettext("By day"), by_day, labels, gettext("Day"))
    hours = people["time"].dt.hour
    _chart(
        gettext("By hour of the day"),
        _sums(people, hours, labels).reindex(range(24), fill_value=0),
        labels,
        gettext("Hour"),
    )
    _show_table(by_day, labels)
    timezone = st.context.timezone or "UTC"
    downloads.link(
        gettext("Minutes (CSV)"),
        lambda: as_csv(store, since, timezone),
        "history.csv",
        "text/csv",
        "table",
        key="history",
    )


def _show_sums(people: pd.DataFrame, watched: pd.DataFrame, labels: Sequence[str]) -> None:
    sums = people.groupby("label")["number"].sum()
    counts = {label: int(sums.get(label, 0)) for label in labels}
    widgets.count_tiles(counts, labels)
    minutes = int(watched["minutes"].sum())
    if minutes < 2 * _HOUR_MINUTES:
        time = ngettext("{count} minute", "{count} minutes", minutes)
    else:
        time = ngettext("{count} hour", "{count} hours", round(minutes / _HOUR_MINUTES))
    certain = sum(n for label, n in counts.items() if label != "unsure")
    if certain:
        st.caption(
            gettext(
                "{share} of {people} people with a clear result wore a mask. Recorded: {time}.",
                share=percent(counts["with_mask"] / certain),
                people=number(certain),
                time=time,
            )
        )
    else:
        st.caption(gettext("Recorded: {time}.", time=time))


def _table(rows: Sequence[tuple[object, ...]], columns: list[str]) -> pd.DataFrame:
    """Rows with a column "time" more: the beginning of their slot in the visitor's time zone."""
    table = pd.DataFrame(rows, columns=columns)
    times = pd.to_datetime(table["slot"].astype("int64") * MINUTE_S, unit="s", utc=True)
    table["time"] = times.dt.tz_convert(st.context.timezone or "UTC")
    return table


def _sums(people: pd.DataFrame, by: pd.Series, labels: Sequence[str]) -> pd.DataFrame:
    """People, one row for each value of ``by`` and a column for each label."""
    table = pd.crosstab(by.rename("by"), people["label"], people["number"], aggfunc="sum")
    return table.reindex(columns=labels).fillna(0).astype(int)


def _chart(title: str, sums: pd.DataFrame, labels: Sequence[str], x_title: str) -> None:
    st.header(title, anchor=False)
    words = [f"{widgets.mark(label)} {display_name(label)}" for label in labels]
    long = sums.set_axis(words, axis=1).rename_axis("by").reset_index()
    long = long.melt("by", var_name="label", value_name="people")
    long["by"] = long["by"].astype(str)
    colours = [widgets.css_colour(label, labels) for label in labels]
    chart = alt.Chart(long).encode(
        alt.X("by:O", sort=None, title=x_title, axis=alt.Axis(labelAngle=0, labelOverlap=True)),
        alt.Y("people:Q", title=gettext("People"), axis=alt.Axis(format="d", tickMinStep=1)),
        alt.Color(
            "label:N",
            legend=alt.Legend(title=None, orient="top", columns=2),
            scale=alt.Scale(domain=words, range=colours),
        ),
        tooltip=[
            alt.Tooltip("by:O", title=x_title),
            alt.Tooltip("label:N", title=gettext("Label")),
            alt.Tooltip("people:Q", title=gettext("People")),
        ],
    )
    text = "; ".join(f"{by}: {number(row.sum())}" for by, row in sums.iterrows())
    widgets.show_chart(chart.mark_bar().properties(height=260), text)


def _show_table(by_day: pd.DataFrame, labels: Sequence[str]) -> None:
    table = by_day.set_axis([display_name(label) for label in labels], axis=1)
    table = table.rename_axis(gettext("Day")).iloc[::-1]
    st.dataframe(table, alt=gettext("People by day and label"))


def _camera_name(camera: str) -> str:
    return gettext(_CAMERAS[camera]) if camera in _CAMERAS else camera


def as_csv(store: HistoryStore, since: int, timezone: str) -> bytes:
    """A row for each minute and camera in which somebody was seen, a column for each label.

    Args:
        store: the history.
        since: the first minute.
        timezone: of the times, such as "Europe/Berlin".
    """
    rows = pd.DataFrame(store.rows(since), columns=["minute", "camera", "label", "people"])
    times = pd.to_datetime(rows["minute"].astype("int64") * MINUTE_S, unit="s", utc=True)
    rows["minute"] = times.dt.tz_convert(timezone).map(lambda time: time.isoformat("T", "minutes"))
    rows["camera"] = rows["camera"].str.removeprefix(":")
    table = rows.set_index(["minute", "camera", "label"])["people"].unstack()
    labels = [*_LABELS[:2], *sorted(set(table.columns) - set(_LABELS[:2]))]
    return table.reindex(columns=labels).fillna(0).astype(int).to_csv().encode()


def _offer_deletion(store: HistoryStore) -> None:
    with st.popover(gettext("Delete the history"), icon=":material/delete:"):
        st.markdown(gettext("All numbers of all days and cameras are deleted for good."))
        if st.button(gettext("Delete everything"), type="primary", key="history_delete"):
            store.delete()
            st.rerun()
