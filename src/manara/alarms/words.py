"""The text of an alarm in Arabic and English, for e-mail, webhooks and printed logs. Pure.

The screens make their own words (locales `alarms.json`); these say the same where no screen is. Names of things come
from outside (`Names`), since this room knows no cameras. Codes, and whatever else may run against the line's direction,
stand in isolates (U+2068 … U+2069), so that "(CAM-0231)" stays whole in a line of Arabic. Bounds: a subject line has at
most `TITLE_MAX` characters, a body `EVIDENCE_MAX` lines of evidence.
"""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

from manara.base.clock import to_datetime

TITLE_MAX = 250
EVIDENCE_MAX = 12
LINE_MAX = 400
LANGUAGES = ("ar", "en")
_FSI, _PDI = "\u2068", "\u2069"
_DIRECTION = dict.fromkeys([0x200E, 0x200F, 0x061C, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])


@dataclass(frozen=True, slots=True)
class Named:
    """What a thing is called."""

    code: str
    name_ar: str = ""
    name_en: str = ""

    def name(self, language: str) -> str:
        """Its name in this language, or in the other one."""
        return (self.name_ar or self.name_en) if language == "ar" else (self.name_en or self.name_ar)


Names = Callable[[str], Named | None]  # by subject, noun:id


@dataclass(frozen=True, slots=True)
class Told:
    """An alarm as far as its words need it."""

    kind: str
    subject: str
    priority: str
    since_us: int
    occasion: str = "raised"  # raised, escalated_1, escalated_2, ended
    occasion_us: int = 0
    sector_id: str | None = None
    cameras: int = 0
    grouped: int = 0
    direct: bool = True
    exercise: bool = False
    evidence: Sequence[dict[str, Any]] = ()
    consequence: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: one line, and the rest."""

    title: str
    lines: list[str] = field(default_factory=list)

    @property
    def body(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines)


TITLES: dict[str, tuple[str, str]] = {  # as on the screens
    "site_power_lost": ("موقع بلا كهرباء", "Site without power"),
    "grid_lost": ("انقطاع الكهرباء الوطنية", "Grid lost"),
    "battery_low": ("بطارية منخفضة", "Battery low"),
    "battery_stolen": ("سرقة بطارية", "Battery stolen"),
    "battery_failed": ("بطارية عاطلة", "Battery failed"),
    "solar_failed": ("عطل الألواح الشمسية", "Solar failed"),
    "link_cut": ("قطع خط اتصال", "Link cut"),
    "link_degraded": ("ضعف خط اتصال", "Link weak"),
    "ring_open": ("حلقة مفتوحة", "Ring open"),
    "switch_dead": ("مبدّل متوقف", "Switch dead"),
    "site_isolated": ("موقع مقطوع", "Site cut off"),
    "camera_dead": ("كاميرا متوقفة", "Camera dead"),
    "camera_credential": ("رفض كلمة المرور", "Camera password refused"),
    "camera_stream_poor": ("بث رديء", "Poor stream"),
    "camera_black": ("صورة سوداء", "Black picture"),
    "camera_white": ("صورة بيضاء", "White picture"),
    "camera_frozen": ("صورة جامدة", "Frozen picture"),
    "camera_covered": ("كاميرا مغطاة", "Camera covered"),
    "camera_blurred": ("خارج التركيز", "Out of focus"),
    "camera_dirty": ("عدسة متسخة أو مرشوشة", "Dirty or sprayed lens"),
    "camera_moved": ("كاميرا محروفة", "Camera turned away"),
    "camera_colour_lost": ("فقدان الألوان", "Colour lost"),
    "camera_vibrating": ("كاميرا تهتز", "Camera shakes"),
    "camera_loop": ("صور معادة", "Repeated pictures"),
    "sector_weather": ("طقس سيئ في قاطع", "Weather over a sector"),
    "cabinet_open": ("كابينة مفتوحة", "Cabinet open"),
    "cabinet_hot": ("حرارة كابينة", "Cabinet hot"),
    "telemetry_failed": ("قراءات لا تصل", "Measurements missing"),
    "recorder_disk_full": ("قرص تسجيل ممتلئ", "Recorder disk full"),
    "recorder_disk_failed": ("قرص تسجيل عاطل", "Recorder disk failed"),
    "recorder_disk_slow": ("قرص تسجيل بطيء", "Recorder disk slow"),
    "recorder_down": ("مسجّل متوقف", "Recorder down"),
    "role_restarting": ("عملية تعيد التشغيل", "Process restarting"),
    "handler_stuck": ("برنامج عالق", "Program stuck"),
}
UNKNOWN_TITLE = ("إنذار من نوع غير معروف", "Alarm of an unknown kind")

_PRIORITY = {
    "critical": ("حرج", "CRITICAL"),
    "high": ("عالٍ", "HIGH"),
    "medium": ("متوسط", "MEDIUM"),
    "low": ("منخفض", "LOW"),
}
_OCCASION = {
    "raised": ("", ""),
    "escalated_1": ("لم يُستلَم، صُعِّد إلى مسؤول الوجبة", "not acknowledged, escalated to the supervisor"),
    "escalated_2": ("لم يُستلَم، صُعِّد إلى الآمر", "not acknowledged, escalated to the commander"),
    "ended": ("زال السبب", "the cause is gone"),
}
_NOUN = {
    "camera": ("الكاميرا", "camera"),
    "site": ("الموقع", "site"),
    "cabinet": ("الموقع", "site"),
    "power_source": ("مصدر الطاقة", "power source"),
    "switch": ("المبدّل", "switch"),
    "port": ("منفذ المبدّل", "switch port"),
    "link": ("خط الاتصال", "link"),
    "recorder": ("المسجّل", "recorder"),
    "disk": ("القرص", "disk"),
    "role": ("العملية", "process"),
    "device": ("جهاز القياس", "device"),
    "sector": ("القاطع", "sector"),
    "program": ("عدة قواطع", "several sectors"),  # where a group spans the province
}
_CAMERAS_AR = ("لا كاميرات", "كاميرا واحدة", "كاميرتان", "{n} كاميرات", "{n} كاميرا", "{n} كاميرا")
_ALARMS_AR = ("لا إنذارات", "إنذار واحد", "إنذاران", "{n} إنذارات", "{n} إنذاراً", "{n} إنذار")
_LABEL = {
    "where": ("المكان", "Where"),
    "priority": ("الأسبقية", "Priority"),
    "since": ("منذ", "Since"),
    "cameras": ("الكاميرات المتأثرة", "Cameras affected"),
    "grouped": ("ضمنه", "Within it"),
    "inferred": ("استنتاج بلا دليل مباشر", "Inferred without direct evidence"),
    "evidence": ("الأدلة", "Evidence"),
    "consequence": ("العاقبة", "If nobody acts"),
    "advice": ("ما العمل", "What to do"),
    "exercise": ("تمرين", "EXERCISE"),
}


def isolate(text: str) -> str:
    """The text in an isolate: its direction does not spill over."""
    text = text.translate(_DIRECTION)  # one that came with the name could end the isolate
    return f"{_FSI}{text}{_PDI}" if text else ""


def clean(text: str, most: int) -> str:
    """One line without control characters (what comes off the wire may hold any), at most this long."""
    # the isolates and marks of the text itself are format characters and are kept
    one_line = "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in text)
    one_line = " ".join(one_line.split())
    return one_line if len(one_line) <= most else one_line[: most - 1] + "…"


def counted_ar(number: int, forms: Sequence[str]) -> str:
    """A number with its noun in one of Arabic's six forms (zero, one, two, few, many, other)."""
    rest = number % 100
    place = number if number in (0, 1, 2) else 3 if 3 <= rest <= 10 else 4 if rest >= 11 else 5
    return forms[place].format(n=number)


