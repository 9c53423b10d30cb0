"""Pascal VOC: an XML file for each photo.

Pixels are counted from 1 and the last one is included, as the format's definition says: ``xmin``
1 is the left edge. The photo's size comes from the photo; the one in the file is ignored.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from mask_detector.errors import DatasetError
from mask_detector.training.annotations.gallery import Gallery
from mask_detector.training.annotations.marks import (
    AnnotatedPhoto,
    Entries,
    Mark,
    annotated,
    parse_number,
    shortened,
)
from mask_detector.training.folders import MEGABYTE

_MOST_BYTES = 8 * MEGABYTE


def read_voc(folder: Path, files: Sequence[Path], gallery: Gallery) -> Entries:
    """The photos that the XML files of a folder annotate."""

    def read(path: Path) -> AnnotatedPhoto:
        root = _parse(path)
        written = (root.findtext("filename") or "").strip().replace("\\", "/")
        names = [path.relative_to(folder).with_suffix("").as_posix(), path.stem]
        if written:
            names += [written, written.split("/")[-1]]
        return annotated(gallery.find(*names), lambda _: [_mark(o) for o in root.iter("object")])

    for path in files:
        yield str(path), lambda path=path: read(path)  # type: ignore[misc]


def _parse(path: Path) -> ElementTree.Element:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DatasetError(f"larger than {_MOST_BYTES // MEGABYTE} MB, which is too large")
        data = path.read_bytes()
        # An entity of a few lines can stand for gigabytes of text; annotations need none.
        if b"<!ENTITY" in data.replace(b"\0", b""):
            raise DatasetError("XML with entities of its own is not accepted")
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, OSError, ValueError, LookupError) as error:
        raise DatasetError(f"this is not readable XML ({error})") from None
    if root.tag != "annotation":
        raise DatasetError(f"expected Pascal VOC's <annotation>, found <{root.tag[:60]}>")
    return root


def _mark(item: ElementTree.Element) -> Mark:
    label = (item.findtext("name") or "").strip()
    if item.find("bndbox") is None:
        raise DatasetError(f"the object {shortened(label)} has no <bndbox>")
    corners = [item.findtext(f"bndbox/{name}") for name in ("xmin", "ymin", "xmax", "ymax")]
    x1, y1, x2, y2 = (parse_number(corner) for corner in corners)
    difficult = (item.findtext("difficult") or "0").strip() == "1"
    return Mark(label, (x1 - 1, y1 - 1, x2, y2), difficult)
