/** Between UTC µs and the local day and time that a field holds (`2026-11-22T14:05:09`), in a given zone. Pure. */
import { zoneOffsetUs } from "@/video/timeline/scale";

/** `2026-11-22T14:05:09`, `offsetUs` ahead of UTC. */
export function toLocal(us: number, offsetUs: number): string {
  return new Date(Math.floor((us + offsetUs) / 1000)).toISOString().slice(0, 19);
}

/** UTC µs of a local time in `zone`; null when the text is none. */
export function fromLocal(text: string, zone: string): number | null {
  const [date, clock = ""] = western(text.trim()).split(/[T ]/, 2);
  const match = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d))?$/.exec(`${date}T${tidyTime(clock)}`);
  if (!match) return null;
  const [year, month, day, hour, minute, second] = match.slice(1).map((part) => Number(part ?? 0));
  if (hour! > 23 || minute! > 59 || (second || 0) > 59) return null;
  const local = Date.UTC(year!, month! - 1, day!, hour!, minute!, second || 0) * 1000;
  if (!Number.isFinite(local)) return null;
  // The offset of the moment itself, found from a first guess: right but within the hour that summer time repeats.
  const guess = local - zoneOffsetUs(local, zone);
  return local - zoneOffsetUs(guess, zone);
}

/** A time of day as it was typed (`930`, `9.30`, `٢١:٠٥`) in 24 hours and two digits; what is none stays as it is. */
export function tidyTime(text: string): string {
  const match = /^(\d{1,2})[:.،,\s]?(\d\d)(?:[:.،,\s]?(\d\d))?$/.exec(western(text.trim()));
  if (!match) return text;
  const [hour, minute, second] = match.slice(1);
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second ?? 0) > 59) return text;
  return [hour!.padStart(2, "0"), minute, second].filter(Boolean).join(":");
}

/** Digits of an Arabic keyboard are digits. */
function western(text: string): string {
  return text.replace(/[٠-٩]/g, (digit) => String(digit.charCodeAt(0) - 0x660));
}
