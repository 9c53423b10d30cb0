"""The page for photos: drop some, see who wears a mask, download the results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from mask_app import config, downloads, examples, models, widgets
from mask_app.config import Limits
from mask_app.photos import results as photo_results
from mask_app.photos.results import PhotoResult
from mask_app.report import panel
from mask_app.report.photos import photos_report
from mask_app.settings import DETECTOR_NAMES, Settings
from mask_app.translations import gettext
from mask_app.uploads import forget
from mask_app.wording import counts_in_words
from mask_detector.errors import PhotoError, UserFacingError
from mask_detector.faces import count_faces
from mask_detector.images import photo_pages
from mask_detector.wording import number_of

_PHOTOS_PER_PAGE = 8
_EXAMPLE = next(iter(examples.PHOTOS))


@dataclass
class _Photos:
    """A session's photos, until they are removed.

    Attributes:
        files: name and content of each photo, and its page in the file, by a number that stays
            the same.
        results: by that number, and the face detector and model that made them.
        shown: the results as the page shows them.
        refused: why files were not accepted, each with the file's name.
        uploads: uploads so far; each one empties the drop zone.
    """

    files: dict[int, tuple[str, bytes, int]] = field(default_factory=dict)
    results: dict[tuple[int, str, bool], PhotoResult] = field(default_factory=dict)
    shown: list[PhotoResult] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    uploads: int = 0

    def take(self, uploads: Sequence[UploadedFile], limits: Limits) -> None:
        """Take new files in, or say why not."""
        self.refused = []
        for upload in uploads:
            try:
                if upload.size > limits.photo_megabytes * 2**20:
                    raise PhotoError(
                        f"the file has {upload.size / 2**20:.1f} MB, "
                        f"at most {limits.photo_megabytes} are accepted"
                    )
                self.add(upload.name, upload.getvalue(), limits.photos)
            except PhotoError as error:
                name = photo_results.safe_name(upload.name)
                self.refused.append((str(error), name))
        self.uploads += 1

    def add(self, name: str, data: bytes, most: int) -> None:
        """Take a photo in, or all pages of a TIFF.

        Raises:
            PhotoError: it has too many pages, or there would be more than ``most`` photos.
        """
        pages = photo_pages(data)
        if len(self.files) + len(pages) > most:
            raise PhotoError(
                f"at most {number_of(most, 'photo')} or pages can be shown at once; "
                "remove some first"
            )
        path = Path(photo_results.safe_name(name))
        for page, frame in enumerate(pages, start=1):
            page_name = str(path.with_stem(f"{path.stem}_page_{page}")) if page > 1 else str(path)
            self.files[max(self.files, default=0) + 1] = (page_name, data, frame)

    def remove(self, number: int) -> None:
        """Forget a photo."""
        self.files.pop(number, None)
        for key in [key for key in self.results if key[0] == number]:
            del self.results[key]

    def clear(self) -> None:
        """Forget all photos and messages."""
        self.files.clear()
        self.results.clear()
        self.shown.clear()
        self.refused.clear()


def page(settings: Settings) -> None:
    """Draw the page."""
    st.title(gettext("Photos"), anchor=False)
    limits = config.limits()
    photos: _Photos = st.session_state.setdefault("photos", _Photos())
    uploads = st.file_uploader(
        gettext(
            "Drop photos here or choose them: up to {most}, of at most {size} MB each",
            most=limits.photos,
            size=limits.photo_megabytes,
        ),
        accept_multiple_files=True,
        key=f"photo_upload_{photos.uploads}",
        help=gettext(
            "JPEG, PNG, HEIC, AVIF, WebP, BMP, TIFF or PPM. They are processed on the computer "
            "that runs this page, kept only in its memory, and gone when you close the page."
        ),
    )
    if uploads:
        photos.take(uploads, limits)
        forget(uploads)
        st.rerun()
    if example := examples.chosen():
        photos.add(example.name, example.read_bytes(), limits.photos)
    results = _processed(photos, settings, limits.photo_megapixels)
    photos.shown = list(results.values())
    _show_refused(photos, results)
    if not photos.files:
        if st.button(gettext("Use the example photo")):
            photos.add(_EXAMPLE.name, _EXAMPLE.read_bytes(), limits.photos)
            st.rerun()
        return
    readable = {number: photo for number, photo in results.items() if photo.error is None}
    if readable:
        _show_results(photos, results, readable, settings)
    else:
        _offer_removal(photos)


def warm_up() -> None:
    """Load the models and use them once, so that the first visitor need not wait for them."""
    with suppress(UserFacingError):  # the page shows it
        detector = models.load_photo_detector(next(iter(DETECTOR_NAMES)))
        photo_results.process(_EXAMPLE.name, _EXAMPLE.read_bytes(), detector.detect, 1)


def _processed(photos: _Photos, settings: Settings, megapixels: int) -> dict[int, PhotoResult]:
    """The photos' results, by their numbers; those of earlier runs are kept."""
    keys = {number: (number, settings.detector, settings.worn_wrongly) for number in photos.files}
    new = [number for number, key in keys.items() if key not in photos.results]
    if new:
        mask_detector = models.photo_detector(settings)
        bar = st.progress(0.0)
        for done, number in enumerate(new):
            text = gettext("Processing photo {number} of {all}…", number=done + 1, all=len(new))
            bar.progress(done / len(new), text)
            name, data, frame = photos.files[number]
            photos.results[keys[number]] = photo_results.process(
                name, data, mask_detector.detect, megapixels, frame
            )
        bar.empty()
    results = [photos.results[key] for key in keys.values()]
    return dict(zip(photos.files, photo_results.with_unique_names(results), strict=True))


