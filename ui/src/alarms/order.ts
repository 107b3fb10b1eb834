/**
 * Which alarms a person must look at, in which order, and what may be folded together in a flood.
 *
 * Pure: no clock, no words, no React. Called by the alarms screen, the overview, the bar and the sound. Flood as in EEMUA 191: it
 * begins above 10 annunciations in 10 minutes and ends below 5.
 */
import type { Alarm, AlarmPriority, AlarmState } from "@/api/health";

export const PRIORITIES: readonly AlarmPriority[] = ["critical", "high", "medium", "low"];
const RANK: Record<AlarmPriority, number> = { critical: 0, high: 1, medium: 2, low: 3 };
export const rankOf = (priority: AlarmPriority): number => RANK[priority] ?? RANK.low;

const FLOOD_WINDOW_US = 600_000_000;
const FLOOD_BEGINS = 10;
const FLOOD_ENDS = 5;

/** Waits for a person's acknowledgement. */
export const isUnacknowledged = (alarm: Alarm): boolean => alarm.state === "unacknowledged" || alarm.state === "returned_unacknowledged";

const OPEN: readonly AlarmState[] = ["unacknowledged", "acknowledged", "returned_unacknowledged"];
/** In front of the operator: neither ended, nor shelved, nor suppressed, nor a part of another one. */
export const isOpen = (alarm: Alarm): boolean => OPEN.includes(alarm.state) && alarm.group_id === null;

export type Tab = "open" | "shelved" | "suppressed" | "ended";
export const TABS: readonly Tab[] = ["open", "shelved", "suppressed", "ended"];

/** Every alarm is in exactly one tab, but a part of another, which its alarm shows. */
export function tabOf(alarm: Alarm): Tab | null {
  if (alarm.state === "shelved") return "shelved";
  if (alarm.state === "suppressed_by_design" || alarm.state === "out_of_service") return "suppressed";
  if (alarm.state === "normal") return "ended";
  return alarm.group_id === null ? "open" : null;
}

const STANDING: Record<AlarmState, number> = {
  unacknowledged: 0,
  acknowledged: 1,
  returned_unacknowledged: 2,
  shelved: 3,
  suppressed_by_design: 4,
  out_of_service: 5,
  normal: 6,
};

/**
 * What matters first: not yet acknowledged before acknowledged before gone by itself; then priority, how far it was escalated, whose
 * time to respond ends first, newest, and the id so that equals keep their places.
 */
