"""Video: sources of frames, people over time, and what is shown, recorded and sent about them."""
