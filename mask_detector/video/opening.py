"""Which kind of source a name is: a camera, a folder, an animation, a video or a stream."""

from __future__ import annotations

from pathlib import Path

from mask_detector.errors import SourceError
from mask_detector.images import is_photo
from mask_detector.video.addresses import is_address, local_path
from mask_detector.video.captures import (
    Animation,
    Camera,
    Capture,
    Folder,
    NotAPictureError,
    SourceOptions,
)
from mask_detector.video.decoding import Video


def open_capture(source: str, options: SourceOptions) -> Capture:
    """Open a camera by its number, a file or folder by its name, a stream by its address.

    Raises:
        SourceError: it cannot be opened.
    """
    path = Path(local_path(source))
    if source.isdecimal():
        return Camera(int(source))
    if is_address(source):
        return Video(source, options)
    if path.is_dir():
        return Folder(path, options)
    if not (is_photo(path) and path.is_file()):
        return Video(source, options)
    try:
        return Animation(path)
    except NotAPictureError as error:
        try:
            return Video(source, options)  # its name may be wrong
        except SourceError:
            raise error from None
