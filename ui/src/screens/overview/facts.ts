/**
 * What the overview counts: cameras doing their job by sector and cause, sites that will go dark, recording, work that is due.
 *
 * Pure: given what the world knows. A camera switched off by a person is not counted; one of which nothing is known yet is counted
 * apart, since silence is not health.
 */
import type { Alarm, AlarmPriority, CameraHealth, Vitals, WorkOrder } from "@/api/health";
import type { Camera, CameraStatus, Sector, SystemStatus } from "@/api/types";
import { rankOf } from "@/alarms/order";
import { judgeCamera } from "@/state/camera_state";

export interface SectorFacts {
  sector: Sector | null;
  cameras: number;
  failing: number;
  unknown: number;
  /** Cause (a kind of alarm, or a stream's state with a colon before it) and how many cameras; most first. */
  causes: [string, number][];
  /** The worst open alarm behind them. */
  worst: AlarmPriority | null;
}

export interface NetworkFacts {
  cameras: number;
  working: number;
  failing: number;
  unknown: number;
  sectors: SectorFacts[];
}

type Doing = { state: "works" | "unknown" } | { state: "fails"; cause: string; priority: AlarmPriority | null };

function doing(camera: Camera, status: CameraStatus | undefined, health: CameraHealth | undefined, alarms: ReadonlyMap<string, Alarm>): Doing | null {
  const judged = judgeCamera(camera, status);
  if (judged.state === "disabled") return null;
  if (health && !health.doing_job) {
    const alarm = health.cause_id ? alarms.get(health.cause_id) : undefined;
    return { state: "fails", cause: alarm?.kind ?? `:${health.conditions[0]?.kind ?? judged.state}`, priority: alarm?.priority ?? null };
  }
  if (judged.state === "lost" || judged.state === "refused") return { state: "fails", cause: `:${judged.state}`, priority: null };
  return { state: judged.state === "unknown" || judged.state === "connecting" ? "unknown" : "works" };
}

export function networkFacts(
  sectors: readonly Sector[],
  cameras: readonly Camera[],
  statuses: ReadonlyMap<string, CameraStatus>,
  health: ReadonlyMap<string, CameraHealth>,
  alarms: readonly Alarm[],
): NetworkFacts {
  const bySignal = new Map(alarms.map((alarm) => [alarm.signal_id, alarm]));
  const found = new Map<string | null, SectorFacts & { counts: Map<string, number> }>();
  for (const sector of sectors) found.set(sector.id, { sector, cameras: 0, failing: 0, unknown: 0, causes: [], worst: null, counts: new Map() });
  for (const camera of cameras) {
    const now = doing(camera, statuses.get(camera.id), health.get(camera.id), bySignal);
    if (!now) continue;
    const key = camera.sector_id !== null && found.has(camera.sector_id) ? camera.sector_id : null;
    let facts = found.get(key);
    if (!facts) found.set(key, (facts = { sector: null, cameras: 0, failing: 0, unknown: 0, causes: [], worst: null, counts: new Map() }));
    facts.cameras += 1;
    if (now.state === "unknown") facts.unknown += 1;
    if (now.state !== "fails") continue;
    facts.failing += 1;
    facts.counts.set(now.cause, (facts.counts.get(now.cause) ?? 0) + 1);
    if (now.priority && (facts.worst === null || rankOf(now.priority) < rankOf(facts.worst))) facts.worst = now.priority;
  }
  const list = [...found.values()].filter((facts) => facts.cameras > 0).map(({ counts, ...facts }) => ({ ...facts, causes: [...counts].sort((a, b) => b[1] - a[1]) }));
  list.sort((a, b) => b.failing - a.failing || b.cameras - a.cameras);
  const sum = (pick: (facts: SectorFacts) => number) => list.reduce((total, facts) => total + pick(facts), 0);
  const [all, failing, unknown] = [sum((s) => s.cameras), sum((s) => s.failing), sum((s) => s.unknown)];
  return { cameras: all, failing, unknown, working: all - failing - unknown, sectors: list };
}

/** Sites that will be dark before morning, the soonest first. */
export function darkSites(vitals: readonly Vitals[]): Vitals[] {
  return vitals.filter((one) => one.dark_before_morning && one.hours_left !== null).sort((a, b) => (a.hours_left ?? 0) - (b.hours_left ?? 0));
}

/** On battery now, whether or not it lasts. */
export const onBattery = (vitals: readonly Vitals[]): number => vitals.filter((one) => one.grid === false).length;

export interface RecordingFacts {
  wanted: number;
  recording: number;
  gapsToday: number;
  camerasWithGaps: number;
  recorders: number;
  /** Recorders that some camera's status calls silent. */
  silent: number;
  disks: { free: number; total: number; bad: number } | null;
}

export function recordingFacts(cameras: readonly Camera[], statuses: ReadonlyMap<string, CameraStatus>, system: SystemStatus | null): RecordingFacts {
  const facts: RecordingFacts = { wanted: 0, recording: 0, gapsToday: 0, camerasWithGaps: 0, recorders: 0, silent: 0, disks: null };
  const heard = new Set<string>();
  const silent = new Set<string>();
  for (const camera of cameras) {
    const { main, sub } = statuses.get(camera.id) ?? {};
    if (main?.recorder_id) (main.cause === "recorder_silent" ? silent : heard).add(main.recorder_id);
    if (!camera.enabled || !camera.record) continue;
    facts.wanted += 1;
    if (main?.state === "recording" || sub?.state === "recording") facts.recording += 1; // to save power the small stream
    if (main && main.gaps_today > 0) {
      facts.gapsToday += main.gaps_today;
      facts.camerasWithGaps += 1;
    }
  }
  const disks = system?.disks?.length ? system.disks : (system?.recorders ?? []).flatMap((one) => one.disks ?? []);
  if (disks.length > 0) {
    facts.disks = { free: 0, total: 0, bad: 0 };
    for (const disk of disks) {
      facts.disks.free += disk.free_bytes;
      facts.disks.total += disk.total_bytes;
      if (disk.state !== "ok") facts.disks.bad += 1;
    }
  }
  facts.recorders = new Set([...heard, ...silent]).size;
  facts.silent = silent.size;
  return facts;
}

/** `done` waits for the health check and for nobody. */
const ENDED = new Set(["closed", "cancelled", "done"]);

export interface WorkFacts {
  open: number;
  overdue: number;
  dueToday: number;
  next: WorkOrder[];
}

export function workFacts(orders: readonly WorkOrder[], nowUs: number, dayEndUs: number): WorkFacts {
  const open = orders.filter((order) => !ENDED.has(order.state));
  const dueOf = (order: WorkOrder) => order.due_us ?? Infinity;
  const sorted = [...open].sort((a, b) => dueOf(a) - dueOf(b));
  return {
    open: open.length,
    overdue: open.filter((order) => dueOf(order) < nowUs).length,
    dueToday: open.filter((order) => dueOf(order) >= nowUs && dueOf(order) < dayEndUs).length,
    next: sorted,
  };
}