def _show_refused(photos: _Photos, results: dict[int, PhotoResult]) -> None:
    """Say above everything else which files have no result, and why."""
    unreadable = [
        widgets.sentence(photo.error, photo.name)
        for photo in results.values()
        if photo.error is not None
    ]
    refused = [widgets.sentence(*why) for why in photos.refused]
    if messages := [*refused, *unreadable]:
        st.error("  \n".join(messages), icon=":material/error:")


def _show_results(
    photos: _Photos,
    results: dict[int, PhotoResult],
    readable: dict[int, PhotoResult],
    settings: Settings,
) -> None:
    classes = models.model(settings.worn_wrongly).card.classes
    faces = [face for photo in readable.values() for face in photo.chosen_faces(settings)]
    widgets.count_tiles(count_faces(faces, classes), classes)
    _show_downloads(photos, list(results.values()), settings, classes)
    shown = list(readable.items())
    if len(shown) > _PHOTOS_PER_PAGE:
        pages = range(1, -(-len(shown) // _PHOTOS_PER_PAGE) + 1)
        number = st.segmented_control(
            gettext("Page"), pages, default=1, required=True, key="photos_page"
        )
        shown = shown[(number - 1) * _PHOTOS_PER_PAGE : number * _PHOTOS_PER_PAGE]
    for number, photo in shown:
        remove = partial(photos.remove, number)
        show(photo, settings, classes, key=str(number), remove=remove)


def show(
    photo: PhotoResult,
    settings: Settings,
    classes: Sequence[str],
    key: str,
    remove: Callable[[], None] | None = None,
) -> None:
    """Draw a readable photo's result.

    Args:
        photo: without an error.
        settings: the visitor's.
        classes: the model's class names, in order.
        key: distinguishes its widgets from those of other photos.
        remove: what the button "Remove" does; None leaves the button out.
    """
    with st.container(border=True):
        faces = photo.chosen_faces(settings)
        words = counts_in_words(count_faces(faces, classes), gettext("no faces"))
        row = st.container(
            horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
        )
        row.markdown(f"**{widgets.escaped(photo.name)}**: {words}", width="content")
        if remove is not None:
            icon = ":material/close:"
            row.button(
                gettext("Remove"),
                key=f"remove_{key}",
                icon=icon,
                type="tertiary",
                on_click=remove,
            )
        marked = widgets.chosen_row(f"faces_{key}")
        st.image(photo.drawn_small(settings, marked), alt=f"{photo.name}: {words}")
        if settings.blur != "none":
            st.caption(gettext("The original is not shown while faces are blurred."))
        elif st.toggle(gettext("Show the original"), key=f"original_{key}"):
            alt = gettext("{name} as it was uploaded", name=photo.name)
            st.image(photo.small, alt=alt)
        if faces:
            widgets.face_table(faces, classes, f"faces_{key}")
        else:
            st.info(
                gettext(
                    "No face was detected. A face must be at least about 10 pixels high "
                    "and not turned away."
                ),
                icon=":material/search_off:",
            )


def _show_downloads(
    photos: _Photos, results: Sequence[PhotoResult], settings: Settings, classes: Sequence[str]
) -> None:
    with st.container(horizontal=True):
        downloads.link(
            gettext("Pictures (zip)"),
            lambda: photo_results.as_zip(photos.shown, settings),
            "masks.zip",
            "application/zip",
            "photo_library",
            key="photos_zip",
        )
        downloads.link(
            gettext("Table (CSV)"),
            lambda: photo_results.as_csv(photos.shown, settings, classes),
            "masks.csv",
            "text/csv",
            "table",
            key="photos_csv",
        )
        downloads.link(
            gettext("Data (JSON)"),
            lambda: photo_results.as_json_lines(photos.shown, settings, classes),
            "masks.jsonl",
            "application/jsonl",
            "data_object",
            key="photos_json",
        )
        _offer_removal(photos)
    panel.offer_report(
        lambda context: photos_report(results, settings, context),
        "masks",
        "photos",
        settings.worn_wrongly,
    )


def _offer_removal(photos: _Photos) -> None:
    st.button(gettext("Remove all"), icon=":material/delete:", on_click=photos.clear)
