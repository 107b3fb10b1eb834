import { describe, expect, it } from "vitest";
import { around, DAY_US, follow, HOUR_US, LONGEST_US, MIN_US, SHORTEST_US, ticks, usAt, xOf, zoneOffsetUs, zoom } from "./scale";

const NOON_US = Date.UTC(2026, 10, 22, 9, 0, 0) * 1000; // 12:00 in Baghdad

describe("scale", () => {
  it("maps moments to pixels and back, left to right", () => {
    const view = around(NOON_US, HOUR_US);
    expect(xOf(view, 1000, NOON_US)).toBe(500);
    expect(usAt(view, 1000, 750)).toBe(NOON_US + 15 * MIN_US);
  });

  it("zooms around the pointer and stays within its limits", () => {
    const view = around(NOON_US, HOUR_US);
    const anchor = NOON_US + 10 * MIN_US;
    const closer = zoom(view, 0.5, anchor);
    expect(xOf(closer, 1000, anchor)).toBeCloseTo(xOf(view, 1000, anchor), 6);
    expect(closer.toUs - closer.fromUs).toBe(HOUR_US / 2);
    const near = zoom(view, 1e-9, anchor);
    expect(near.toUs - near.fromUs).toBeCloseTo(SHORTEST_US, 0);
    const far = zoom(view, 1e9, anchor);
    expect(far.toUs - far.fromUs).toBeCloseTo(LONGEST_US, 0);
  });

  it("follows the play head only when it leaves", () => {
    const view = around(NOON_US, HOUR_US);
    expect(follow(view, NOON_US + 10 * MIN_US)).toBe(view);
    const moved = follow(view, NOON_US + 29 * MIN_US);
    expect(xOf(moved, 100, NOON_US + 29 * MIN_US)).toBeCloseTo(50);
  });

  it("puts ticks at whole local times, days at local midnight", () => {
    expect(zoneOffsetUs(NOON_US, "Asia/Baghdad")).toBe(3 * HOUR_US);
    const day = ticks({ fromUs: NOON_US - DAY_US, toUs: NOON_US }, 1000, "Asia/Baghdad");
    const midnight = day.find((tick) => tick.major)!;
    expect(new Date(midnight.us / 1000).toISOString()).toBe("2026-11-21T21:00:00.000Z");
    const close = ticks(around(NOON_US, 2 * MIN_US), 800, "Asia/Baghdad");
    expect(close.every((tick) => tick.us % (15_000_000) === 0)).toBe(true);
    expect(close.length).toBeGreaterThan(5);
  });

  it("draws a handful of ticks at any zoom", () => {
    for (let span = SHORTEST_US; span < LONGEST_US; span *= 1.7) {
      const count = ticks(around(NOON_US, span), 1200, "Asia/Baghdad").length;
      expect(count).toBeGreaterThanOrEqual(3);
      expect(count).toBeLessThanOrEqual(16);
    }
  });

  it("keeps local midnight over a change to summer time", () => {
    const from = Date.UTC(2026, 2, 27) * 1000;
    const days = ticks({ fromUs: from, toUs: from + 5 * DAY_US }, 500, "Europe/Berlin").map((tick) => tick.us / 1000);
    for (const ms of days) {
      const text = new Intl.DateTimeFormat("en-GB", { timeZone: "Europe/Berlin", hour: "2-digit", hourCycle: "h23" }).format(ms);
      expect(text).toBe("00");
    }
  });
});
