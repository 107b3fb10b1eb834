/**
 * The arithmetic of the timeline: what moment lies under which pixel, and where ticks belong.
 *
 * Pure. Time runs left to right in every language. Times are UTC µs; days and hours are those of a time zone.
 * Called by `Timeline.tsx` and `draw.ts`.
 */

export interface View {
  readonly fromUs: number;
  readonly toUs: number;
}

export const S_US = 1_000_000;
export const MIN_US = 60 * S_US;
export const HOUR_US = 60 * MIN_US;
export const DAY_US = 24 * HOUR_US;
export const SHORTEST_US = 20 * S_US;
export const LONGEST_US = 42 * DAY_US;

export const xOf = (view: View, widthPx: number, us: number): number =>
  ((us - view.fromUs) / (view.toUs - view.fromUs)) * widthPx;

export const usAt = (view: View, widthPx: number, x: number): number =>
  view.fromUs + (x / widthPx) * (view.toUs - view.fromUs);

/** Zooms by `factor` (< 1 is closer) so that `anchorUs` stays where it is. */
export function zoom(view: View, factor: number, anchorUs: number): View {
  const span = view.toUs - view.fromUs;
  const next = Math.min(LONGEST_US, Math.max(SHORTEST_US, span * factor));
  const share = (anchorUs - view.fromUs) / span;
  const fromUs = anchorUs - share * next;
  return { fromUs, toUs: fromUs + next };
}

export const pan = (view: View, byUs: number): View => ({ fromUs: view.fromUs + byUs, toUs: view.toUs + byUs });

export const around = (us: number, spanUs: number): View => ({ fromUs: us - spanUs / 2, toUs: us + spanUs / 2 });

/** The view moved, no more than needed, so that `us` is inside with some room. */
export function follow(view: View, us: number): View {
  const span = view.toUs - view.fromUs;
  const room = span * 0.08;
  if (us > view.toUs - room) {
    return us < view.toUs + span ? pan(view, us - (view.toUs - span * 0.5)) : around(us, span);
  }
  if (us < view.fromUs + room * 0.2) return around(us, span);
  return view;
}

export type TickKind = "second" | "minute" | "day" | "month";
export interface Tick {
  readonly us: number;
  readonly kind: TickKind;
  readonly major: boolean;
}

const STEPS_US = [
  S_US, 2 * S_US, 5 * S_US, 10 * S_US, 15 * S_US, 30 * S_US,
  MIN_US, 2 * MIN_US, 5 * MIN_US, 10 * MIN_US, 15 * MIN_US, 30 * MIN_US,
  HOUR_US, 2 * HOUR_US, 3 * HOUR_US, 6 * HOUR_US, 12 * HOUR_US,
  DAY_US, 2 * DAY_US, 7 * DAY_US,
]; // prettier-ignore

const formatters = new Map<string, Intl.DateTimeFormat>();

/** How far `zone` is ahead of UTC at `us`, in µs. */
export function zoneOffsetUs(us: number, zone: string): number {
  let format = formatters.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric",
      hour: "numeric", minute: "numeric", second: "numeric",
    }); // prettier-ignore
    formatters.set(zone, format);
  }
  const ms = Math.floor(us / 1000);
  const part: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(ms)) part[type] = Number(value);
  const local = Date.UTC(part["year"]!, part["month"]! - 1, part["day"]!, part["hour"]!, part["minute"]!, part["second"]!);
  return (local - Math.floor(ms / 1000) * 1000) * 1000;
}

/** Ticks at whole steps of local time, labels at least `labelPx` apart. A tick at local midnight is major. */
export function ticks(view: View, widthPx: number, zone: string, labelPx = 84): Tick[] {
  const span = view.toUs - view.fromUs;
  if (span <= 0 || widthPx <= 0) return [];
  const least = (span / widthPx) * labelPx;
  const step = STEPS_US.find((candidate) => candidate >= least) ?? 7 * DAY_US;
  const offset = zoneOffsetUs(view.fromUs, zone);
  const found: Tick[] = [];
  for (let local = Math.ceil((view.fromUs + offset) / step) * step; ; local += step) {
    // The zone's offset may change within the view (summer time): ask again for each day's tick.
    const us = local - (step >= HOUR_US ? zoneOffsetUs(local - offset, zone) : offset);
    if (us > view.toUs || found.length > 400) break;
    const midnight = local % DAY_US === 0;
    found.push({ us, kind: step >= DAY_US || midnight ? "day" : step >= MIN_US ? "minute" : "second", major: midnight });
  }
  return found;
}
