"""A real RTSP server that shows a JPEG over and over, for the system's Python with GStreamer.

/usr/bin/python3 rtsp_server.py PORT PICTURE RATE any|udp
"""

from __future__ import annotations

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

port, picture, rate, transport = sys.argv[1:]
Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_service(port)
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(
    f"( multifilesrc location={picture} loop=true caps=image/jpeg,framerate={rate}/1"
    " ! jpegdec ! videoconvert ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=10"
    " ! rtph264pay name=pay0 pt=96 config-interval=1 )"
)
factory.set_shared(True)
if transport == "udp":
    factory.set_protocols(GstRtsp.RTSPLowerTrans.UDP)
server.get_mount_points().add_factory("/door", factory)
server.attach(None)
print("ready", flush=True)
GLib.MainLoop().run()
