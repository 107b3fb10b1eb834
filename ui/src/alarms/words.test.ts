import { beforeAll, describe, expect, it } from "vitest";
import i18next from "i18next";
import type { Alarm, CameraHealth } from "@/api/health";
import type { Camera, Language, Site } from "@/api/types";
import { startWords } from "@/i18n";
import { makeFormats, setFormats } from "@/i18n/format";
import { World } from "@/state/world";
import ar from "@/locales/ar/alarms.json";
import en from "@/locales/en/alarms.json";
import { alarmPlace, alarmSentence, evidenceText, splitSubject, subjectName } from "./words";

const AT = Date.UTC(2026, 10, 22, 23, 14) * 1000; // 02:14 in Baghdad
const world = new World();
world.sites.set("s1", { id: "s1", code: "S-1", name_ar: "تقاطع", name_en: "Junction", sector_id: "q" } as Site);
world.sectors.set("q", { id: "q", code: "Q", name_ar: "قاطع الرفاعي", name_en: "Rifai", boundary: null });
world.cameras.set("c1", { id: "c1", code: "CAM-0001", site_id: "s1", sector_id: "q" } as Camera);
for (const id of ["c1", "c2", "c3", "c4"]) world.watched.health.set(id, { id, doing_job: false, conditions: [], cause_id: "x" } as CameraHealth);
const alarm = (part: Partial<Alarm>): Alarm => ({ kind: "site_power_lost", subject: "site:s1", site_id: "s1", sector_id: null, camera_ids: [], evidence: [], grouped_count: 0, ...part }) as Alarm;
const speak = async (language: Language) => {
  const formats = makeFormats(language, "latn", "Asia/Baghdad");
  setFormats(formats);
  await i18next.changeLanguage(language);
  return { world, language, formats };
};
const piece = (what: string, at_us: number) => ({ at_us, what, subject: "site:s1", value: 0, text_ar: "نص", text_en: "text" });

describe("what an alarm says", () => {
  beforeAll(() => startWords("ar"));

  it("is one sentence with how it came about and what it costs", async () => {
    const dark = alarm({ evidence: [piece("battery_empty", AT + 4 * 3_600_000_000), piece("grid_lost", AT)], camera_ids: ["c1", "c2", "c3", "c4", "works"] });
    expect(alarmSentence(dark, await speak("en"))).toBe("Site without power: grid lost at 02:14, battery empty at 06:14, 4 cameras without pictures");
    expect(alarmSentence(dark, await speak("ar"))).toBe("الموقع بلا كهرباء: انقطعت الكهرباء الساعة 02:14، فرغت البطارية الساعة 06:14، 4 كاميرات بلا صورة");
  });

  it("counts in the six forms of Arabic", async () => {
    const of = async (count: number) => alarmSentence(alarm({ camera_ids: ["c1", "c2", "c3", "c4"].slice(0, count) }), await speak("ar"));
    expect(await of(1)).toContain("كاميرا واحدة بلا صورة");
    expect(await of(2)).toContain("كاميرتان بلا صورة");
    expect(await of(0)).toBe("الموقع بلا كهرباء");
  });

  it("names a camera by its code, kept together in Arabic", async () => {
    expect(alarmSentence(alarm({ kind: "camera_covered", subject: "camera:c1", camera_ids: ["c1"] }), await speak("ar"))).toBe("الكاميرا \u2066CAM-0001\u2069 مغطاة");
  });

  it("says something of kinds and things it does not know", async () => {
    expect(alarmSentence(alarm({ kind: "new_kind", subject: "link:gone" }), await speak("en"))).toBe("new kind: \u2066gone\u2069");
    expect(subjectName("disk:r|/srv", await speak("en"))).toBe("r /srv");
    expect(splitSubject("role:a:b")).toEqual({ noun: "role", id: "a:b" });
  });

  it("tells a group by its kind and number", async () => {
    expect(alarmSentence(alarm({ kind: "camera_dirty", subject: "sector:q", group_scope: "sector", grouped_count: 12 }), await speak("en"))).toBe("Dirty or sprayed lens: 12 places together");
  });

  it("says where, also when only the camera is known", async () => {
    expect(alarmPlace({ site_id: null, sector_id: null, subject: "camera:c1" }, await speak("ar"))).toEqual({ site: "تقاطع", sector: "قاطع الرفاعي" });
  });

  it("gives evidence in the reader's language, and in the other when it has only that", async () => {
    expect(evidenceText(piece("grid_lost", AT), await speak("en"))).toBe("text");
    expect(evidenceText({ ...piece("grid_lost", AT), text_en: "" }, await speak("en"))).toBe("نص");
    expect(evidenceText({ at_us: AT, what: "grid_lost", subject: "site:s1", value: 0 }, await speak("en"))).toBe("\u2066Junction\u2069: grid lost (0)");
  });

  it("has a sentence for every kind that has a name", () => {
    for (const words of [ar, en]) expect(Object.keys(words.what).sort()).toEqual(Object.keys(words.kind).sort());
  });
});
