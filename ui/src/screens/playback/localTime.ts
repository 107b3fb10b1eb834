/** Between UTC µs and what a `datetime-local` field holds, in a given zone. Pure. Called by `GoTo.tsx` and `SpanDialog.tsx`. */
import { zoneOffsetUs } from "@/video/timeline/scale";

/** `2026-11-22T14:05:09`, `offsetUs` ahead of UTC. */
export function toLocal(us: number, offsetUs: number): string {
  return new Date(Math.floor((us + offsetUs) / 1000)).toISOString().slice(0, 19);
}

/** UTC µs of a local time in `zone`; null when the text is none. */
export function fromLocal(text: string, zone: string): number | null {
  const match = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?$/.exec(western(text.trim()));
  if (!match) return null;
  const [year, month, day, hour, minute, second] = match.slice(1).map((part) => Number(part ?? 0));
  const local = Date.UTC(year!, month! - 1, day!, hour!, minute!, second || 0) * 1000;
  if (!Number.isFinite(local)) return null;
  // The offset of the moment itself, found from a first guess: right but within the hour that summer time repeats.
  const guess = local - zoneOffsetUs(local, zone);
  return local - zoneOffsetUs(guess, zone);
}

/** Digits of an Arabic keyboard are digits. */
function western(text: string): string {
  return text.replace(/[٠-٩]/g, (digit) => String(digit.charCodeAt(0) - 0x660));
}
