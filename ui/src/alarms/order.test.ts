import { describe, expect, it } from "vitest";
import type { Alarm, AlarmPriority, AlarmState } from "@/api/health";
import { newcomers, soundingNow } from "./bell";
import { compareAlarms, foldFlood, inFlood, isMine, isOpen, loadSlots, NO_FILTER, type Own, passes, rankOf, tabOf, tally, toldLately } from "./order";

const M = 60_000_000;
const NOW = 1_000_000 * M;
let made = 0;
const alarm = (part: Partial<Alarm> = {}): Alarm =>
  ({ id: `a${String((made += 1)).padStart(5, "0")}`, kind: "camera_dead", state: "unacknowledged", priority: "medium", subject: "camera:c", site_id: null, sector_id: null, camera_ids: [], since_us: NOW - M, annunciated_us: NOW - M, acknowledged_us: null, acknowledged_by: null, group_id: null, respond_by_us: null, escalated: 0, owner_role: "operator", console_id: null, evidence: [], detail: {}, ...part }) as Alarm;
const own: Own = { account: "operator", name: "Operator", accountId: "p1", roles: ["operator"], consoleId: null };

describe("the order of alarms", () => {
  it("puts what waits before what is taken before what is gone, and the more urgent first among equals", () => {
    const [gone, taken, low, critical, escalated] = [
      alarm({ state: "returned_unacknowledged", priority: "critical" }),
      alarm({ state: "acknowledged", priority: "critical" }),
      alarm({ priority: "low" }),
      alarm({ priority: "critical" }),
      alarm({ priority: "critical", escalated: 1 }),
    ];
    expect([gone, taken, low, critical, escalated].sort(compareAlarms)).toEqual([escalated, critical, low, taken, gone]);
  });

  it("puts first whose time to respond ends first, then the newest, and never two in doubt", () => {
    const [none, late, soon, newer] = [alarm(), alarm({ respond_by_us: NOW + 9 * M }), alarm({ respond_by_us: NOW + M }), alarm({ since_us: NOW })];
    expect([none, late, soon, newer].sort(compareAlarms)).toEqual([soon, late, newer, none]);
    const many = Array.from({ length: 50 }, () => alarm());
    const sorted = [...many].sort(compareAlarms).map((one) => one.id);
    expect([...many].reverse().sort(compareAlarms).map((one) => one.id)).toEqual(sorted);
  });

  it("gives each alarm one tab, and a part of another none", () => {
    const states: Record<AlarmState, string> = { unacknowledged: "open", acknowledged: "open", returned_unacknowledged: "open", shelved: "shelved", suppressed_by_design: "suppressed", out_of_service: "suppressed", normal: "ended" };
    for (const [state, tab] of Object.entries(states)) expect(tabOf(alarm({ state: state as AlarmState }))).toBe(tab);
    expect(tabOf(alarm({ group_id: "g" }))).toBeNull();
    expect(isOpen(alarm({ group_id: "g" }))).toBe(false);
  });
});

describe("a flood", () => {
  it("begins above ten in ten minutes and ends below five", () => {
    expect([10, 11].map((count) => inFlood(count, false))).toEqual([false, true]);
    expect([5, 4].map((count) => inFlood(count, true))).toEqual([true, false]);
    expect(toldLately([alarm({ annunciated_us: NOW - 9 * M }), alarm({ annunciated_us: NOW - 11 * M }), alarm({ annunciated_us: null })], NOW)).toBe(1);
  });

  it("shows the few that matter and folds the rest by cause, losing none", () => {
    const critical = Array.from({ length: 3 }, () => alarm({ priority: "critical", kind: "battery_stolen" }));
    const dirty = Array.from({ length: 40 }, (_, index) => alarm({ priority: "low", kind: "camera_dirty", site_id: `s${index % 7}` }));
    const dead = Array.from({ length: 20 }, () => alarm({ kind: "camera_dead", state: "acknowledged" }));
    const pair = Array.from({ length: 2 }, () => alarm({ priority: "low", kind: "cabinet_hot" }));
    const all = [...dirty, ...pair, ...critical, ...dead].sort(compareAlarms);
    const rows = foldFlood(all, true, new Set());
    expect(rows.slice(0, 3).map((row) => row.id)).toEqual(critical.map((one) => one.id));
    const folds = rows.flatMap((row) => (row.type === "fold" ? [row] : []));
    expect(folds.map((fold) => [fold.kind, fold.count, fold.unacknowledged])).toEqual([["camera_dirty", 40, 40], ["camera_dead", 20, 0]]); // prettier-ignore
    expect(folds[0]!.sites).toBe(7);
    const accounted = rows.flatMap((row) => (row.type === "fold" ? row.ids : [row.id]));
    expect(accounted.sort()).toEqual(all.map((one) => one.id).sort());

    const opened = foldFlood(all, true, new Set(["camera_dirty"]));
    expect(opened.filter((row) => row.type === "alarm" && row.inner)).toHaveLength(40);
    expect(new Set(opened.map((row) => row.id)).size).toBe(opened.length);
  });

  it("folds nothing while there is none", () => {
    const all = Array.from({ length: 30 }, () => alarm());
    expect(foldFlood(all, false, new Set())).toHaveLength(30);
  });

  it("folds ten thousand within a frame or two", () => {
    const priorities: AlarmPriority[] = ["critical", "high", "medium", "low"];
    const all = Array.from({ length: 10_000 }, (_, index) => alarm({ priority: priorities[index % 4], kind: `kind${index % 9}` }));
    const from = performance.now();
    const rows = foldFlood([...all].sort(compareAlarms), true, new Set());
    expect(performance.now() - from).toBeLessThan(500);
    expect(rows.length).toBeLessThan(20);
  });
});

