/**
 * When an alarm sounds, and for how long somebody silenced it.
 *
 * `soundingNow` is pure; the rest keeps the silence in this browser, so that all its windows are silent together. Silence is bounded
 * (two minutes) and covers what was there when it was pressed: an alarm that comes later as critical sounds all the same.
 */
import type { Alarm, AlarmPriority } from "@/api/health";
import { isOpen, rankOf } from "./order";

export const SILENCE_MS = 120_000;
const KEY = "manara.alarms.silence";

export interface Silence {
  /** Both by the server's clock, ms. */
  atMs: number;
  untilMs: number;
}

/** The highest priority that should be heard; null when all is acknowledged, silenced or calm. */
export function soundingNow(alarms: readonly Alarm[], nowMs: number, silence: Silence | null): AlarmPriority | null {
  const silent = silence !== null && nowMs < silence.untilMs;
  let best: AlarmPriority | null = null;
  for (const alarm of alarms) {
    if (alarm.state !== "unacknowledged" || !isOpen(alarm) || alarm.annunciated_us === null) continue;
    if (silent && !(alarm.priority === "critical" && alarm.annunciated_us / 1000 > silence.atMs)) continue;
    if (best === null || rankOf(alarm.priority) < rankOf(best)) best = alarm.priority;
  }
  return best;
}

/** Alarms that came since `known` was seen, of those that are worth calling somebody back to the screen. */
export function newcomers(alarms: readonly Alarm[], known: ReadonlySet<string>): Alarm[] {
  return alarms.filter((alarm) => alarm.state === "unacknowledged" && isOpen(alarm) && rankOf(alarm.priority) <= rankOf("high") && !known.has(alarm.id));
}

const listeners = new Set<() => void>();
let kept: Silence | null = read();

function read(): Silence | null {
  try {
    const value = JSON.parse(localStorage.getItem(KEY) ?? "null") as Silence | null;
    return value && Number.isFinite(value.atMs) && Number.isFinite(value.untilMs) && value.untilMs - value.atMs <= SILENCE_MS ? value : null;
  } catch {
    return null; // No storage, or something else in it: sounding is the safe side.
  }
}

function tell(): void {
  for (const listener of listeners) listener();
}

export const silenceOf = (): Silence | null => kept;

export function subscribeSilence(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function silence(nowMs: number): void {
  kept = { atMs: nowMs, untilMs: nowMs + SILENCE_MS };
  store();
}

export function unsilence(): void {
  kept = null;
  store();
}

function store(): void {
  try {
    if (kept) localStorage.setItem(KEY, JSON.stringify(kept));
    else localStorage.removeItem(KEY);
  } catch {
    // Without storage only this window is silent.
  }
  tell();
}

if (typeof window !== "undefined") {
  window.addEventListener("storage", (event) => {
    if (event.key !== KEY) return;
    kept = read();
    tell();
  });
}
