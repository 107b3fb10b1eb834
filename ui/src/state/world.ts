/**
 * The province as this browser knows it: one snapshot and the changes after it, in order.
 *
 * Pure: no sockets, no clock, no React. `connection.ts` feeds it, `hooks.ts` reads it. Built for 10,000 cameras and
 * 1,000 status changes a second: maps are changed in place, each kind has a version, and listeners hear of a whole
 * batch once (the caller decides when, see `flush`). A change out of order means fetch again, never guess.
 */
import type { Alarm, AlarmKind, Cabinet, CameraHealth, NetworkLink, NetworkSwitch, Outage, PowerSource, PreventiveRound, Shift, Suppression, Vitals, WorkOrder } from "@/api/health";
import type { Camera, CameraStatus, Change, ChangeKind, Deployment, ExportJob, Layout, Sector, Site, Snapshot, StreamStatus, SystemStatus, Town, WatchKind } from "@/api/types";

type Listener = () => void;

export type ApplyResult = "applied" | "gap";

function byId<T extends { id: string }>(items: readonly T[] | Record<string, T> | null | undefined): Map<string, T> {
  const list = Array.isArray(items) ? items : Object.values(items ?? {});
  return new Map(list.map((item: T) => [item.id, item]));
}

/** The things of health, alarms and maintenance, by kind and id. A kind of alarm is known by its name, a cabinet by its site. */
export interface Watched {
  alarm: Map<string, Alarm>;
  alarm_kind: Map<string, AlarmKind>;
  suppression: Map<string, Suppression>;
  shift: Map<string, Shift>;
  health: Map<string, CameraHealth>;
  vitals: Map<string, Vitals>;
  power_source: Map<string, PowerSource>;
  cabinet: Map<string, Cabinet>;
  switch: Map<string, NetworkSwitch>;
  link: Map<string, NetworkLink>;
  work_order: Map<string, WorkOrder>;
  outage: Map<string, Outage>;
  round: Map<string, PreventiveRound>;
}

/** The name of each kind's list in the snapshot. */
const LISTS: Record<WatchKind, string> = {
  alarm: "alarms",
  alarm_kind: "alarm_kinds",
  suppression: "suppressions",
  shift: "shifts",
  health: "health",
  vitals: "vitals",
  power_source: "power_sources",
  cabinet: "cabinets",
  switch: "switches",
  link: "links",
  work_order: "work_orders",
  outage: "outages",
  round: "rounds",
};
const WATCHED = Object.keys(LISTS) as WatchKind[];

function nothingWatched(): Watched {
  return Object.fromEntries(WATCHED.map((kind) => [kind, new Map()])) as unknown as Watched;
}

function watchedOf(snapshot: Snapshot): Watched {
  const found = nothingWatched();
  for (const kind of WATCHED) {
    const given = snapshot[LISTS[kind]];
    const list = (Array.isArray(given) ? given : Object.values(given ?? {})) as { id?: string; kind?: string; site_id?: string }[];
    const map = found[kind] as Map<string, unknown>;
    for (const item of list) map.set(item.id ?? (kind === "cabinet" ? item.site_id : item.kind) ?? "", item);
  }
  return found;
}

/** `op: put` carries the whole thing; a status may carry one stream or both. */
function mergeStatus(old: CameraStatus | undefined, value: unknown): CameraStatus {
  const given = value as Partial<StreamStatus> & CameraStatus;
  if (given.stream === "main" || given.stream === "sub") {
    return { ...old, [given.stream]: given as StreamStatus };
  }
  return { ...old, ...given };
}

