"""Training of the face detectors: what ``python -m face_detector.train`` is made of.

Nothing here is needed to find faces.
"""
