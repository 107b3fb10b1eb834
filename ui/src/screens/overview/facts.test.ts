import { describe, expect, it } from "vitest";
import type { Alarm, CameraHealth, Vitals, WorkOrder } from "@/api/health";
import type { Camera, CameraStatus, Sector } from "@/api/types";
import { darkSites, networkFacts, recordingFacts, workFacts } from "./facts";

const camera = (id: string, sector_id: string | null, more: Partial<Camera> = {}): Camera => ({ id, sector_id, enabled: true, record: true, ...more }) as Camera;
const status = (state: string, more: object = {}): CameraStatus => ({ main: { state, cause: "none", recorder_id: "r1", gaps_today: 0, ...more } }) as unknown as CameraStatus;
const sector = (id: string): Sector => ({ id, code: id, name_ar: id, name_en: id, boundary: null });

describe("the overview counts", () => {
  it("cameras by sector and cause; those switched off do not count, those not known yet are not well", () => {
    const cameras = [camera("a", "s"), camera("b", "s"), camera("c", "s"), camera("d", "t"), camera("e", "t", { enabled: false }), camera("f", null), camera("g", "t")];
    const statuses = new Map([["a", status("recording")], ["b", status("recording")], ["c", status("lost")], ["d", status("recording")], ["f", status("connecting")], ["g", status("refused")]]); // prettier-ignore
    const health = new Map([["b", { id: "b", doing_job: false, conditions: [], cause_id: "k" } as CameraHealth]]);
    const alarms = [{ signal_id: "k", kind: "camera_covered", priority: "high" } as Alarm];
    const facts = networkFacts([sector("s"), sector("t"), sector("empty")], cameras, statuses, health, alarms);
    expect([facts.cameras, facts.working, facts.failing, facts.unknown]).toEqual([6, 2, 3, 1]);
    expect(facts.sectors.map((one) => [one.sector?.id ?? null, one.failing, one.cameras])).toEqual([["s", 2, 3], ["t", 1, 2], [null, 0, 1]]); // prettier-ignore
    expect(facts.sectors[0]!.causes).toEqual([["camera_covered", 1], [":lost", 1]]); // prettier-ignore
    expect(facts.sectors[0]!.worst).toBe("high");
  });

  it("a health with its job done is no failure", () => {
    const health = new Map([["a", { id: "a", doing_job: true, conditions: [{ kind: "packet_loss", since_us: 1, confidence: 1 }], cause_id: null } as CameraHealth]]);
    expect(networkFacts([], [camera("a", null)], new Map([["a", status("recording")]]), health, []).working).toBe(1);
  });

  it("sites that go dark, the soonest first", () => {
    const one = (id: string, hours_left: number | null, dark_before_morning = true) => ({ id, hours_left, dark_before_morning }) as Vitals;
    expect(darkSites([one("a", 7), one("b", 2), one("c", 1, false), one("d", null)]).map((v) => v.id)).toEqual(["b", "a"]);
  });

  it("recording, gaps, recorders and disks", () => {
    const cameras = [camera("a", null), camera("b", null), camera("c", null, { record: false })];
    const statuses = new Map([["a", status("recording", { gaps_today: 2 })], ["b", status("lost", { cause: "recorder_silent", recorder_id: "r2" })]]);
    const facts = recordingFacts(cameras, statuses, { disks: [{ path: "/a", state: "ok", cause: "", total_bytes: 10, free_bytes: 4 }, { path: "/b", state: "full", cause: "", total_bytes: 10, free_bytes: 0 }] });
    expect(facts).toEqual({ wanted: 2, recording: 1, gapsToday: 2, camerasWithGaps: 1, recorders: 2, silent: 1, disks: { free: 4, total: 20, bad: 1 } });
    expect(recordingFacts(cameras, new Map(), null).disks).toBeNull();
  });

  it("a camera that saves power by its small stream is recorded", () => {
    const saving = { ...status("stopped"), sub: status("recording").main } as CameraStatus;
    expect(recordingFacts([camera("a", null)], new Map([["a", saving]]), null).recording).toBe(1);
  });

  it("work that is due, the most urgent first", () => {
    const order = (id: string, due_us: number | null, state: WorkOrder["state"] = "open") => ({ id, due_us, state, site_id: "s1" }) as WorkOrder;
    const facts = workFacts([order("later", 90), order("late", 5), order("today", 15), order("none", null), order("done", 1, "closed")], 10, 20);
    expect([facts.open, facts.overdue, facts.dueToday]).toEqual([4, 1, 1]);
    expect(facts.next.map((one) => one.id)).toEqual(["late", "today", "later", "none"]);
  });
});