def title_of(kind: str, language: str) -> str:
    """What this kind of alarm is called."""
    return TITLES.get(kind, UNKNOWN_TITLE)[_place(language)]


def thing(subject: str, language: str, names: Names) -> str:
    """A thing as people call it: its noun, its code in an isolate, its name."""
    noun, _, rest = subject.partition(":")
    word = _NOUN.get(noun, ("", ""))[_place(language)]
    if noun == "program":
        return word
    named = names(subject)
    code = clean(named.code if named else rest, 80)
    name = clean(named.name(language), 120) if named else ""
    name = "" if name == code else name
    return " ".join(part for part in (word, isolate(code), isolate(name)) if part)


def short(kind: str, subject: str, language: str, names: Names) -> str:
    """One line: what, and where. For lists and logs."""
    return clean(f"{title_of(kind, language)}: {thing(subject, language, names)}", TITLE_MAX)


def compose(told: Told, language: str, names: Names, zone: tzinfo) -> Message:
    """The whole message. Times are given in `zone`, with its offset."""
    place = _place(language)
    priority = _PRIORITY.get(told.priority, (told.priority, told.priority))[place]
    occasion = _OCCASION.get(told.occasion, ("", ""))[place]
    head = f"[{priority}] {short(told.kind, told.subject, language, names)}"
    if occasion:
        head += f" ({occasion})"
    if told.exercise:
        head = f"[{_LABEL['exercise'][place]}] {head}"

    def line(label: str, value: str) -> str:
        return f"{_LABEL[label][place]}: {value}"

    lines = [clean(head, TITLE_MAX), ""]
    if told.sector_id:
        lines.append(line("where", thing(f"sector:{told.sector_id}", language, names)))
    lines.append(line("since", when(told.since_us, zone)))
    if told.cameras > 1:
        lines.append(line("cameras", _count(told.cameras, _CAMERAS_AR, ("camera", "cameras"), language)))
    if told.grouped:
        lines.append(line("grouped", _count(told.grouped, _ALARMS_AR, ("alarm", "alarms"), language)))
    if not told.direct:
        lines.append(_LABEL["inferred"][place])
    evidence = [_evidence(item, language, names, zone) for item in list(told.evidence)[:EVIDENCE_MAX]]
    if evidence:
        lines += ["", f"{_LABEL['evidence'][place]}:", *(f"- {text}" for text in evidence)]
    for label, text in (("consequence", told.consequence), ("advice", told.advice)):
        if text and told.occasion != "ended":
            lines += ["", line(label, clean(text, 2000))]
    return Message(lines[0], lines)


def when(at_us: int, zone: tzinfo) -> str:
    """A time as people read it, with the offset, in an isolate."""
    local = to_datetime(at_us).astimezone(zone)
    return isolate(local.strftime("%Y-%m-%d %H:%M:%S %z"))


def _evidence(item: dict[str, Any], language: str, names: Names, zone: tzinfo) -> str:
    text = str(item.get(f"text_{language}") or item.get("text_en") or item.get("text_ar") or "")
    if not text:
        text = f"{item.get('what', '')} {item.get('value', '')} {thing(str(item.get('subject', '')), language, names)}"
    at_us = item.get("at_us")
    stamp = f"{when(at_us, zone)} " if isinstance(at_us, int) else ""
    return clean(f"{stamp}{text}", LINE_MAX)


def _count(number: int, forms_ar: Sequence[str], forms_en: tuple[str, str], language: str) -> str:
    if language == "ar":
        return counted_ar(number, forms_ar)
    return f"{number} {forms_en[0 if number == 1 else 1]}"


def _place(language: str) -> int:
    return 0 if language == "ar" else 1
