import { describe, expect, it } from "vitest";
import type { Vitals } from "@/api/health";
import { deviceNow, hourMarks, pick, powerNow, runs } from "./facts";
import type { Condition, Device, Reading } from "./types";

const HOUR = 3_600_000_000;
const vitals = (part: Partial<Vitals>): Vitals => ({ id: "s", grid: null, state_of_charge_pct: null, hours_left: null, hours_left_low: null, hours_left_high: null, dark_at_us: null, dark_before_morning: false, solar_power_w: null, load_power_w: null, cabinet_temperature_c: null, door_open: null, silent_since_us: null, shed_step: 0, ...part });
const source = (kind: "grid" | "solar" | "battery") => ({ id: kind, site_id: "s", kind, name: "", capacity_wh: null, peak_w: null, nominal_v: null, installed_us: null, notes: "" });
const condition = (kind: string, subject: string, detail = {}): Condition => ({ kind, subject, since_us: 5, detail });
const reading = (subject: string, part: Partial<Reading> = {}): Reading => ({ subject, quantity: "state_of_charge_pct", unit: "%", value: 50, at_us: 9, age_s: 1, stale: false, fault: "", ...part });

describe("what feeds a site", () => {
  const all = [source("grid"), source("battery")];
  const told = (part: Partial<Vitals>, conditions: Condition[] = [], sources = all) => powerNow({ vitals: vitals(part), power_sources: sources, conditions, causes: [] });
  it("is the grid, the battery since the grid went, or nothing", () => {
    expect(told({ grid: true }).state).toBe("grid");
    expect(told({ grid: false, state_of_charge_pct: 60 }, [condition("grid_lost", "site:s")])).toEqual({ state: "battery", since_us: 5 });
    expect(told({ grid: false, state_of_charge_pct: 2 }).state).toBe("dark");
  });
  it("is not guessed", () => {
    expect(told({}).state).toBe("unknown");
    expect(powerNow({ vitals: null, power_sources: all, conditions: [], causes: [] }).state).toBe("unknown");
    expect(powerNow({ vitals: null, power_sources: [], conditions: [], causes: [] }).state).toBe("none");
  });
  it("is sun and battery where there is no grid, and no fault", () => expect(told({ state_of_charge_pct: 70 }, [], [source("solar"), source("battery")]).state).toBe("solar"));
});

describe("readings", () => {
  it("a fresh one comes before a stale one", () => {
    const old = reading("power_source:b", { stale: true });
    expect(pick([old, reading("site:s")], "state_of_charge_pct", ["power_source:b", "site:s"])?.subject).toBe("site:s");
    expect(pick([old], "state_of_charge_pct", ["power_source:b", null])).toBe(old);
    expect(pick([old], "load_power_w", ["power_source:b"])).toBeNull();
  });
  it("a hole is not drawn over", () => {
    const at = [0, 1, 2, 3, 20, 21].map((at_us) => ({ at_us }));
    expect(runs(at).map((run) => run.length)).toEqual([4, 2]);
    expect(runs([])).toEqual([]);
  });
  it("hours are marked on whole local hours", () => {
    const kathmandu = (us: number) => (us / HOUR + 5.75) % 24;
    const marks = hourMarks(0, 24 * HOUR, kathmandu, 5);
    expect(marks.map((us) => Math.round(kathmandu(us)))).toEqual([6, 12, 18, 0]);
  });
});

describe("a telemetry device", () => {
  const device: Device = { id: "d", site_id: "s", code: "RTU", protocol: "snmp", address: "", profile: "", subjects: { switch: "switch:w" }, poll_s: 30, enabled: true, has_credentials: false, has_token: false };
  it("says why it cannot be read", () => expect(deviceNow(device, [condition("device_unreadable", "device:d", { cause: "auth" })], [])).toEqual({ state: "unreadable", since_us: 5, why: "auth" }));
  it("is silent with its site", () => expect(deviceNow(device, [condition("telemetry_silent", "site:s")], [reading("switch:w")]).state).toBe("silent"));
  it("says why also where its whole site is silent of it", () => expect(deviceNow(device, [condition("telemetry_silent", "site:s", { cause: "token" })], [])).toEqual({ state: "unreadable", since_us: 5, why: "token" }));
  it("told when its newest reading came, a port's too", () => expect(deviceNow(device, [], [reading("port:w/3", { at_us: 7 })])).toEqual({ state: "ok", since_us: 7, why: "" }));
  it("waits, or is off", () => {
    expect(deviceNow(device, [], []).state).toBe("waiting");
    expect(deviceNow({ ...device, enabled: false }, [], []).state).toBe("off");
  });
});
