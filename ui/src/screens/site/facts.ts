/** What a site's page concludes from its condition: one power state, the best reading of a quantity, how a device does. Pure. */
import type { Alarm, PowerSource } from "@/api/health";
import type { Condition, Device, Reading, SiteCondition } from "./types";

/** The controller has switched the load off by here (as the forecast has it). */
export const EMPTY_PCT = 3;

export type PowerState = "unknown" | "none" | "grid" | "battery" | "solar" | "dark";

export interface PowerNow {
  state: PowerState;
  /** Since when, where that is known. */
  since_us: number | null;
}

type Told = Pick<SiteCondition, "vitals" | "power_sources" | "conditions" | "causes">;

/** A site without a grid of its own lives on sun and battery; that is no fault. */
export function powerNow({ vitals, power_sources, conditions, causes }: Told): PowerNow {
  const since = (kind: string): number | null => conditions.find((one) => one.kind === kind)?.since_us ?? null;
  const lost = causes.find((one) => one.kind === "site_power_lost");
  if (lost) return { state: "dark", since_us: since("battery_empty") ?? lost.opened_us };
  if (!power_sources.length && !vitals) return { state: "none", since_us: null };
  if (!vitals) return { state: "unknown", since_us: null };
  if (vitals.grid === true) return { state: "grid", since_us: null };
  const soc = vitals.state_of_charge_pct;
  if (vitals.grid === false) return soc !== null && soc <= EMPTY_PCT ? { state: "dark", since_us: since("battery_empty") } : { state: "battery", since_us: since("grid_lost") };
  const hasGrid = power_sources.some((one) => one.kind === "grid");
  if (!hasGrid && soc !== null) return soc <= EMPTY_PCT ? { state: "dark", since_us: since("battery_empty") } : { state: "solar", since_us: null };
  return { state: "unknown", since_us: null };
}

/** The reading to show of a quantity: a fresh one before a stale one, of the subjects in their order. */
export function pick(readings: readonly Reading[], quantity: string, subjects: readonly (string | null | undefined)[]): Reading | null {
  const found = subjects.flatMap((subject) => readings.filter((one) => one.quantity === quantity && one.subject === subject));
  return found.find((one) => !one.stale && !one.fault) ?? found[0] ?? null;
}

export const subjectOf = (source: Pick<PowerSource, "id"> | undefined): string | null => (source ? `power_source:${source.id}` : null);

export interface DeviceNow {
  state: "ok" | "silent" | "unreadable" | "waiting" | "off";
  since_us: number | null;
  /** The machine's word for it, for `reason.*`. */
  why: string;
}

/** How a telemetry device does: what health concluded of it or of its site, else the age of the newest reading of what it tells. */
export function deviceNow(device: Device, conditions: readonly Condition[], readings: readonly Reading[]): DeviceNow {
  if (!device.enabled) return { state: "off", since_us: null, why: "" };
  const own = new Set([`device:${device.id}`, ...Object.values(device.subjects).filter((one) => one.startsWith("switch:"))]);
  const fault = conditions.find((one) => (one.kind === "device_unreadable" || one.kind === "switch_unreachable") && own.has(one.subject));
  const silent = conditions.find((one) => one.kind === "telemetry_silent" && one.subject === `site:${device.site_id}`);
  const said = fault ?? silent;
  const why = typeof said?.detail.cause === "string" ? said.detail.cause : "";
  if (said) return { state: why === "silent" || why === "" ? "silent" : "unreadable", since_us: said.since_us, why };
  const told = readings.filter((one) => covers(device, one.subject));
  const newest = Math.max(0, ...told.map((one) => one.at_us));
  return newest ? { state: "ok", since_us: newest, why: "" } : { state: "waiting", since_us: null, why: "" };
}

function covers(device: Device, subject: string): boolean {
  const named = Object.values(device.subjects);
  if (subject === `device:${device.id}` || named.includes(subject)) return true;
  if (subject.startsWith("port:")) return named.includes(`switch:${subject.slice(5).split("/")[0]}`);
  return subject === `site:${device.site_id}` || subject === `cabinet:${device.site_id}`;
}

/** Alarms in front of somebody that concern this site or one of its cameras. */
export function alarmsOf(alarms: readonly Alarm[], siteId: string, cameraIds: ReadonlySet<string>): Alarm[] {
  return alarms.filter((alarm) => alarm.site_id === siteId || alarm.subject === `site:${siteId}` || (alarm.site_id === null && alarm.camera_ids.some((id) => cameraIds.has(id))));
}

/** Spans of points that belong together: a hole of more than `holes` times the usual distance is left open, never drawn over. */
export function runs<P extends { at_us: number }>(points: readonly P[], holes = 3.5): P[][] {
  if (points.length < 3) return points.length ? [[...points]] : [];
  const steps = points.slice(1).map((point, index) => point.at_us - (points[index] as P).at_us);
  const usual = [...steps].sort((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 0;
  const found: P[][] = [[points[0] as P]];
  points.slice(1).forEach((point, index) => {
    if ((steps[index] ?? 0) > usual * holes) found.push([point]);
    else found.at(-1)?.push(point);
  });
  return found;
}

/** Whole hours of the local day within the span, at most `most` of them, at 1, 2, 3, 4, 6 or 12 hours' distance. */
export function hourMarks(from_us: number, to_us: number, hourOf: (us: number) => number, most: number): number[] {
  const HOUR = 3_600_000_000;
  const quarter = HOUR / 4; // no time zone is off by less
  const spans = (to_us - from_us) / HOUR;
  const every = [1, 2, 3, 4, 6, 12, 24].find((step) => spans / step <= most) ?? 24;
  const marks: number[] = [];
  for (let at = Math.ceil(from_us / quarter) * quarter; at <= to_us; at += quarter) {
    const hour = hourOf(at);
    if (Math.abs(hour - Math.round(hour)) < 0.01 && Math.round(hour) % every === 0) marks.push(at);
  }
  return marks;
}

