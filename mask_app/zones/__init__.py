"""Zones drawn on a picture of the camera or a video: who is outside them does not count.

A zone is :class:`mask_detector.video.zones.Zone`, the video script's own, in fractions of the
picture. ``drawer`` draws with the mouse, ``kept`` holds a session's zones, ``editor`` is what the
pages show, ``stills`` takes a picture to draw on.
"""
