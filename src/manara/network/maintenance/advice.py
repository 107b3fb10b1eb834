"""What a technician takes along and minds, by kind of cause: likely parts, tools, safety. Pure data, in two languages.

The keys are words of the screens (`work.json`: `part.*`, `tool.*`, `safety.*`), so that the texts stand in one place;
a test holds the two together. Source: the causes' own list (`network/health/kinds.py`) and the makers' usual field
kits.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Advice:
    """Keys of parts, tools and safety notes, the likeliest first."""

    parts: tuple[str, ...] = ()
    tools: tuple[str, ...] = ("multimeter", "laptop")
    safety: tuple[str, ...] = ("tell_room",)


_POLE = ("height", "traffic", "tell_room")
_POWER = ("isolate", "battery", "tell_room")
_LENS = Advice(("dome", "wiper_set"), ("lens_kit", "ladder", "phone_picture"), _POLE)
_AIM = Advice(("bracket",), ("ladder", "spanners", "phone_picture"), _POLE)
_CAMERA = Advice(("camera", "patch_cable", "poe_injector"), ("ladder", "cable_tester", "laptop"), _POLE)
_FIBRE = Advice(
    ("fibre_patch", "splice_closure", "sfp"), ("power_meter", "otdr", "splicer"), ("laser", "traffic", "tell_room")
)

ADVICE: dict[str, Advice] = {
    "site_power_lost": Advice(("battery", "fuse", "charge_controller"), ("multimeter", "battery_tester"), _POWER),
    "grid_lost": Advice(
        ("fuse", "surge_arrester"), ("multimeter", "insulated_tools"), ("isolate", "grid_company", "tell_room")
    ),
    "battery_low": Advice(("battery", "portable_generator"), ("multimeter", "battery_tester"), _POWER),
    "battery_stolen": Advice(
        ("battery", "cabinet_lock", "cable_lugs"), ("multimeter", "insulated_tools"), ("police_report", *_POWER)
    ),
    "battery_failed": Advice(("battery", "cable_lugs"), ("battery_tester", "insulated_tools"), _POWER),
    "solar_failed": Advice(
        ("solar_panel", "charge_controller", "fuse"), ("multimeter", "panel_brush"), ("height", *_POWER)
    ),
    "link_cut": _FIBRE,
    "ring_open": _FIBRE,
    "link_degraded": Advice(("fibre_patch", "sfp"), ("power_meter", "fibre_cleaner"), ("laser", "tell_room")),
    "switch_dead": Advice(("switch", "switch_supply"), ("laptop", "cable_tester"), ("isolate", "tell_room")),
    "site_isolated": Advice(("switch", "sfp", "fibre_patch"), ("laptop", "power_meter"), ("laser", "tell_room")),
    "camera_dead": _CAMERA,
    "camera_credential": Advice((), ("laptop",), ("tell_room",)),
    "camera_stream_poor": Advice(("patch_cable",), ("laptop", "cable_tester"), ("tell_room",)),
    "camera_black": _CAMERA,
    "camera_white": _CAMERA,
    "camera_frozen": Advice(("camera",), ("laptop",), ("tell_room",)),
    "camera_covered": Advice(("dome",), ("lens_kit", "ladder", "phone_picture"), ("police_report", *_POLE)),
    "camera_blurred": _LENS,
    "camera_dirty": _LENS,
    "camera_moved": _AIM,
    "camera_colour_lost": Advice(("camera",), ("laptop", "ladder"), _POLE),
    "camera_vibrating": _AIM,
    "camera_loop": Advice((), ("laptop", "cable_tester"), ("police_report", "tell_room")),
    "sector_weather": Advice(("wiper_set",), ("lens_kit", "ladder"), _POLE),
    "cabinet_open": Advice(("cabinet_lock",), ("multimeter",), ("police_report", "tell_room")),
    "cabinet_hot": Advice(("fan", "filter"), ("multimeter", "thermometer"), ("isolate", "tell_room")),
    "telemetry_failed": Advice(("controller_cable",), ("laptop", "multimeter"), ("tell_room",)),
    "recorder_disk_full": Advice(("disk",), ("laptop",), ("tell_room",)),
    "recorder_disk_failed": Advice(("disk",), ("laptop",), ("tell_room",)),
    "recorder_disk_slow": Advice(("disk",), ("laptop",), ("tell_room",)),
}


def advice_for(cause_kind: str) -> Advice:
    """What to bring for this cause; for what nobody knows, the usual kit."""
    return ADVICE.get(cause_kind, Advice())
