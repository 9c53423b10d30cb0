"""The figures of an accuracy measurement as tables and as JSON."""

from __future__ import annotations

import math
from typing import Any

from benchmarks.accuracy_slices import FEW_FACES
from benchmarks.intervals import Measure


def print_report(report: dict[str, Any]) -> None:
    """Print the tables: a value, then its 95 % interval over photos."""
    faces = ", ".join(f"{count} {label}" for label, count in sorted(report["faces"].items()))
    settings = report["settings"]
    print(f"{report['photos']} photos, {faces}; 95 % intervals over photos in brackets")
    for name, system in report["systems"].items():
        print(f"\n{name} + {system['classifier']}, end to end, faces scored", end=" ")
        print(f"{settings['confidence']:g} and more, IoU {settings['iou']:g}")
        print_table({size: flattened(figures) for size, figures in system["sizes"].items()})
        outcomes = system["outcomes"]
        print_counts(outcomes["rows"], outcomes["columns"], outcomes["counts"])
    for name, sizes in report["classifiers"].items():
        print(f"\n{name}, labels of the annotated boxes")
        print_table({size: flattened(figures) for size, figures in sizes.items()})
        print("\nwith an unsure band of this half width, on the same boxes")
        print_table({b: flattened(each) for b, each in report["unsure_bands"][name].items()}, 6)

    for kind in ("differences", "ratios"):
        if report[kind]:
            print(f"\n{kind} on the same photos, end to end, all sizes")
            print_table({name: flattened(each) for name, each in report[kind].items()})
    for group, part in report["slices"].items():
        for kind, figures in (*part["systems"].items(), *part["classifiers"].items()):
            print_slices(f"{kind} by {group}", figures)


def print_slices(title: str, figures: dict[str, Any]) -> None:
    """Print the figures of one group's slices, and the largest gaps between them."""
    columns = {name: flattened(each) for name, each in figures["slices"].items()}
    rows = dict.fromkeys(row for each in columns.values() for row in each)
    for column, kind in (("largest gap", "all"), (f"gap, {FEW_FACES}+ faces", "enough")):
        gaps = {name.replace("_", " "): each[kind] for name, each in figures["gaps"].items()}
        columns[column] = {
            row: as_text(gap) + ("*" if gap["few"] else " ") if (gap := gaps.get(row)) else ""
            for row in rows
        }
    print(f"\n{title} (* one of the two has fewer than {FEW_FACES} faces)")
    print_table({name: {row: each.get(row, "-") for row in rows} for name, each in columns.items()})


def flattened(figures: dict[str, Any]) -> dict[str, str]:
    """Texts for the rows of a table: measures by class become a row each."""
    rows = {}
    for name, figure in figures.items():
        words = name.replace("_", " ")
        if name == "confusion":
            continue
        if isinstance(figure, int):
            rows[words] = str(figure)
        elif isinstance(figure, float):
            rows[words] = "-" if math.isnan(figure) else f"{figure:.3f}"
        elif "value" in figure:
            rows[words] = as_text(figure)
        else:
            rows |= {f"{words}, {label}": as_text(each) for label, each in figure.items()}
    return rows


def as_text(measure: Measure) -> str:
    """``0.912 [0.880 0.940]``, or a dash where there is nothing to measure."""
    if math.isnan(measure["value"]):
        return "-"
    return f"{measure['value']:.3f} [{measure['low']:.3f} {measure['high']:.3f}]"


def print_table(columns: dict[str, dict[str, str]], width: int = 19) -> None:
    """Print columns of texts under their names."""
    names = list(next(iter(columns.values())))
    first = max(map(len, names))
    widths = [max(width, len(column)) for column in columns]
    head = (f"{column:>{wide}}" for column, wide in zip(columns, widths, strict=True))
    print(" " * first, *head, sep="  ")
    for name in names:
        cells = zip(columns.values(), widths, strict=True)
        row = (f"{column[name]:>{wide}}" for column, wide in cells)
        print(f"{name:<{first}}", *row, sep="  ")


def print_counts(rows: list[str], columns: list[str], counts: list[list[int]]) -> None:
    """Print what the annotated faces (rows) were found as (columns)."""
    first = max(map(len, rows))
    print(f"{'annotated':<{first}}", *(f"{column:>15}" for column in columns), sep="  ")
    for name, row in zip(rows, counts, strict=True):
        print(f"{name:<{first}}", *(f"{count:>15}" for count in row), sep="  ")


def without_nan(value: Any) -> Any:
    """JSON knows no NaN: None stands for what cannot be measured."""
    if isinstance(value, dict):
        return {name: without_nan(each) for name, each in value.items()}
    if isinstance(value, list):
        return [without_nan(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value
