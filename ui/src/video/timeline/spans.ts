/**
 * What one camera has recorded, gathered from several answers of the server.
 *
 * Pure. Called by `useTimelines.ts` (gathers), `draw.ts` and the playback group (ask).
 */
import type { Timeline } from "@/api/types";

export interface SpanLike {
  readonly start_us: number;
  readonly end_us: number;
}

/** The span that holds `us`, by binary search in spans sorted by start. */
export function spanAt<T extends SpanLike>(spans: readonly T[], us: number): T | null {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (spans[middle]!.start_us <= us) low = middle + 1;
    else high = middle;
  }
  const span = spans[low - 1];
  return span && us < span.end_us ? span : null;
}

/** Where recording goes on after `us`: the earliest start of a later span of any of the timelines; null if none is known. */
export function nextStart(timelines: readonly Timeline[], us: number): number | null {
  let best: number | null = null;
  for (const { spans } of timelines) {
    for (const span of spans) {
      if (span.start_us > us) {
        if (best === null || span.start_us < best) best = span.start_us;
        break;
      }
    }
  }
  return best;
}

/** Why there is nothing at `us`: the recorded cause, "none" before the beginning, "unknown" otherwise; null where there is video. */
export function gapCause(timeline: Timeline | undefined, us: number): string | null {
  if (!timeline) return null;
  if (spanAt(timeline.spans, us)) return null;
  const gap = spanAt(timeline.gaps, us);
  if (gap) return gap.cause;
  if (timeline.earliest_us !== null && us < timeline.earliest_us) return "before_first";
  if (timeline.latest_us === null) return "never";
  return us >= timeline.latest_us ? "not_yet" : "unknown";
}

/** Joins spans nearer than `toleranceUs`, so that a month draws as a few bars and not as ten thousand. */
export function coarse<T extends SpanLike>(spans: readonly T[], toleranceUs: number): SpanLike[] {
  const joined: { start_us: number; end_us: number }[] = [];
  for (const { start_us, end_us } of spans) {
    const last = joined[joined.length - 1];
    if (last && start_us - last.end_us <= toleranceUs) last.end_us = Math.max(last.end_us, end_us);
    else joined.push({ start_us, end_us });
  }
  return joined;
}
