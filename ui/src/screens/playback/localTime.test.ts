import { describe, expect, it } from "vitest";
import { zoneOffsetUs } from "@/video/timeline/scale";
import { fromLocal, toLocal } from "./localTime";

describe("local times", () => {
  it("goes there and back in the control room's zone", () => {
    const us = Date.UTC(2026, 10, 22, 9, 5, 7) * 1000;
    const text = toLocal(us, zoneOffsetUs(us, "Asia/Baghdad"));
    expect(text).toBe("2026-11-22T12:05:07");
    expect(fromLocal(text, "Asia/Baghdad")).toBe(us);
    expect(fromLocal("2026-11-22T12:05", "Asia/Baghdad")).toBe(us - 7_000_000);
    expect(fromLocal(" ٢٠٢٦-١١-٢٢ ١٢:٠٥:٠٧", "Asia/Baghdad")).toBe(us);
  });
  it("refuses what is no time", () => {
    expect(fromLocal("", "UTC")).toBeNull();
    expect(fromLocal("2026-11-22", "UTC")).toBeNull();
  });
});