export function compareAlarms(a: Alarm, b: Alarm): number {
  return (
    STANDING[a.state] - STANDING[b.state] ||
    rankOf(a.priority) - rankOf(b.priority) ||
    b.escalated - a.escalated ||
    (a.respond_by_us ?? Infinity) - (b.respond_by_us ?? Infinity) || // Infinity less itself is NaN, and falls through
    b.since_us - a.since_us ||
    (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
  );
}

/** How many were told to people in the ten minutes before `nowUs`. */
export function toldLately(alarms: readonly Alarm[], nowUs: number): number {
  let count = 0;
  for (const { annunciated_us } of alarms) if (annunciated_us !== null && annunciated_us > nowUs - FLOOD_WINDOW_US && annunciated_us <= nowUs + 1_000_000) count += 1;
  return count;
}

/** Is it a flood now, given whether it was one a moment ago? */
export function inFlood(count: number, was: boolean): boolean {
  return was ? count >= FLOOD_ENDS : count > FLOOD_BEGINS;
}

export interface AlarmRow {
  type: "alarm";
  id: string;
  alarm: Alarm;
  /** Stands under an opened fold. */
  inner: boolean;
}
export interface FoldRow {
  type: "fold";
  id: string;
  kind: string;
  priority: AlarmPriority;
  count: number;
  unacknowledged: number;
  sites: number;
  ids: string[];
  opened: boolean;
}
export type Row = AlarmRow | FoldRow;

const KEEP = 8;
const KEEP_AT_LEAST = 3;
const FOLD_FROM = 3;

/**
 * In a flood: up to eight critical and high ones as they are (the first three, whatever they are), the rest as one line a cause; kinds
 * with fewer than three stay lines of their own. `alarms` come in order; each of them is in exactly one row or fold.
 */
export function foldFlood(alarms: readonly Alarm[], flood: boolean, opened: ReadonlySet<string>): Row[] {
  const row = (alarm: Alarm, inner = false): AlarmRow => ({ type: "alarm", id: alarm.id, alarm, inner });
  if (!flood || alarms.length <= KEEP + FOLD_FROM) return alarms.map((alarm) => row(alarm));
  let kept = 0;
  const rows: Row[] = [];
  const rest: Alarm[] = [];
  alarms.forEach((alarm, index) => {
    if (index < KEEP_AT_LEAST || (kept < KEEP && alarm.state === "unacknowledged" && rankOf(alarm.priority) <= RANK.high)) {
      kept += 1;
      rows.push(row(alarm));
    } else rest.push(alarm);
  });
  const byKind = new Map<string, Alarm[]>();
  for (const alarm of rest) {
    const list = byKind.get(alarm.kind);
    if (list) list.push(alarm);
    else byKind.set(alarm.kind, [alarm]);
  }
  const told = new Set<string>();
  for (const alarm of rest) {
    const list = byKind.get(alarm.kind) ?? [];
    if (list.length < FOLD_FROM) {
      rows.push(row(alarm));
      continue;
    }
    if (told.has(alarm.kind)) continue;
    told.add(alarm.kind);
    const isOpened = opened.has(alarm.kind);
    rows.push(foldOf(alarm.kind, list, isOpened));
    if (isOpened) rows.push(...list.map((one) => row(one, true)));
  }
  return rows;
}

function foldOf(kind: string, list: readonly Alarm[], opened: boolean): FoldRow {
  const worst = list.reduce((best, alarm) => (rankOf(alarm.priority) < rankOf(best.priority) ? alarm : best));
  return {
    type: "fold",
    id: `fold:${kind}`,
    kind,
    priority: worst.priority,
    count: list.length,
    unacknowledged: list.filter(isUnacknowledged).length,
    sites: new Set(list.map((alarm) => alarm.site_id ?? alarm.subject)).size,
    ids: list.map((alarm) => alarm.id),
    opened,
  };
}

export interface Tally {
  open: number;
  unacknowledged: number;
}

/** Open alarms by priority, and how many of each wait for somebody. */
export function tally(alarms: readonly Alarm[]): Record<AlarmPriority, Tally> {
  const found: Record<AlarmPriority, Tally> = {
    critical: { open: 0, unacknowledged: 0 },
    high: { open: 0, unacknowledged: 0 },
    medium: { open: 0, unacknowledged: 0 },
    low: { open: 0, unacknowledged: 0 },
  };
  for (const alarm of alarms) {
    if (!isOpen(alarm)) continue;
    const one = found[alarm.priority] ?? found.low;
    one.open += 1;
    if (isUnacknowledged(alarm)) one.unacknowledged += 1;
  }
  return found;
}

/** Annunciations in each of the last `slots` ten minutes, oldest first. */
export function loadSlots(alarms: readonly Alarm[], nowUs: number, slots: number): number[] {
  const counts = new Array<number>(slots).fill(0);
  for (const { annunciated_us } of alarms) {
    if (annunciated_us === null) continue;
    const back = Math.floor((nowUs - annunciated_us) / FLOOD_WINDOW_US);
    const slot = slots - 1 - Math.max(0, back);
    if (slot >= 0) counts[slot]! += 1;
  }
  return counts;
}

export interface Filter {
  mine: boolean;
  sector: string;
  kind: string;
  state: "all" | "unacknowledged" | "acknowledged" | "returned_unacknowledged";
  priority: "all" | AlarmPriority;
}
export const NO_FILTER: Filter = { mine: false, sector: "all", kind: "all", state: "all", priority: "all" };

/** Whose it is: at this person's console, taken by this person, or, where nobody keeps consoles, their role's. */
export interface Own {
  account: string;
  name: string;
  accountId: string;
  roles: readonly string[];
  consoleId: string | null;
}

export function isMine(alarm: Alarm, own: Own): boolean {
  const by = alarm.acknowledged_by;
  if (by && (by === own.account || by === own.accountId || by === own.name)) return true;
  if (own.consoleId && alarm.console_id) return own.consoleId === alarm.console_id;
  return own.roles.includes(alarm.owner_role);
}

export function passes(alarm: Alarm, filter: Filter, own: Own): boolean {
  if (filter.sector !== "all" && alarm.sector_id !== filter.sector) return false;
  if (filter.kind !== "all" && alarm.kind !== filter.kind) return false;
  if (filter.state !== "all" && alarm.state !== filter.state) return false;
  if (filter.priority !== "all" && alarm.priority !== filter.priority) return false;
  return !filter.mine || isMine(alarm, own);
}
