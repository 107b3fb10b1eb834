import { expect, test } from "vitest";
import { bars, SLOT_US, top } from "./bars";

test("every slot is in one bar, and no peak is lost", () => {
  const from = 1_700_000_000_000_000;
  const slots = Array.from({ length: 4464 }, (_, n) => [Math.floor(from / SLOT_US) * SLOT_US + n * SLOT_US, n % 17] as const);
  const made = bars(slots, from, from + 4464 * SLOT_US, 300);
  expect(made.length).toBeLessThanOrEqual(300);
  expect(made.reduce((sum, bar) => sum + bar.sum, 0)).toBe(slots.reduce((sum, [, n]) => sum + n, 0));
  expect(Math.max(...made.map((bar) => bar.most))).toBe(16);
});

test("a span without slots has no bar", () => {
  expect(bars([], 0, SLOT_US * 10, 5)).toEqual([]);
});

test("an axis ends at a round number", () => {
  expect([0, 4, 5, 11, 101].map(top)).toEqual([4, 4, 10, 12, 200]);
});
