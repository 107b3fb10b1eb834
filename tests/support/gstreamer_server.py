"""GStreamer's RTSP server, run by the system's Python: cameras that are not ours. Prints its port and paths."""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

SOURCE = "videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=240,framerate=30/1 ! "
H264 = "x264enc key-int-max=15 speed-preset=ultrafast "
PATHS = {
    "/h264": ("x264enc", SOURCE + H264 + "tune=zerolatency ! rtph264pay name=pay0 pt=96 config-interval=-1"),
    "/bframes": (
        "x264enc",
        SOURCE + "x264enc key-int-max=15 bframes=2 b-adapt=false rc-lookahead=5 speed-preset=veryfast "
        "! video/x-h264,profile=high ! rtph264pay name=pay0 pt=96",
    ),
    "/h265": (
        "x265enc",
        SOURCE + "x265enc key-int-max=15 tune=zerolatency speed-preset=ultrafast ! rtph265pay name=pay0 pt=96",
    ),
    "/sound": (
        "alawenc",
        SOURCE + H264 + "tune=zerolatency ! rtph264pay name=pay0 pt=96 "
        "audiotestsrc is-live=true ! audio/x-raw,rate=8000,channels=1 ! alawenc ! rtppcmapay name=pay1 pt=8",
    ),
}

Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service("0")
served = []
for path, (plugin, launch) in PATHS.items():
    if Gst.ElementFactory.find(plugin) and Gst.ElementFactory.find("x264enc"):
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(f"( {launch} )")
        factory.set_shared(True)
        server.get_mount_points().add_factory(path, factory)
        served.append(path)
if server.attach(None) == 0:
    sys.exit("cannot listen")
print(server.get_bound_port(), *served, flush=True)
GLib.MainLoop().run()
