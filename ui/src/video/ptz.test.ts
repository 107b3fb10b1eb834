import { describe, expect, it } from "vitest";
import { speedOf } from "./ptz";

describe("speedOf", () => {
  it("stands still near the middle, is gentle at first and full at the edge", () => {
    expect(speedOf(3, -4, 300)).toEqual({ pan: 0, tilt: 0 });
    const near = speedOf(40, 0, 300);
    expect(near.pan).toBeGreaterThan(0);
    expect(near.pan).toBeLessThan(0.15);
    expect(speedOf(900, 0, 300)).toEqual({ pan: 1, tilt: 0 });
  });
  it("tilts up when dragged up", () => {
    expect(speedOf(0, -400, 300)).toEqual({ pan: 0, tilt: 1 });
  });
});
