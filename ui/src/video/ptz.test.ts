import { afterEach, describe, expect, it, vi } from "vitest";
import { api } from "@/api/client";
import { PtzControl, RENEW_MS, speedOf } from "./ptz";

describe("PtzControl", () => {
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });
  it("renews a held movement each second, and no more once it is let go", async () => {
    vi.useFakeTimers();
    const post = vi.spyOn(api, "post").mockResolvedValue(undefined);
    const control = new PtzControl("c1", () => undefined);
    const sent = () => post.mock.calls.map(([, body]) => (body as { command: string }).command);
    control.move({ pan: 0.5, tilt: 0, zoom: 0 });
    await vi.advanceTimersByTimeAsync(3 * RENEW_MS + 50);
    expect(sent()).toEqual(["move", "move", "move", "move"]);
    control.stop();
    await vi.advanceTimersByTimeAsync(5 * RENEW_MS);
    expect(sent()).toEqual(["move", "move", "move", "move", "stop"]);
  });
  it("gives up what the server refuses", async () => {
    vi.useFakeTimers();
    const post = vi.spyOn(api, "post").mockRejectedValue(new Error("locked"));
    const failed = vi.fn();
    const control = new PtzControl("c1", failed);
    control.move({ pan: 0.5, tilt: 0, zoom: 0 });
    await vi.advanceTimersByTimeAsync(5 * RENEW_MS);
    expect(post).toHaveBeenCalledTimes(1);
    expect(failed).toHaveBeenCalledTimes(1);
  });
});

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
