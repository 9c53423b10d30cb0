"""Detectors: loaded once for all sessions, with each session's settings."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

import face_detector
from mask_app import config
from mask_app.translations import gettext
from mask_detector.classifier import Classifier
from mask_detector.detector import HIDING_SCORE, MaskDetector
from mask_detector.models.model_file import ModelFile, read_model

if TYPE_CHECKING:
    from mask_app.settings import Settings  # which imports this module

LEAST_CONFIDENCE = HIDING_SCORE
"""The lowest face score that a visitor can choose; what is below a choice is still hidden."""


class SharedDetector:
    """A face detector that sessions take turns with: OpenCV's networks allow one thread at a time.

    Args:
        name: one of ``face_detector.DETECTORS``.
        thorough: take the time that a photo is worth, instead of one fast pass for video.
    """

    def __init__(self, name: str, thorough: bool) -> None:
        self._detector = face_detector.load(name, confidence=LEAST_CONFIDENCE, thorough=thorough)
        self._turn = threading.Lock()

    def find(self, image: np.ndarray) -> face_detector.Detections:
        """All faces with a score of at least ``LEAST_CONFIDENCE``, best first."""
        with self._turn:
            return self._detector.find(image)

    def find_with_candidates(
        self, image: np.ndarray, lowest_score: float
    ) -> tuple[face_detector.Detections, face_detector.Detections]:
        """The same, and candidates whose scores are lower."""
        with self._turn:
            return self._detector.find_with_candidates(image, lowest_score)


class ConfidentDetector:
    """The faces of a shared detector that have at least a visitor's ``confidence``."""

    def __init__(self, shared: SharedDetector, confidence: float) -> None:
        self._shared = shared
        self._confidence = confidence

    def find(self, image: np.ndarray) -> face_detector.Detections:
        """The confident ones, best first."""
        return self._shared.find(image).split(self._confidence)[0]

    def find_with_candidates(
        self, image: np.ndarray, lowest_score: float
    ) -> tuple[face_detector.Detections, face_detector.Detections]:
        """The confident ones, and the others that have at least the lowest score."""
        confident, others = self._shared.find(image).split(self._confidence)
        return confident, others.split(lowest_score)[0]


@st.cache_resource(show_spinner=False)
def model(worn_wrongly: bool = False) -> ModelFile:
    """The administrator's model file; its network is not loaded yet.

    Args:
        worn_wrongly: see :func:`config.model_path`.
    """
    return read_model(config.model_path(worn_wrongly))


@st.cache_resource(show_spinner=False)
def classifier(thorough: bool, worn_wrongly: bool) -> Classifier:
    """A model's mask classifier; ``thorough`` classifies each face twice, also mirrored."""
    return Classifier(model(worn_wrongly), mirrored=thorough)


@st.cache_resource(show_spinner=False)
def shared_detector(name: str, thorough: bool) -> SharedDetector:
    """A face detector: ``thorough`` for photos, fast for video."""
    return SharedDetector(name, thorough)


def default_unsure(worn_wrongly: bool = False) -> float:
    """Half width of the unsure band that a model itself proposes."""
    return model(worn_wrongly).card.unsure


def photo_detector(settings: Settings) -> MaskDetector:
    """Takes its time and finds faces down to ``LEAST_CONFIDENCE``."""
    with _spinner(f"photo models {settings.detector} {settings.worn_wrongly}"):
        return load_photo_detector(settings.detector, settings.worn_wrongly)


def load_photo_detector(detector: str, worn_wrongly: bool = False) -> MaskDetector:
    """The same by a detector's name; may be called outside a session."""
    shared = shared_detector(detector, thorough=True)
    classify = classifier(thorough=True, worn_wrongly=worn_wrongly)
    return MaskDetector(shared, classify, default_unsure(worn_wrongly))


def live_detector(settings: Settings) -> MaskDetector:
    """Fast, and set as one visitor wants it; costs nothing to make."""
    with _spinner(f"live models {settings.detector} {settings.worn_wrongly}"):
        shared = shared_detector(settings.detector, thorough=False)
        detector = ConfidentDetector(shared, settings.confidence)
        classify = classifier(thorough=False, worn_wrongly=settings.worn_wrongly)
        # Even if nobody is hidden in the live picture: small pictures and reports hide everybody.
        return MaskDetector(detector, classify, settings.unsure, hiding=True)


def hiding_detector(name: str) -> face_detector.FaceDetector:
    """Finds what is hidden where everybody is, in a frame of a video; by a detector's name."""
    return shared_detector(name, thorough=False)


def _spinner(name: str) -> AbstractContextManager[object]:
    """Says that something is loading, the first time in a session; later it is there."""
    if st.session_state.get(name):
        return nullcontext()
    st.session_state[name] = True
    # The spinner of st.cache_resource has one text for visitors of all languages.
    return st.spinner(gettext("Loading the models…"))
