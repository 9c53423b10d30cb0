"""Files that are made when somebody asks for them, and handed to the browser at once.

``st.download_button`` with a function keeps its file only until two scripts of any session have run
(Streamlit 1.67): a live page, which runs a fragment twice a second, takes it away before a slow
browser has fetched it.
"""

from __future__ import annotations

import base64
from functools import lru_cache
from typing import Any

import streamlit as st


@lru_cache(maxsize=1)
def _component() -> Any:
    return st.components.v2.component(
        "mask_download",
        js="""
export default function ({ data, parentElement }) {
  if (parentElement.handed) return;
  parentElement.handed = true;
  const bytes = Uint8Array.from(atob(data.content), (char) => char.charCodeAt(0));
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([bytes], { type: data.type }));
  link.download = data.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
""",
    )


def hand_over(content: bytes, name: str, mime: str) -> None:
    """Let the browser save a file; called in the run of the script in which it was asked for.

    Args:
        content: of the file, up to some megabytes.
        name: of the file.
        mime: its type, such as ``application/pdf``.
    """
    data = {"content": base64.b64encode(content).decode(), "name": name, "type": mime}
    _component()(data=data, key=f"download_{name}")