describe("counting", () => {
  it("counts by priority what is open and what waits", () => {
    const counts = tally([alarm(), alarm({ state: "acknowledged" }), alarm({ state: "shelved" }), alarm({ priority: "high", state: "returned_unacknowledged" })]);
    expect(counts.medium).toEqual({ open: 2, unacknowledged: 1 });
    expect(counts.high).toEqual({ open: 1, unacknowledged: 1 });
    expect(counts.critical).toEqual({ open: 0, unacknowledged: 0 });
  });

  it("puts annunciations into their ten minutes, the newest last", () => {
    const at = [1, 9, 11, 59, 61].map((ago) => alarm({ annunciated_us: NOW - ago * M }));
    expect(loadSlots(at, NOW, 6)).toEqual([1, 0, 0, 0, 1, 2]);
  });

  it("knows whose an alarm is", () => {
    expect(isMine(alarm(), own)).toBe(true);
    expect(isMine(alarm({ owner_role: "administrator" }), own)).toBe(false);
    expect(isMine(alarm({ owner_role: "administrator", acknowledged_by: "p1" }), own)).toBe(true);
    expect(isMine(alarm({ console_id: "k2" }), { ...own, consoleId: "k1" })).toBe(false);
    expect(passes(alarm({ owner_role: "administrator" }), { ...NO_FILTER, mine: true }, own)).toBe(false);
    expect(passes(alarm({ kind: "x", sector_id: "s" }), { ...NO_FILTER, kind: "x", sector: "s" }, own)).toBe(true);
    expect(rankOf("critical")).toBeLessThan(rankOf("low"));
  });
});

describe("the bell", () => {
  const nowMs = NOW / 1000;
  it("sounds the most urgent that waits, and nothing once it is taken", () => {
    expect(soundingNow([alarm({ priority: "low" }), alarm({ priority: "high" })], nowMs, null)).toBe("high");
    expect(soundingNow([alarm({ state: "acknowledged" }), alarm({ state: "returned_unacknowledged" }), alarm({ state: "shelved" }), alarm({ group_id: "g" }), alarm({ annunciated_us: null })], nowMs, null)).toBeNull();
  });

  it("is silent for what was there, for a while, but not for a critical one that comes later", () => {
    const silence = { atMs: nowMs - 1000, untilMs: nowMs + 1000 };
    const old = alarm({ priority: "critical", annunciated_us: NOW - M });
    expect(soundingNow([old], nowMs, silence)).toBeNull();
    expect(soundingNow([old], nowMs + 1001, silence)).toBe("critical");
    expect(soundingNow([alarm({ priority: "high", annunciated_us: NOW })], nowMs, silence)).toBeNull();
    expect(soundingNow([alarm({ priority: "critical", annunciated_us: NOW })], nowMs, silence)).toBe("critical");
  });

  it("calls people back for new critical and high ones only", () => {
    const [known, low, high] = [alarm({ priority: "critical" }), alarm({ priority: "low" }), alarm({ priority: "high" })];
    expect(newcomers([known, low, high], new Set([known.id]))).toEqual([high]);
  });
});
