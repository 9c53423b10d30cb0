"""Example photos, and the scripts that make them from free ones."""
