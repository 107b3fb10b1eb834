import { describe, expect, it } from "vitest";
import { zoneOffsetUs } from "@/video/timeline/scale";
import { fromLocal, tidyTime, toLocal } from "./localTime";

describe("local times", () => {
  it("goes there and back in the control room's zone", () => {
    const us = Date.UTC(2026, 10, 22, 9, 5, 7) * 1000;
    const text = toLocal(us, zoneOffsetUs(us, "Asia/Baghdad"));
    expect(text).toBe("2026-11-22T12:05:07");
    expect(fromLocal(text, "Asia/Baghdad")).toBe(us);
    expect(fromLocal("2026-11-22T12:05", "Asia/Baghdad")).toBe(us - 7_000_000);
    expect(fromLocal("2026-11-22T1205", "Asia/Baghdad")).toBe(us - 7_000_000);
    expect(fromLocal(" ٢٠٢٦-١١-٢٢ ١٢:٠٥:٠٧", "Asia/Baghdad")).toBe(us);
  });
  it("refuses what is no time", () => {
    expect(fromLocal("", "UTC")).toBeNull();
    expect(fromLocal("2026-11-22", "UTC")).toBeNull();
    expect(fromLocal("2026-11-22T24:05", "UTC")).toBeNull();
    expect(fromLocal("2026-11-22T12:60", "UTC")).toBeNull();
  });
  it("reads a time of day as people type it", () => {
    expect(["930", "9:30", "09.30", "٠٩:٣٠"].map(tidyTime)).toEqual(Array(4).fill("09:30"));
    expect(tidyTime("2105")).toBe("21:05");
    expect(tidyTime("21:05:07")).toBe("21:05:07");
    expect(["", "9", "25:00", "12:75", "9 PM"].map(tidyTime)).toEqual(["", "9", "25:00", "12:75", "9 PM"]);
  });
});
