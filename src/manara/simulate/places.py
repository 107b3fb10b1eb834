"""What the virtual province is made of: sections, towns, rivers, roads.

A data table, typed by hand, to two or three decimals.

Names are real; coordinates of towns are those of their centres, good to a kilometre or two; rivers and roads are
schematic (they join the right places and no more). Read by `province.py` only.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A section or a town."""

    code: str
    name_ar: str
    name_en: str
    lat: float = 0.0
    lon: float = 0.0
    section: str = ""
    sites: int = 0  # of the 200


SECTIONS = (
    Place("SEC-RIFAI", "قسم الرفاعي", "Rifai"),
    Place("SEC-SHATRA", "قسم الشطرة", "Shatra"),
    Place("SEC-BALDA", "قسم البلدة", "Balda"),
    Place("SEC-QADHA", "قسم القضاء", "Qadha"),
    Place("SEC-SUQ", "قسم سوق الشيوخ", "Suq al-Shuyukh"),
    Place("SEC-CHIBAYISH", "قسم الجبايش", "Chibayish"),
)

TOWNS = (
    Place("TWN-RIFAI", "الرفاعي", "Rifai", 31.721, 46.108, "SEC-RIFAI", 16),
    Place("TWN-QALAT-SUKKAR", "قلعة سكر", "Qalat Sukkar", 31.863, 46.073, "SEC-RIFAI", 10),
    Place("TWN-FAJR", "الفجر", "Al-Fajr", 31.925, 45.985, "SEC-RIFAI", 5),
    Place("TWN-NASR", "النصر", "Al-Nasr", 31.540, 46.125, "SEC-RIFAI", 6),
    Place("TWN-SHATRA", "الشطرة", "Shatra", 31.409, 46.173, "SEC-SHATRA", 20),
    Place("TWN-GHARRAF", "الغراف", "Al-Gharraf", 31.297, 46.228, "SEC-SHATRA", 7),
    Place("TWN-DAWAYA", "الدواية", "Al-Dawaya", 31.480, 46.400, "SEC-SHATRA", 5),
    Place("TWN-JAZIRA", "الناصرية، صوب الجزيرة", "Nasiriyah, Jazira bank", 31.058, 46.257, "SEC-BALDA", 36),
    Place("TWN-SHAMIYA", "الناصرية، صوب الشامية", "Nasiriyah, Shamiya bank", 31.033, 46.240, "SEC-BALDA", 22),
    Place("TWN-BATHA", "البطحاء", "Al-Batha", 31.110, 45.950, "SEC-QADHA", 7),
    Place("TWN-SAYYID-DAKHIL", "سيد دخيل", "Sayyid Dakhil", 31.135, 46.430, "SEC-QADHA", 7),
    Place("TWN-ISLAH", "الإصلاح", "Al-Islah", 31.195, 46.590, "SEC-QADHA", 6),
    Place("TWN-SUQ", "سوق الشيوخ", "Suq al-Shuyukh", 30.891, 46.454, "SEC-SUQ", 18),
    Place("TWN-FADHLIYA", "الفضلية", "Al-Fadhliya", 30.945, 46.370, "SEC-SUQ", 5),
    Place("TWN-AKAIKA", "العكيكة", "Al-Akaika", 30.935, 46.520, "SEC-SUQ", 5),
    Place("TWN-KARMAT", "كرمة بني سعيد", "Karmat Bani Said", 30.860, 46.600, "SEC-SUQ", 5),
    Place("TWN-TAR", "الطار", "Al-Tar", 30.905, 46.660, "SEC-SUQ", 4),
    Place("TWN-CHIBAYISH", "الجبايش", "Chibayish", 30.966, 47.002, "SEC-CHIBAYISH", 9),
    Place("TWN-FUHUD", "الفهود", "Al-Fuhud", 30.970, 46.723, "SEC-CHIBAYISH", 5),
    Place("TWN-HAMMAR", "الحمار", "Al-Hammar", 30.945, 46.860, "SEC-CHIBAYISH", 2),
)

# (lon, lat), from the spring to the mouth
RIVERS = {
    ("نهر الفرات", "Euphrates"): (
        (45.66, 31.15),
        (45.80, 31.14),
        (45.95, 31.105),
        (46.08, 31.085),
        (46.17, 31.055),
        (46.25, 31.045),
        (46.30, 31.020),
        (46.36, 30.960),
        (46.45, 30.897),
        (46.52, 30.922),
        (46.60, 30.935),
        (46.72, 30.962),
        (46.86, 30.953),
        (47.00, 30.960),
        (47.15, 30.965),
    ),
    ("نهر الغراف", "Gharraf"): (
        (46.02, 32.02),
        (46.03, 31.93),
        (46.08, 31.863),
        (46.115, 31.721),
        (46.13, 31.63),
        (46.132, 31.540),
        (46.16, 31.47),
        (46.178, 31.409),
        (46.22, 31.34),
        (46.233, 31.297),
        (46.28, 31.22),
        (46.33, 31.13),
    ),
}

# Roads between towns, by town code
ROADS = (
    ("TWN-FAJR", "TWN-QALAT-SUKKAR", "TWN-RIFAI", "TWN-NASR", "TWN-SHATRA", "TWN-GHARRAF", "TWN-JAZIRA"),
    ("TWN-SHATRA", "TWN-DAWAYA"),
    ("TWN-JAZIRA", "TWN-SHAMIYA"),
    ("TWN-BATHA", "TWN-SHAMIYA"),
    ("TWN-JAZIRA", "TWN-SAYYID-DAKHIL", "TWN-ISLAH"),
    ("TWN-SHAMIYA", "TWN-FADHLIYA", "TWN-SUQ", "TWN-AKAIKA"),
    ("TWN-SUQ", "TWN-KARMAT", "TWN-TAR", "TWN-FUHUD", "TWN-HAMMAR", "TWN-CHIBAYISH"),
)

VIRTUAL = "افتراضي: "  # what people write is in the language of the floor

# What stands where: (Arabic, English, kind of site, what the cameras are for)
KINDS = (
    ("تقاطع", "Junction", "pole", "حركة السير في التقاطع"),
    ("سوق", "Market", "pole", "الزحام ومداخل السوق"),
    ("مدرسة", "School", "building", "الطريق إلى المدرسة"),
    ("مستشفى", "Hospital", "building", "مدخل سيارات الإسعاف"),
    ("دائرة حكومية", "Public office", "building", "مدخل الدائرة"),
    ("ساحة", "Square", "pole", "الساحة العامة"),
    ("كراج", "Bus station", "pole", "كراج النقل"),
    ("جسر", "Bridge", "pole", "الجسر ومقترباته"),
    ("مدخل المدينة", "Town entrance", "pole", "الدخول إلى المدينة والخروج منها"),
)

# Makes of the sister systems' tenders; models are made up
MAKES = (
    ("Hikvision", "DS-2CD VP4", "DS-2DE VP25X"),
    ("Dahua", "IPC-HFW VP5", "SD6 VP30X"),
    ("Axis", "P14 VP", "Q60 VP"),
    ("Hanwha", "XNO VP", "XNP VP"),
)
