/**
 * Numbers, times, durations, sizes in the reader's language and digits. `useFormats()` in screens, `formats()` outside.
 * Times are shown in the deployment's time zone (the control room's), whatever the machine says.
 */
import { createContext, useContext } from "react";
import type { Digits, Language } from "@/api/types";

export interface Formats {
  locale: string;
  language: Language;
  timezone: string;
  number(value: number, options?: Intl.NumberFormatOptions): string;
  /** 14:05:09 */
  clock(ms: number, withSeconds?: boolean): string;
  utcClock(ms: number): string;
  /** Day in words. */
  date(ms: number): string;
  /** Day and time to the second, for tables and hovers. */
  stamp(us: number): string;
  /** Relative within the last hour, then the time, then the date. */
  when(us: number, nowMs: number): string;
  /** "3 min 20 s": the two largest units, in words. */
  duration(ms: number): string;
  bytes(value: number): string;
  bitrate(bps: number): string;
  percent(value: number): string;
  list(items: readonly string[]): string;
  /** Latin or Arabic-Indic digits in a text that already is one (a code keeps its own). */
  digits(text: string): string;
}

const UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1000],
];

export function makeFormats(language: Language, digits: Digits, timezone: string): Formats {
  const locale = language === "ar" ? `ar-IQ-u-nu-${digits}-ca-gregory` : `en-GB-u-nu-${digits}-ca-gregory`;
  const zone = validZone(timezone);
  const plain = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
  const custom = new Map<string, Intl.NumberFormat>();
  const numeric = (options: Intl.NumberFormatOptions) => {
    const key = JSON.stringify(options);
    let made = custom.get(key);
    if (!made) custom.set(key, (made = new Intl.NumberFormat(locale, options)));
    return made;
  };
  const time = (options: Intl.DateTimeFormatOptions, timeZone = zone) =>
    new Intl.DateTimeFormat(locale, { timeZone, hourCycle: "h23", ...options });
  const clockFull = time({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const clockShort = time({ hour: "2-digit", minute: "2-digit" });
  const utc = time({ hour: "2-digit", minute: "2-digit", second: "2-digit" }, "UTC");
  const day = time({ weekday: "long", day: "numeric", month: "long", year: "numeric" });
  const dayShort = time({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
  const full = time({ year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const yearOf = time({ year: "numeric" });
  const dayOf = time({ year: "numeric", month: "numeric", day: "numeric" });
  const dayLong = time({ day: "numeric", month: "short", year: "numeric" });
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "always", style: "long" });
  const atOnce = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  const listing = new Intl.ListFormat(locale, { style: "short", type: "conjunction" });
  const unit = (value: number, name: string, extra: Intl.NumberFormatOptions = {}) =>
    numeric({ style: "unit", unit: name, unitDisplay: "short", maximumFractionDigits: 1, ...extra }).format(value);
  const words = (value: number, name: string) =>
    numeric({ style: "unit", unit: name, unitDisplay: language === "ar" ? "long" : "short", maximumFractionDigits: 0 }).format(value);
  return {
    locale,
    language,
    timezone: zone,
    number: (value, options) => (options ? numeric(options) : plain).format(value),
    clock: (ms, withSeconds = true) => (withSeconds ? clockFull : clockShort).format(ms),
    utcClock: (ms) => utc.format(ms),
    date: (ms) => day.format(ms),
    stamp: (us) => (us > 0 ? full.format(us / 1000) : "—"),
    when: (us, nowMs) => {
      if (us <= 0) return "—";
      const ms = us / 1000;
      const ago = nowMs - ms;
      if (ago < 1000 && ago > -60_000) return atOnce.format(0, "second");
      if (ago >= 0 && ago < 3_600_000) {
        const [name, size] = ago < 60_000 ? (["second", 1000] as const) : (["minute", 60_000] as const);
        return relative.format(-Math.floor(ago / size), name);
      }
      if (dayOf.format(ms) === dayOf.format(nowMs)) return clockShort.format(ms);
      return yearOf.format(ms) === yearOf.format(nowMs) ? dayShort.format(ms) : dayLong.format(ms);
    },
    duration: (ms) => {
      let rest = Math.max(0, Math.round(ms / 1000) * 1000);
      const parts: string[] = [];
      for (const [name, size] of UNITS) {
        const value = Math.floor(rest / size);
        rest -= value * size;
        if (value || (name === "second" && !parts.length)) parts.push(words(value, name));
        else if (parts.length) break;
        if (parts.length === 2) break;
      }
      return listing.format(parts).replace(/, | and /g, " ");
    },
    bytes: (value) => {
      const names = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte", "petabyte"];
      let step = 0;
      let left = Math.max(0, value);
      while (left >= 1000 && step < names.length - 1) {
        left /= 1000;
        step += 1;
      }
      return unit(left, names[step] ?? "byte", { maximumFractionDigits: left < 10 && step > 0 ? 1 : 0 });
    },
    bitrate: (bps) =>
      bps >= 1_000_000
        ? unit(bps / 1_000_000, "megabit-per-second", { minimumFractionDigits: 1 })
        : unit(bps / 1000, "kilobit-per-second", { maximumFractionDigits: 0 }),
    percent: (value) => numeric({ style: "percent", maximumFractionDigits: 0 }).format(value / 100),
    list: (items) => listing.format(items),
    digits: (text) => (digits === "arab" ? text.replace(/\d/g, (d) => String.fromCharCode(0x0660 + Number(d))) : text),
  };
}

function validZone(timezone: string): string {
  try {
    new Intl.DateTimeFormat("en", { timeZone: timezone });
    return timezone;
  } catch {
    return "UTC"; // A zone this browser does not know: say true times rather than none.
  }
}

let current = makeFormats("en", "latn", "Asia/Baghdad");
export function formats(): Formats {
  return current;
}
export function setFormats(next: Formats): void {
  current = next;
}

export const FormatsContext = createContext<Formats>(current);
export const useFormats = (): Formats => useContext(FormatsContext);
