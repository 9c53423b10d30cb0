"""The files for systemd, Kubernetes and Grafana name what there is."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import yaml

import detect_mask_video
from mask_detector.video.metrics import Metrics
from mask_detector.video.sources import Frame
from mask_detector.video.view import View


def test_the_dashboard_shows_figures_that_there_are(repository):
    pytest.importorskip("prometheus_client", reason="needs prometheus-client")
    from prometheus_client import generate_latest
    from prometheus_client.registry import CollectorRegistry

    with Metrics(("127.0.0.1", 0)) as metrics:
        counts = {"with_mask": 1}
        frame = Frame(np.zeros((4, 4, 3), np.uint8), 0, 0.0)
        metrics.take(View(0, "door", True, frame, [], [], counts, counts))
        served = CollectorRegistry()
        for each in (metrics, metrics._frames, metrics._faces, metrics._people, metrics._delay,
                     metrics._last):  # fmt: skip
            served.register(each)
        text = generate_latest(served).decode()
    dashboard = json.loads((repository / "deploy/grafana-dashboard.json").read_text())
    used = set(re.findall(r"face_mask_\w+", json.dumps(dashboard["panels"])))
    assert len(used) == 9
    for name in used:
        assert re.search(rf"^{name}\b", text, re.MULTILINE), name


def test_the_services_options_are_understood(repository):
    pod = yaml.safe_load((repository / "deploy/kubernetes-camera.yaml").read_text())["spec"]
    [container] = pod["template"]["spec"]["containers"]
    arguments = detect_mask_video.parse_arguments(container["args"])
    assert arguments.metrics == ("0.0.0.0", container["ports"][0]["containerPort"])

    unit = (repository / "deploy/face-mask@.service").read_text()
    words = re.search(r"^ExecStart=\S+ detect_mask_video.py (.*)$", unit, re.MULTILINE)[1]
    options = re.search(r"OPTIONS=(.*)$", unit, re.MULTILINE)[1]
    words = words.replace("${SOURCE}", "rtsp://camera").replace("$OPTIONS", options)
    assert detect_mask_video.parse_arguments(words.split()).source == ["rtsp://camera"]
