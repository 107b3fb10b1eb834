"""Evidence in words: what was seen of what thing, in Arabic and English, short enough for a line of an alarm. Pure.

An evidence is `{at_us, subject, what, value, text_ar, text_en}`; `what` is a condition's name, a quantity's or a
rule's. The screens show the text of their language and make the time from `at_us`.
"""

from collections.abc import Mapping
from typing import Any

from manara.network.health.conditions import Condition
from manara.network.health.kinds import parts
from manara.network.health.topology import Topology

Evidence = dict[str, Any]
MOST_EVIDENCE = 16  # an alarm that needs more to be believed is not believed

_WORDS: dict[str, tuple[str, str]] = {
    "video_lost": ("انقطعت صورة {name}", "No video from {name}"),
    "video_refused": ("{name} ترفض الاتصال", "{name} refuses us"),
    "bitrate_abnormal": ("معدل بيانات {name} خارج المعتاد", "Bit rate of {name} is out of its normal"),
    "frame_rate_low": ("عدد إطارات {name} دون المعتاد", "Frame rate of {name} is below its normal"),
    "gop_changed": ("تغيّر تباعد الإطارات المفتاحية في {name}", "Key frame distance of {name} changed"),
    "clock_drift": ("ساعة {name} منحرفة", "The clock of {name} drifts"),
    "stream_restarts": ("بث {name} يتقطع ويعود", "The stream of {name} keeps restarting"),
    "packet_loss": ("حزم مفقودة من {name}", "Packets of {name} are lost"),
    "image_black": ("صورة {name} سوداء", "The picture of {name} is black"),
    "image_white": ("صورة {name} بيضاء", "The picture of {name} is white"),
    "image_frozen": ("صورة {name} متجمدة", "The picture of {name} is frozen"),
    "image_covered": ("عدسة {name} مغطاة", "{name} is covered"),
    "image_blurred": ("صورة {name} غير واضحة", "The picture of {name} is out of focus"),
    "image_dirty": ("عدسة {name} متسخة أو مرشوشة", "The lens of {name} is dirty or sprayed"),
    "image_moved": ("{name} مُدارة عن مشهدها", "{name} is turned away from its view"),
    "image_colour_lost": ("ألوان {name} مفقودة", "{name} lost its colour"),
    "image_vibrating": ("{name} تهتز بشدة", "{name} vibrates"),
    "image_loop": ("صورة {name} مقطع معاد", "{name} shows a loop"),
    "grid_lost": ("انقطاع الكهرباء الوطنية عن {name}", "Grid lost at {name}"),
    "battery_low": ("بطارية {name} منخفضة", "Battery of {name} is low"),
    "battery_empty": ("بطارية {name} فارغة", "Battery of {name} is empty"),
    "battery_missing": ("جهد بطارية {name} اختفى", "The battery of {name} vanished"),
    "solar_failed": ("الألواح الشمسية في {name} لا تنتج", "The solar panels of {name} give nothing"),
    "cabinet_door_open": ("باب كابينة {name} مفتوح", "The cabinet of {name} is open"),
    "cabinet_hot": ("كابينة {name} ساخنة", "The cabinet of {name} is hot"),
    "fan_failed": ("مروحة كابينة {name} متوقفة", "The fan of {name} stands still"),
    "telemetry_silent": ("لا قراءات من {name}", "No readings from {name}"),
    "site_unreachable": ("{name} لا يستجيب", "{name} does not answer"),
    "switch_unreachable": ("المبدّل {name} لا يستجيب", "Switch {name} does not answer"),
    "port_down": ("المنفذ {name} مفصول", "Port {name} is down"),
    "link_down": ("خط الاتصال {name} مقطوع", "Link {name} is down"),
    "optical_low": ("ضوء خط الاتصال {name} ضعيف", "Light on link {name} is low"),
    "link_loss": ("فقدان حزم على خط الاتصال {name}", "Link {name} loses packets"),
    "disk_full": ("قرص التسجيل {name} ممتلئ", "Recording disk {name} is full"),
    "disk_slow": ("قرص التسجيل {name} بطيء", "Recording disk {name} is slow"),
    "disk_failed": ("قرص التسجيل {name} عاطل", "Recording disk {name} failed"),
    "recorder_silent": ("المسجّل {name} صامت", "Recorder {name} is silent"),
    "role_restarted": ("الجزء {name} يُعاد تشغيله", "{name} keeps being restarted"),
    "handler_stuck": ("معالجة رسالة متوقفة في {name}", "A handler is stuck in {name}"),
    "device_unreadable": ("جهاز القياس {name} لا يُقرأ", "Device {name} cannot be read"),
}

# Unit of the value of a condition of streams or of the program, and what it is divided by; readings bring their own.
_UNITS: dict[str, tuple[str, float]] = {
    "bitrate_abnormal": ("kbit/s", 1000.0),
    "frame_rate_low": ("fps", 1.0),
    "gop_changed": ("s", 1.0),
    "clock_drift": ("s", 1000.0),
    "packet_loss": ("%", 1.0),
    "stream_restarts": ("×", 1.0),
    "role_restarted": ("×", 1.0),
}

