/**
 * What an alarm says, in the reader's language: one clear sentence from its kind, subject and evidence, and where it is.
 *
 * Reads names from the world it is given; no React. Words are in `locales/<language>/alarms.json`. Called wherever an alarm is shown.
 */
import i18next from "i18next";
import type { Alarm, Evidence } from "@/api/health";
import type { Language } from "@/api/types";
import type { Formats } from "@/i18n/format";
import { nameOf } from "@/state/preferences";
import type { World } from "@/state/world";

export interface Speaker {
  world: World;
  language: Language;
  formats: Formats;
}

type Words = (key: string, values?: Record<string, unknown>) => string;
const word: Words = (key, values) => i18next.t(`alarms:${key}`, values ?? {});
const known = (key: string): boolean => i18next.exists(`alarms:${key}`);

/** The parts of `<noun>:<id>`; an id may itself hold colons. */
export function splitSubject(subject: string): { noun: string; id: string } {
  const at = subject.indexOf(":");
  return at < 0 ? { noun: "", id: subject } : { noun: subject.slice(0, at), id: subject.slice(at + 1) };
}

/** The name by which people know a subject: a camera's code, a site's name, a link's code. */
export function subjectName(subject: string, { world, language }: Pick<Speaker, "world" | "language">): string {
  const { noun, id } = splitSubject(subject);
  switch (noun) {
    case "camera":
      return world.cameras.get(id)?.code ?? id;
    case "site":
    case "cabinet":
      return nameOf(world.sites.get(id), language) || id;
    case "sector":
      return nameOf(world.sectors.get(id), language) || id;
    case "link":
      return world.watched.link.get(id)?.code ?? id;
    case "switch":
      return world.watched.switch.get(id)?.code ?? id;
    case "port": {
      const [switchId = "", number = ""] = id.split("/");
      return `${world.watched.switch.get(switchId)?.code ?? switchId}/${number}`;
    }
    case "power_source":
      return world.watched.power_source.get(id)?.name || id;
    case "disk":
      return id.replace("|", " ");
    default:
      return id;
  }
}

/** Latin runs stand by themselves in an Arabic sentence. */
const isolated = (text: string): string => (/^[\u0020-\u007e]+$/.test(text) ? `\u2066${text}\u2069` : text);

export function kindName(kind: string): string {
  return known(`kind.${kind}`) ? word(`kind.${kind}`) : kind.replaceAll("_", " ");
}

/** Evidence that belongs in the sentence itself, in the order in which it happened; one of each sort. */
function clauses(alarm: Alarm, { formats }: Speaker): string[] {
  const seen = new Set<string>();
  return [...alarm.evidence]
    .sort((a, b) => a.at_us - b.at_us)
    .flatMap((one) => {
      if (seen.has(one.what) || !known(`clause.${one.what}`)) return [];
      seen.add(one.what);
      return [word(`clause.${one.what}`, { time: formats.clock(one.at_us / 1000, false) })];
    })
    .slice(0, 3);
}

/** What is wrong, and how it came about and what it costs ("" where nothing more is known); `said + how` is one sentence. */
export function alarmWords(alarm: Alarm, speaker: Speaker): { said: string; how: string } {
  const subject = isolated(subjectName(alarm.subject, speaker));
  if (alarm.group_scope) return { said: word("group_of", { kind: kindName(alarm.kind), count: alarm.grouped_count }), how: "" };
  const said = known(`what.${alarm.kind}`) ? word(`what.${alarm.kind}`, { subject }) : word("what_else", { kind: kindName(alarm.kind), subject });
  const parts = clauses(alarm, speaker);
  const { health } = speaker.world.watched;
  const cameras = alarm.kind.startsWith("camera_") ? 0 : alarm.camera_ids.filter((id) => health.get(id)?.doing_job === false).length;
  if (cameras > 0) parts.push(word("cameras_affected", { count: cameras }));
  return { said, how: parts.length ? word("how", { more: parts.join(word("comma")) }) : "" };
}

/** One sentence: what is wrong, how it came about, what it costs. */
export function alarmSentence(alarm: Alarm, speaker: Speaker): string {
  const { said, how } = alarmWords(alarm, speaker);
  return said + how;
}

/** Site and sector, as far as they are known. */
export function alarmPlace(alarm: Pick<Alarm, "site_id" | "sector_id" | "subject">, { world, language }: Pick<Speaker, "world" | "language">): { site: string; sector: string } {
  const { noun, id } = splitSubject(alarm.subject);
  const camera = noun === "camera" ? world.cameras.get(id) : undefined;
  const siteId = alarm.site_id ?? camera?.site_id ?? (noun === "site" || noun === "cabinet" ? id : null);
  const site = siteId ? world.sites.get(siteId) : undefined;
  const sectorId = alarm.sector_id ?? site?.sector_id ?? camera?.sector_id ?? null;
  return { site: nameOf(site, language), sector: sectorId ? nameOf(world.sectors.get(sectorId), language) : "" };
}

/** What a piece of evidence says: the server's words, or what can be said of its parts. */
export function evidenceText(one: Evidence, speaker: Speaker): string {
  const said = speaker.language === "ar" ? one.text_ar || one.text_en : one.text_en || one.text_ar;
  if (said) return said;
  const what = known(`condition.${one.what}`) ? word(`condition.${one.what}`) : one.what.replaceAll("_", " ");
  const value = one.value === null || one.value === undefined || one.value === "" ? "" : ` (${typeof one.value === "number" ? speaker.formats.number(one.value) : String(one.value)})`;
  return `${isolated(subjectName(one.subject, speaker))}: ${what}${value}`;
}

export function conditionName(kind: string): string {
  return known(`condition.${kind}`) ? word(`condition.${kind}`) : kind.replaceAll("_", " ");
}
