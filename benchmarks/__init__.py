"""Measurements of accuracy and speed, against the classic recipe."""
