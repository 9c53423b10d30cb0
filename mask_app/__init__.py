"""The pages of the Streamlit app (``app.py``), each a thin layer over ``mask_detector``.

config.py   what whoever runs the app decides: limits, password, cameras, STUN and TURN
settings.py   what a visitor decides: the sidebar
models.py     detectors, loaded once and shared by all sessions
widgets.py      what several pages show: counts, tables of faces, charts
photo.py  video.py  live.py  about.py    one page each
live_view.py  the live page's frames: find, follow, draw, count; knows nothing of Streamlit
video_job.py  one uploaded video in a process of its own
"""
