"""The exceptions of the package.

UserFacingError     its text is one sentence for the person at the keyboard
└── WeightsError    a model file is not there and cannot be downloaded
"""

from __future__ import annotations


class UserFacingError(Exception):
    """Something the user can put right; the text says what and how, in one sentence."""


class WeightsError(UserFacingError):
    """A model file is not there and cannot be downloaded; the text says which to put where."""
