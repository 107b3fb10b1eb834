import { describe, expect, it } from "vitest";
import type { Timeline } from "@/api/types";
import { coarse, gapCause, nextStart, spanAt } from "./spans";

const timeline: Timeline = {
  spans: [{ start_us: 10, end_us: 20 }, { start_us: 30, end_us: 40 }],
  gaps: [{ start_us: 20, end_us: 30, cause: "stalled" }],
  holds: [],
  earliest_us: 10,
  latest_us: 40,
};

describe("spans", () => {
  it("finds the span of a moment and the next beginning", () => {
    expect(spanAt(timeline.spans, 9)).toBeNull();
    expect(spanAt(timeline.spans, 10)?.end_us).toBe(20);
    expect(spanAt(timeline.spans, 20)).toBeNull();
    expect(nextStart([timeline], 20)).toBe(30);
    expect(nextStart([timeline], 35)).toBeNull();
  });
  it("says why there is nothing", () => {
    expect(gapCause(timeline, 15)).toBeNull();
    expect(gapCause(timeline, 25)).toBe("stalled");
    expect(gapCause(timeline, 5)).toBe("before_first");
    expect(gapCause(timeline, 41)).toBe("not_yet");
    expect(gapCause({ ...timeline, spans: [], gaps: [], earliest_us: null, latest_us: null }, 41)).toBe("never");
  });
  it("joins what is too near to be drawn apart", () => {
    expect(coarse([{ start_us: 0, end_us: 5 }, { start_us: 6, end_us: 9 }, { start_us: 20, end_us: 21 }], 2)).toEqual([
      { start_us: 0, end_us: 9 },
      { start_us: 20, end_us: 21 },
    ]);
  });
});
