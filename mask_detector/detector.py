"""Find faces, cut them out, classify them: the library in one class.

>>> detector = MaskDetector.load()
>>> faces = detector.detect("examples/example_01.png")
>>> picture = detector.draw("examples/example_01.png", faces)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

import numpy as np

import face_detector
from mask_detector.classifier import Classifier
from mask_detector.crops import crop_sides, cut_crops
from mask_detector.drawing import draw_faces
from mask_detector.faces import Face, Faces, as_faces, classified
from mask_detector.models.default_model import DEFAULT_MODEL
from mask_detector.models.model_file import read_model
from mask_detector.pictures import Picture, as_bgr, check_bgr, check_kind
from mask_detector.privacy import BLUR_CHOICES, BLUR_STYLES, hide_faces

if TYPE_CHECKING:
    from mask_detector.video.captures import SourceOptions
    from mask_detector.video.view import View

DEFAULT_CONFIDENCE = 0.5
DEFAULT_DETECTOR = "ssd"

HIDING_SCORE = 0.2
"""Lowest detection score of what is hidden, well below that of what is reported: a face that was
missed cannot be hidden afterwards. ``deface`` (ORB-HD/deface) searches with the same threshold."""


class MaskDetector:
    """A face detector and a mask classifier: finds and classifies the faces of pictures.

    Attributes:
        face_detector: ``face_detector.find(image)`` gives the boxes.
        classifier: the mask classifier; ``classifier.classes`` names its classes.
        unsure: half width of the band in which a face is called unsure.
        hiding: also look for candidates, down to a score of ``HIDING_SCORE``, because faces are
            to be hidden. The faces themselves stay the same.
    """

    def __init__(
        self,
        face_detector: face_detector.FaceDetector,
        classifier: Classifier,
        unsure: float,
        hiding: bool = False,
    ) -> None:
        self.face_detector = face_detector
        self.classifier = classifier
        self.unsure = unsure
        self.hiding = hiding

    @classmethod
    def load(
        cls,
        model: str | Path = DEFAULT_MODEL,
        detector: str = DEFAULT_DETECTOR,
        detector_size: int | Literal["auto"] = "auto",
        confidence: float = DEFAULT_CONFIDENCE,
        unsure: float | None = None,
        thorough: bool = True,
        threads: int | None = None,
        hiding: bool = False,
        detector_weights: str | Path | None = None,
    ) -> MaskDetector:
        """Load a model file and a face detector.

        Args:
            model: a ``mask_detector.model``.
            detector: a name from ``face_detector.DETECTORS``.
            detector_size: longer side in pixels of the picture that the face detector sees in its
                single pass; ``"auto"`` lets ``thorough`` decide.
            confidence: ignore faces with a detection score below this.
            unsure: half width of the unsure band; None takes the model's own.
            thorough: with ``"auto"``, take the time that a photo is worth: as many passes as its
                resolution warrants, and each face classified twice, as it is and mirrored. False:
                one fast pass, each face classified once, for video, which shows it many times.
            threads: processor cores for one picture; None leaves it to the engines.
            hiding: also look for candidates, see above.
            detector_weights: a file with other weights of the face detector, or "original" for
                those that its authors published; None chooses the default.

        Raises:
            ModelFileError: the model file cannot be used.
            WeightsError: the face detector's files cannot be downloaded.
            ValueError: ``confidence`` or ``unsure`` is out of its range.
        """
        if not 0 <= confidence <= 1:
            raise ValueError(f"confidence: expected a number from 0 to 1, got {confidence}")
        if unsure is not None and not 0 <= unsure <= 0.5:
            raise ValueError(f"unsure: expected a number from 0 to 0.5, or None, got {unsure}")
        mirrored = thorough and detector_size == "auto"
        classifier = Classifier(read_model(model), threads, mirrored)
        return cls(
            face_detector.load(
                detector, detector_size, confidence, thorough, threads, detector_weights
            ),
            classifier,
            classifier.card.unsure if unsure is None else unsure,
            hiding,
        )

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the model's order."""
        return self.classifier.classes

    @overload  # a str is one path, though it is also a sequence of str
    def detect(self, image: Picture) -> Faces: ...  # type: ignore[overload-overlap]

    @overload
    def detect(self, image: Sequence[Picture]) -> list[Faces]: ...

    def detect(self, image: Picture | Sequence[Picture]) -> Faces | list[Faces]:
        """Find and classify the faces of one picture, or of each of a list.

        Args:
            image: a uint8 BGR array of shape (H, W, 3), as OpenCV reads photos; the path of a
                photo; a PIL image; or a list or tuple of these, which are processed one by one.

        Returns:
            The faces, highest detection score first, boxes in pixels of the picture as displayed;
            an empty list where there are none. For a list of pictures a list of such results, in
            their order; an empty list for no pictures.

        Raises:
            TypeError: it is of another kind, or an array of another dtype.
            ValueError: the array has another shape, or no pixels.
            PhotoError: a photo is missing, damaged or of an unknown kind.
        """
        if not isinstance(image, list | tuple):
            return self.detect_many([as_bgr(image)])[0]
        for index, each in enumerate(image):  # all of them before the first is processed
            check_kind(each, f"image {index}")
        return [
            self.detect_many([as_bgr(each, f"image {index}")])[0]
            for index, each in enumerate(image)
        ]

    def draw(self, image: Picture, faces: Iterable[Face]) -> np.ndarray:
        """A copy of a picture with a box and a caption for each face.

        Args:
            image: as :meth:`detect` takes one; it stays as it is.
            faces: those of this picture; N = 0 draws nothing.

        Returns:
            uint8 BGR, shape (H, W, 3).

        Raises:
            TypeError, ValueError, PhotoError: as :meth:`detect`.
        """
        return draw_faces(as_bgr(image).copy(), as_faces(faces))

    def blur(
        self,
        image: Picture,
        faces: Iterable[Face],
        whose: str = "all",
        style: str = "blur",
    ) -> np.ndarray:
        """A copy of a picture with faces hidden.

        Load the detector with ``hiding=True``: then :meth:`detect` also keeps what may be faces
        (``Faces.candidates``), and these are hidden, too.

        Args:
            image: as :meth:`detect` takes one; it stays as it is.
            faces: what :meth:`detect` found in this picture; N = 0 hides nothing.
            whose: ``"all"``, ``"without_mask"`` (unsure ones included) or ``"none"``.
            style: ``"blur"``, ``"mosaic"`` or ``"solid"``.

        Returns:
            uint8 BGR, shape (H, W, 3).

        Raises:
            TypeError, ValueError, PhotoError: as :meth:`detect`; ValueError also where ``whose``
                or ``style`` is none of these.
        """
        for name, value, choices in (("whose", whose, BLUR_CHOICES), ("style", style, BLUR_STYLES)):
            if value not in choices:
                raise ValueError(f"{name}: expected one of {', '.join(choices)}, got {value!r}")
        return hide_faces(as_bgr(image).copy(), as_faces(faces), whose, style)

    def track(
        self,
        source: int | str | Path,
        options: SourceOptions | None = None,
        max_frames: int | None = None,
    ) -> Iterator[View]:
        """Find, classify and number the faces of a video, frame by frame.

        Load the detector with ``thorough=False``: one fast pass over each frame. Closing the
        iterator, or leaving the loop, closes the source.

        Args:
            source: a camera's number, a video file, a folder of frames, an HTTP or RTSP address.
            options: which frames are read, and how long a stream is waited for.
            max_frames: stop after this many frames; None reads to the end.

        Yields:
            A :class:`~mask_detector.video.view.View` of each frame: ``frame.image`` (uint8 BGR,
            shape (H, W, 3)), ``frame.time_s``, ``faces`` with their ``track`` numbers and labels
            decided over time, ``counts``, and ``people``, distinct people so far.

        Raises:
            SourceError: the source cannot be opened, or went away for good.
            ValueError: ``max_frames`` is less than 1.
        """
        if max_frames is not None and max_frames < 1:
            raise ValueError(f"max_frames: expected at least 1, or None, got {max_frames}")
        from mask_detector.video.watching import track  # it imports this module, and PyAV

        return track(self, source, options, max_frames)

    def detect_many(self, images: Sequence[np.ndarray]) -> list[Faces]:
        """Find and classify the faces of several pictures, all crops in one batch.

        Args:
            images: uint8 BGR, shape (H, W, 3) each; sizes may differ.

        Returns:
            The faces of each picture, in the pictures' order; an empty list for no pictures.

        Raises:
            TypeError, ValueError: as :meth:`detect`.
        """
        for index, image in enumerate(images):
            check_bgr(image, f"image {index}")
        if not self.hiding:
            return list(
                map(Faces, self._classified(images, list(map(self.face_detector.find, images))))
            )
        found = [self.face_detector.find_with_candidates(each, HIDING_SCORE) for each in images]
        # Candidates in a batch of their own: with them, the faces' probabilities might differ in
        # the last digit from those of a run that hides nothing.
        faces = self._classified(images, [detections for detections, _ in found])
        candidates = self._classified(images, [detections for _, detections in found])
        return list(map(Faces, faces, candidates))

    @property
    def least_side(self) -> int | None:
        """The longer side in pixels that a photo needs for :meth:`detect_reduced`; None for all."""
        size = getattr(self.face_detector, "pass_size", None)
        return size and 2 * size

    def detect_reduced(
        self, image: np.ndarray, factor: int, read_whole: Callable[[], np.ndarray]
    ) -> Faces:
        """The faces of a photo that was decoded smaller than it is; no candidates.

        Args:
            image: from :func:`mask_detector.images.decode_reduced` with :attr:`least_side`.
            factor: by which the photo itself is larger; boxes are in its pixels.
            read_whole: decodes all of it; called where the crop of a face is smaller in ``image``
                than half the classifier's input: above that, labels differ no more often from
                those of the whole photo than those of large faces do.
        """
        found, card = self.face_detector.find(image), self.classifier.card
        if factor > 1 and len(found):
            sides = crop_sides(found.boxes, card.margin, card.square)
            if sides.min() < card.input_size / 2:
                image, found, factor = read_whole(), found.moved((factor, factor)), 1
        return Faces(self._classified([image], [found], factor)[0])

    def _classified(
        self,
        images: Sequence[np.ndarray],
        detections: Sequence[face_detector.Detections],
        factor: int = 1,
    ) -> list[list[Face]]:
        """The faces of each picture, classified in one batch; boxes are multiplied by a factor."""
        card = self.classifier.card
        # For each picture (N_i, size, size, 3), joined to (N, size, size, 3); the empty one is for
        # pictures without faces, and for no pictures.
        crops = [np.empty((0, card.input_size, card.input_size, 3), np.uint8)] + [
            cut_crops(image, each.boxes, card.input_size, card.margin, card.square)
            for image, each in zip(images, detections, strict=True)
        ]
        probabilities = self.classifier.probabilities(np.concatenate(crops))  # (N, classes)
        # Back to one array for each picture; the last part is what follows the last picture: none.
        *by_image, _ = np.split(probabilities, np.cumsum([len(each) for each in detections]))
        sizes = [(factor * image.shape[1], factor * image.shape[0]) for image in images]
        return [
            classified(factor * each.boxes, each.scores, rows, self.classes, self.unsure, size)
            for each, rows, size in zip(detections, by_image, sizes, strict=True)
        ]
