"""The app's door, kept open: does memory grow, in the browser or on the server?

``python -m benchmarks.app_live --door MINUTES`` runs it.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from benchmarks.browser import App

_WARM_UP_S = 120  # caches fill, the connection finds its bit rate
_SAMPLES = 120
_LEAST_PAUSE_S = 5.0
_PATIENCE_MS = 300_000


def measure_door(app: App, browser: Any, seconds: float) -> dict[str, Any]:
    """Memory, threads and page elements while the door is open.

    Args:
        app: runs for nothing else.
        browser: its camera plays a video.
        seconds: time to measure, after two minutes that do not count.

    Returns:
        Of each quantity the median of the first and of the last quarter of the time, and the
        growth in an hour (a line fitted to all samples); how often the page began again, and the
        states that the door was in, each with its share of the samples.
    """
    page = browser.new_page()
    page.set_default_timeout(_PATIENCE_MS)
    begun: list[str] = []
    page.on("load", lambda: begun.append(page.url))
    page.goto(f"{app.url}/live?door=1&sound=tone")
    page.locator(".door:not([data-state=blind])").wait_for()
    page.wait_for_timeout(1000 * _WARM_UP_S)
    browser_side = page.context.new_cdp_session(page)
    browser_side.send("Performance.enable")
    begun.clear()
    samples: list[dict[str, float]] = []
    states: list[str] = []
    pause = max(_LEAST_PAUSE_S, seconds / _SAMPLES)
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        page.wait_for_timeout(1000 * pause)
        browser_side.send("HeapProfiler.collectGarbage")
        metrics = browser_side.send("Performance.getMetrics")["metrics"]
        of_browser = {each["name"]: each["value"] for each in metrics}
        samples.append(
            {
                "time_s": time.monotonic() - start,
                "browser_heap_mib": of_browser["JSHeapUsedSize"] / 2**20,
                "browser_nodes": of_browser["Nodes"],
                "browser_listeners": of_browser["JSEventListeners"],
                "server_memory_mib": app.memory_mib(),
                "server_threads": app.threads(),
            }
        )
        states.append(page.locator(".door").first.get_attribute("data-state") or "")
    page.close()
    return {
        "minutes": round(seconds / 60, 1),
        "samples": len(samples),
        "begun_again": len(begun),
        "states": {each: round(states.count(each) / len(states), 2) for each in sorted({*states})},
        **{name: trend(samples, name) for name in samples[0] if name != "time_s"},
    }


def trend(samples: list[dict[str, float]], name: str) -> dict[str, float]:
    """Medians of the first and the last quarter, and the growth in an hour by least squares."""
    values = np.array([sample[name] for sample in samples])
    hours = np.array([sample["time_s"] for sample in samples]) / 3600
    quarter = max(1, len(values) // 4)
    slope = np.polyfit(hours, values, 1)[0] if len(values) > 1 else 0.0
    return {
        "first": round(float(np.median(values[:quarter])), 1),
        "last": round(float(np.median(values[-quarter:])), 1),
        "growth_per_hour": round(float(slope), 2),
    }
