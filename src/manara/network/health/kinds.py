"""The words of health: kinds of conditions and of causes, and which conditions keep a camera from its job.

The lists are the contract of `docs/design/interfaces-health.md`; a test compares. Data only, no behaviour.
"""

STREAM_CONDITIONS = (
    "video_lost",
    "video_refused",
    "bitrate_abnormal",
    "frame_rate_low",
    "gop_changed",
    "clock_drift",
    "stream_restarts",
    "packet_loss",
)
IMAGE_CONDITIONS = (
    "image_black",
    "image_white",
    "image_frozen",
    "image_covered",
    "image_blurred",
    "image_dirty",
    "image_moved",
    "image_colour_lost",
    "image_vibrating",
    "image_loop",
)
SITE_CONDITIONS = (
    "grid_lost",
    "battery_low",
    "battery_empty",
    "battery_missing",
    "solar_failed",
    "cabinet_door_open",
    "cabinet_hot",
    "fan_failed",
    "telemetry_silent",
    "site_unreachable",
)
NETWORK_CONDITIONS = ("switch_unreachable", "port_down", "link_down", "optical_low", "link_loss")
PROGRAM_CONDITIONS = (
    "disk_full",
    "disk_slow",
    "disk_failed",
    "recorder_silent",
    "role_restarted",
    "handler_stuck",
    "device_unreadable",
)
CONDITIONS = STREAM_CONDITIONS + IMAGE_CONDITIONS + SITE_CONDITIONS + NETWORK_CONDITIONS + PROGRAM_CONDITIONS

CAUSES = (
    "site_power_lost",
    "grid_lost",
    "battery_low",
    "battery_stolen",
    "battery_failed",
    "solar_failed",
    "link_cut",
    "link_degraded",
    "ring_open",
    "switch_dead",
    "site_isolated",
    "camera_dead",
    "camera_credential",
    "camera_stream_poor",
    "camera_black",
    "camera_white",
    "camera_frozen",
    "camera_covered",
    "camera_blurred",
    "camera_dirty",
    "camera_moved",
    "camera_colour_lost",
    "camera_vibrating",
    "camera_loop",
    "sector_weather",
    "cabinet_open",
    "cabinet_hot",
    "telemetry_failed",
    "recorder_disk_full",
    "recorder_disk_failed",
    "recorder_disk_slow",
    "recorder_down",
    "role_restarting",
    "handler_stuck",
)

# With one of these a camera's recording is of no use to anybody (availability counts the time). A weak colour, a
# vibration or a poor stream is a fault, but there is a picture to look at.
NOT_DOING_ITS_JOB = frozenset(
    {
        "video_lost",
        "video_refused",
        "image_black",
        "image_white",
        "image_frozen",
        "image_covered",
        "image_blurred",
        "image_dirty",
        "image_moved",
        "image_loop",
    }
)

# What dust, fog or rain in the air can look like to a camera.
WEATHER_LIKE = frozenset({"image_blurred", "image_dirty", "image_white", "image_covered", "image_colour_lost"})
# What is one cause where many pictures of a sector show it at once: feeds that stand still, street lights that are out,
# wind. Covered or turned cameras stay causes of their own: that is what hands do.
ALIKE = frozenset({"image_frozen", "image_black", "image_vibrating"})
POOR_STREAM = frozenset(
    {"bitrate_abnormal", "frame_rate_low", "gop_changed", "clock_drift", "stream_restarts", "packet_loss"}
)
# One fault of the lens often shows as several; the first of these that is sure enough names it.
IMAGE_ORDER = (
    "image_loop",
    "image_frozen",
    "image_covered",
    "image_black",
    "image_white",
    "image_moved",
    "image_dirty",
    "image_blurred",
    "image_colour_lost",
    "image_vibrating",
)


def cause_of_image(condition: str) -> str:
    """`image_black` → `camera_black`."""
    return "camera_" + condition.removeprefix("image_")


def subject(noun: str, row_id: str) -> str:
    """`<noun>:<id>`."""
    return f"{noun}:{row_id}"


def parts(text: str) -> tuple[str, str]:
    """`camera:abc` → `("camera", "abc")`."""
    noun, _, row_id = text.partition(":")
    return noun, row_id
