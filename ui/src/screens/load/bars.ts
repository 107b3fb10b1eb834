/** Ten-minute slots made into as many bars as fit: each shows its busiest slot, since a peak must not be averaged away. Pure. */

export interface Bar {
  from_us: number;
  to_us: number;
  most: number;
  sum: number;
}

export const SLOT_US = 600_000_000;

/** At most `wanted` bars over [from, to); slots lie in order. Spans nobody sat through are gaps (no bar). */
export function bars(slots: readonly (readonly [number, number])[], from_us: number, to_us: number, wanted: number): Bar[] {
  const count = Math.max(1, Math.ceil((to_us - from_us) / SLOT_US));
  const each = Math.max(1, Math.ceil(count / Math.max(1, wanted))) * SLOT_US;
  const start = Math.floor(from_us / SLOT_US) * SLOT_US;
  const made = new Map<number, Bar>();
  for (const [at_us, value] of slots) {
    const place = Math.floor((at_us - start) / each);
    const bar = made.get(place);
    if (bar) {
      bar.most = Math.max(bar.most, value);
      bar.sum += value;
    } else made.set(place, { from_us: start + place * each, to_us: start + (place + 1) * each, most: value, sum: value });
  }
  return [...made.values()];
}

/** A round number at or over `value`, for the top of an axis. */
export function top(value: number): number {
  for (const step of [4, 10, 12, 16, 20, 30, 40, 60, 80, 100]) if (value <= step) return step;
  return Math.ceil(value / 100) * 100;
}