_READINGS: dict[str, tuple[str, str]] = {
    "state_of_charge_pct": ("آخر شحنة للبطارية {value:.0f}٪", "Last state of charge {value:.0f} %"),
    "grid_present": ("آخر قراءة: الكهرباء الوطنية {yes_ar}", "Last reading: grid {yes_en}"),
    "switch_up": ("متحكم الموقع يرى المبدّل {yes_ar}", "The site's controller sees the switch {yes_en}"),
    "link_up": ("الموقع الذي خلفه يرى خط اتصاله إليه {yes_ar}", "The site behind it sees its link to it {yes_en}"),
    "load_power_w": ("الحمل الآن {value:.0f} واط", "Load is now {value:.0f} W"),
}


def name_of(subject: str, topology: Topology) -> tuple[str, str]:
    """What people call a thing, in Arabic and English; its code or id where it has no name."""
    noun, row_id = parts(subject)
    match noun:
        case "camera" if row_id in topology.cameras:
            camera = topology.cameras[row_id]
            return camera.name_ar or camera.code, camera.name_en or camera.code
        case "site" | "cabinet" if row_id in topology.sites:
            site = topology.sites[row_id]
            return site.name_ar or site.code, site.name_en or site.code
        case "power_source" if row_id in topology.sources:
            return name_of(f"site:{topology.sources[row_id].site_id}", topology)
        case "switch" if row_id in topology.switches:
            code = topology.switches[row_id].code or row_id
            return code, code
        case "port":
            switch_id, _, port = row_id.rpartition("/")
            code = topology.switches[switch_id].code if switch_id in topology.switches else switch_id
            return f"{code}/{port}", f"{code}/{port}"
        case "link" if row_id in topology.links:
            code = topology.links[row_id].code or row_id
            return code, code
        case "disk":
            path = row_id.partition("|")[2] or row_id
            return path, path
        case _:
            return row_id, row_id


def of_condition(condition: Condition, topology: Topology) -> Evidence:
    """A condition as evidence."""
    arabic, english = _WORDS[condition.kind]
    name_ar, name_en = name_of(condition.subject, topology)
    value = condition.detail.get("value", condition.detail.get("cause"))
    tail = ""
    if isinstance(value, float):
        unit, part = _UNITS.get(condition.kind, ("", 1.0))
        unit = str(condition.detail.get("unit", unit))
        # Isolated, so that a minus stays in front of its number in an Arabic line.
        tail = f" (\u2066{round(value / part, 1):g}{' ' if unit else ''}{unit}\u2069)"
    return {
        "at_us": condition.since_us,
        "subject": condition.subject,
        "what": condition.kind,
        "value": value,
        "text_ar": arabic.format(name=name_ar) + tail,
        "text_en": english.format(name=name_en) + tail,
    }


def of_reading(subject: str, quantity: str, value: float, at_us: int) -> Evidence:
    """A reading as evidence."""
    arabic, english = _READINGS[quantity]
    words = {"value": value, "yes_ar": "موجود" if value else "غائب", "yes_en": "up" if value else "down"}
    return {
        "at_us": at_us,
        "subject": subject,
        "what": quantity,
        "value": value,
        "text_ar": arabic.format(**words),
        "text_en": english.format(**words),
    }


def note(at_us: int, subject: str, what: str, value: object, text_ar: str, text_en: str) -> Evidence:
    """What a rule saw that is neither one condition nor one reading."""
    return {
        "at_us": at_us,
        "subject": subject,
        "what": what,
        "value": value,
        "text_ar": text_ar,
        "text_en": text_en,
    }


def dark(at_us: int, subject: str, cameras: int, sites: int) -> Evidence:
    """How many cameras (and sites) went dark with it."""
    arabic = f"{_counted_ar(cameras)} بلا صورة" + (f" في {sites} مواقع" if sites > 1 else "")
    english = f"{cameras} camera{'s' if cameras != 1 else ''} dark" + (f" at {sites} sites" if sites > 1 else "")
    return note(at_us, subject, "cameras_dark", cameras, arabic, english)


def _counted_ar(count: int) -> str:
    if count == 1:
        return "كاميرا واحدة"
    if count == 2:
        return "كاميرتان"
    return f"{count} كاميرات" if count % 100 in range(3, 11) else f"{count} كاميرا"


def evidence_of(conditions: Mapping[str, Condition] | list[Condition], topology: Topology) -> list[Evidence]:
    """Conditions as evidence, the earliest first, at most `MOST_EVIDENCE`."""
    listed = list(conditions.values()) if isinstance(conditions, Mapping) else conditions
    listed = sorted(listed, key=lambda condition: condition.since_us)[:MOST_EVIDENCE]
    return [of_condition(condition, topology) for condition in listed]
