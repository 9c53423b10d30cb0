"""The Streamlit app (``app.py``), a thin layer over ``mask_detector``.

pages.py             what all pages have in common: password, navigation, errors
welcome.py           the first page; examples.py knows what visitors can try the app with
photo.py             the page for photos; photo_results.py processes, draws and packs them
video.py             the page for videos; video_workspace.py keeps one session's video,
                     video_job.py processes it in a process of its own, events.py finds who wore
                     no mask when
live.py              the page for the live camera; live_processing.py processes its frames,
                     live_tracks.py sends them over WebRTC, server_cameras.py reads the server's,
                     live_cameras.py draws the picture, live_scripts.py runs in the browser
door.py              the live page as one large message at an entrance
about.py             the page about the model
settings.py          the visitor's settings: the sidebar
widgets.py           what several pages show: counts, tables of faces, charts
command.py           the command of an installed package, and where the app's files are
models.py            detectors, loaded once and shared by all sessions
config.py            the administrator's settings: limits, password, cameras, STUN and TURN
login.py             the password; upload_guard.py refuses files before it was entered
"""
