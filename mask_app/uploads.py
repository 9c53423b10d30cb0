"""Uploaded files leave the server's memory as soon as the app has what it needs of them.

Streamlit (1.67) keeps each of them until the session ends, even if its widget is gone: only the
buttons of its widgets delete files.
"""

from __future__ import annotations

from collections.abc import Iterable

from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile


def forget(uploads: Iterable[UploadedFile]) -> None:
    """Delete files of this session; N = 0 deletes nothing."""
    context = get_script_run_ctx()
    if context is None or not isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        return
    for upload in uploads:
        context.uploaded_file_mgr.remove_file(context.session_id, upload.file_id)
