"""Detectors: loaded once for all sessions, tuned for each."""

from __future__ import annotations

import threading

import numpy as np
import streamlit as st

import face_detector
from mask_app import config
from mask_detector.classifier import Classifier
from mask_detector.detector import MaskDetector
from mask_detector.model_file import ModelFile, read_model

LEAST_CONFIDENCE = 0.2
"""The lowest face score that a visitor can ask for."""


class SharedFinder:
    """A face detector that sessions take turns with: OpenCV's networks bear one thread at a time.

    It finds every face down to ``LEAST_CONFIDENCE``; each session keeps what it wants.
    """

    def __init__(self, name: str, thorough: bool) -> None:
        self._finder = face_detector.load(name, confidence=LEAST_CONFIDENCE, thorough=thorough)
        self._turn = threading.Lock()

    def find(self, image: np.ndarray) -> face_detector.Detections:
        """All faces, best first."""
        with self._turn:
            return self._finder.find(image)


class ClearFinder:
    """Of the faces of another finder, those with a score of at least ``confidence``."""

    def __init__(self, finder: face_detector.FaceDetector, confidence: float) -> None:
        self._finder = finder
        self._confidence = confidence

    def find(self, image: np.ndarray) -> face_detector.Detections:
        """The clear faces, best first."""
        found = self._finder.find(image)
        return found[found.scores >= self._confidence]


@st.cache_resource(show_spinner=False)
def model() -> ModelFile:
    """The operator's model file, its network not yet made ready."""
    return read_model(config.model_path())


@st.cache_resource(show_spinner="Loading the mask detector…")
def classifier(thorough: bool) -> Classifier:
    """The model's mask classifier: ``thorough`` looks at each face twice."""
    return Classifier(model(), mirrored=thorough)


@st.cache_resource(show_spinner="Loading the face finder…")
def finder(name: str, thorough: bool) -> SharedFinder:
    """A face detector: ``thorough`` for photos, quick for video."""
    return SharedFinder(name, thorough)


def default_unsure() -> float:
    """Half width of the unsure band that the model itself proposes."""
    return model().card.unsure


def photo_detector(name: str) -> MaskDetector:
    """Looks thoroughly and finds faces down to ``LEAST_CONFIDENCE``."""
    return MaskDetector(finder(name, thorough=True), classifier(thorough=True), default_unsure())


def live_detector(name: str, confidence: float, unsure: float) -> MaskDetector:
    """Quick, and tuned as one visitor wants it; costs nothing to make."""
    clear = ClearFinder(finder(name, thorough=False), confidence)
    return MaskDetector(clear, classifier(thorough=False), unsure)
