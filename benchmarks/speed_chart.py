"""The measurements of ``benchmarks.speed`` as a chart."""

from __future__ import annotations

from pathlib import Path

from benchmarks.engines import ENGINES, FACE_COUNTS, FRAME_SIZES
from benchmarks.speed_report import Results
from mask_detector.files import make_folder
from mask_detector.wording import number_of


def chart(results: Results, path: Path) -> None:
    """Time of a frame by engine, and how it grows."""
    from mask_detector.training import charts  # loads matplotlib: see measuring

    figure, (bars, faces, pixels) = charts.panels(3, 4.5, 4)
    width = 0.21
    for place, engine in enumerate(ENGINES):
        colour = f"C{place}"
        medians = [results.video[FRAME_SIZES[0], n][0][engine].median for n in FACE_COUNTS]
        where = [index + (place - 1.5) * width for index in range(len(FACE_COUNTS))]
        bars.bar_label(bars.bar(where, medians, width, label=engine, color=colour), fmt="%.0f")
        faces.plot(
            list(results.by_faces),
            [row[0][engine].median for row in results.by_faces.values()],
            "o-",
            color=colour,
        )
        pixels.plot(
            [w * h / 1e6 for w, h in results.by_pixels],
            [row[0][engine].median for row in results.by_pixels.values()],
            "o-",
            color=colour,
        )
    bars.set_xticks(range(len(FACE_COUNTS)), [number_of(n, "face") for n in FACE_COUNTS])
    bars.set(title="A frame of 640×480", ylabel="milliseconds", yscale="log")
    bars.margins(y=0.12)
    figure.legend(*bars.get_legend_handles_labels(), loc="outside lower center", ncols=len(ENGINES))
    faces.set(title="More faces, 640×480", xlabel="faces", yscale="log")
    pixels.set(title="More pixels, 4 faces", xlabel="megapixels", xscale="log", yscale="log")
    make_folder(path.parent)
    charts.save(figure, path)
