#!/usr/bin/env python3
"""See who wears a mask, in the browser: photos, videos and the live camera.

    make app                            install what is missing and start it
    streamlit run app.py                where everything is installed
    streamlit run app.py --server.port 8502

The page opens at http://localhost:8501, on this computer only; docs/deploy.md says how to let
others use it, docs/app.md what is on the pages.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

import mask_app
from mask_app.base_address import BaseAddress
from mask_app.downloads import ROUTE
from mask_app.retention import keep_days
from mask_app.upload_guard import UploadGuard

app = st.App(
    Path(mask_app.__file__).with_name("pages.py"),
    routes=[ROUTE],
    lifespan=keep_days,
    middleware=[Middleware(UploadGuard), Middleware(BaseAddress)],
)
