"""The exceptions of the package: each text is one sentence for the user.

    UserFacingError
    ├── WeightsError      a face detector's model file cannot be downloaded (face_detector)
    ├── FileError         a file or folder for results cannot be written
    ├── PhotoError        a photo cannot be read or written
    ├── ModelFileError    a mask_detector.model is missing, damaged or of an unknown kind
    ├── DatasetError      training or evaluation photos cannot be used
    └── SourceError       a camera, video file or stream cannot be opened or went away

Library code raises them; :func:`mask_detector.command_line.run` turns them into a line on
standard error.
"""

from __future__ import annotations

from face_detector.errors import UserFacingError, WeightsError


class FileError(UserFacingError):
    """A file or folder for results cannot be written."""


class PhotoError(UserFacingError):
    """A photo cannot be read or written."""


class ModelFileError(UserFacingError):
    """A ``mask_detector.model`` is missing, damaged or of an unknown kind."""


class DatasetError(UserFacingError):
    """Training or evaluation photos cannot be used."""


class SourceError(UserFacingError):
    """A camera, video file or stream cannot be opened or went away."""


def missing_package(error: ImportError) -> UserFacingError:
    """What to say when a package of one of the requirements files is not installed."""
    name = (error.name or "a package").split(".")[0]
    return UserFacingError(
        f"this needs {name}, which is not installed: pip install -r requirements.txt, or "
        'pip install "face-mask-detection[train]"'
    )


__all__ = [
    "DatasetError",
    "FileError",
    "ModelFileError",
    "PhotoError",
    "SourceError",
    "UserFacingError",
    "WeightsError",
    "missing_package",
]