export class World {
  epoch: string | number | null = null;
  seq = 0;
  deployment: Deployment = { name_ar: "", name_en: "", timezone: "Asia/Baghdad" };
  sectors = new Map<string, Sector>();
  towns = new Map<string, Town>();
  sites = new Map<string, Site>();
  cameras = new Map<string, Camera>();
  statuses = new Map<string, CameraStatus>();
  layouts = new Map<string, Layout>();
  exports = new Map<string, ExportJob>();
  system: SystemStatus | null = null;
  watched: Watched = nothingWatched();
  /** Grows with every change of a kind; lists derived from a kind are kept until it moves. */
  readonly versions: Record<ChangeKind, number> = {
    camera: 0,
    site: 0,
    sector: 0,
    town: 0,
    status: 0,
    layout: 0,
    export: 0,
    hold: 0,
    account: 0,
    system: 0,
    alarm: 0,
    alarm_kind: 0,
    suppression: 0,
    shift: 0,
    health: 0,
    vitals: 0,
    power_source: 0,
    cabinet: 0,
    switch: 0,
    link: 0,
    work_order: 0,
    outage: 0,
    round: 0,
  };
  private listeners = new Set<Listener>();
  private taps = new Set<(changes: readonly Change[]) => void>();
  private dirty = false;

  /** Everything anew. */
  load(snapshot: Snapshot): void {
    this.epoch = snapshot.epoch;
    this.seq = snapshot.seq;
    this.deployment = snapshot.deployment;
    this.sectors = byId(snapshot.sectors);
    this.towns = byId(snapshot.towns);
    this.sites = byId(snapshot.sites);
    this.cameras = byId(snapshot.cameras);
    this.statuses = new Map(Object.entries(snapshot.statuses ?? {}));
    this.layouts = byId(snapshot.layouts);
    this.system = snapshot.system;
    this.watched = watchedOf(snapshot);
    for (const kind of Object.keys(this.versions) as ChangeKind[]) this.versions[kind] += 1;
    this.dirty = true;
  }

  /**
   * The changes after what is known. One already seen is skipped; `upTo` is the sequence number after the batch (the
   * server leaves out what this person may not see, so numbers within a batch may jump; `after`, where the server
   * sends it, must be what we have). Returns "gap" when something in between was missed.
   */
  apply(changes: readonly Change[], upTo: number, after?: number): ApplyResult {
    if (after !== undefined && after > this.seq) return "gap";
    const fresh = changes.filter((change) => change.seq > this.seq);
    for (const change of fresh) this.change(change);
    this.seq = Math.max(this.seq, upTo);
    if (fresh.length) {
      this.dirty = true;
      for (const tap of this.taps) tap(fresh);
    }
    return "applied";
  }

  private change({ kind, id, op, value }: Change): void {
    this.versions[kind] = (this.versions[kind] ?? 0) + 1;
    switch (kind) {
      case "status":
        if (op === "delete") this.statuses.delete(id);
        else this.statuses.set(id, mergeStatus(this.statuses.get(id), value));
        return;
      case "system":
        this.system = op === "delete" ? null : { ...this.system, ...(value as SystemStatus) };
        return;
      case "camera":
        if (op === "delete") this.statuses.delete(id);
        return this.put(this.cameras, id, op, value as Camera);
      case "site":
        return this.put(this.sites, id, op, value as Site);
      case "sector":
        return this.put(this.sectors, id, op, value as Sector);
      case "town":
        return this.put(this.towns, id, op, value as Town);
      case "layout":
        return this.put(this.layouts, id, op, value as Layout);
      case "export":
        return this.put(this.exports, id, op, value as ExportJob);
      case "hold":
      case "account":
        return; // Nothing is kept of these; screens that show them listen and fetch.
      default:
        // A kind that this screen does not know yet (a newer server) is passed over.
        if (kind in this.watched) this.put(this.watched[kind] as Map<string, unknown>, id, op, value);
    }
  }

  private put<T>(map: Map<string, T>, id: string, op: "put" | "delete", value: T | undefined): void {
    if (op === "delete") map.delete(id);
    else if (value) map.set(id, value);
  }

  subscribe = (listener: Listener): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Hear of each applied batch as it comes, for what is not kept here (holds, accounts) or drawn outside React (the map). */
  tap(listener: (changes: readonly Change[]) => void): () => void {
    this.taps.add(listener);
    return () => this.taps.delete(listener);
  }

  /** Tell the listeners, when anything changed since the last time. */
  flush = (): void => {
    if (!this.dirty) return;
    this.dirty = false;
    for (const listener of this.listeners) listener();
  };

  get hasNews(): boolean {
    return this.dirty;
  }
}

export const world = new World();
