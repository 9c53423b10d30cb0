"""The Streamlit app (``app.py``), a thin layer over ``mask_detector``.

pages.py             what all pages have in common: password, navigation, errors
welcome.py           the first page; examples.py knows what visitors can try the app with
photos/              the page for photos (page.py); results.py processes, draws and packs them
video/               the page for videos; workspace.py keeps one session's, job.py processes one in
                     a process of its own, events.py finds who wore no mask when
live/                the page for the live camera; processing.py processes its frames, tracks.py
                     sends them over WebRTC, server_cameras.py reads the server's, streams.py draws
                     the picture, scripts.py runs in the browser; door.py is the page as one large
                     message at an entrance
about.py             the page about the model
settings.py          the visitor's settings: the sidebar
widgets.py           what several pages show: counts, tables of faces, charts
translations.py      the texts in the visitor's language; locales/ has the catalogues, which
                     python -m scripts.translations brings up to date
command.py           the command of an installed package, and where the app's files are
components.py        parts of pages that are drawn by files of their own
downloads.py         links to files to take along
models.py            detectors, loaded once and shared by all sessions
config.py            the administrator's settings: limits, password, cameras, STUN and TURN
login.py             the password; upload_guard.py refuses files before it was entered
base_address.py      tells the browser where the server is
"""
