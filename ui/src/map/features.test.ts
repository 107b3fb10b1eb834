import { describe, expect, it } from "vitest";
import type { Alarm, AlarmPriority } from "@/api/health";
import type { Camera, CameraStatus, Site } from "@/api/types";
import { alarmFeatures, boundsOf, boundsOfShape, cameraFeature, cameraRank, difference, joinBounds, middle, Numbers, project, viewCone } from "./features";

const camera = (id: string, more: Partial<Camera> = {}): Camera =>
  ({ id, code: id.toUpperCase(), kind: "fixed", enabled: true, lat: 31.04, lon: 46.26, heading_deg: 90, field_of_view_deg: 60, range_m: 100, ...more }) as Camera;
const lost = { main: { state: "lost", cause: "timeout", since_us: 1 } } as unknown as CameraStatus;
const fine = { main: { state: "recording", cause: "none", since_us: 1 } } as unknown as CameraStatus;

describe("features", () => {
  it("tells only what changed", () => {
    const numbers = new Numbers();
    const of = (list: [Camera, CameraStatus][]) =>
      new Map(list.flatMap(([one, status]) => cameraFeature(one, status, numbers) ?? []).map((feature) => [feature.id, feature]));
    const before = of([[camera("a"), fine], [camera("b"), fine], [camera("c"), fine]]);
    const after = of([[camera("a"), fine], [camera("b"), lost], [camera("d"), fine]]);
    const found = difference(before, after);
    expect(found.changed.map((feature) => feature.properties.cid)).toEqual(["b"]);
    expect(found.changed[0]!.properties.rank).toBeGreaterThan(0);
    expect(found.added.map((feature) => feature.properties.cid)).toEqual(["d"]);
    expect(found.removed.map((number) => numbers.camera(number))).toEqual(["c"]);
  });

  it("leaves out cameras without a place", () => {
    expect(cameraFeature(camera("a", { lat: null }), fine, new Numbers())).toBeNull();
    expect(viewCone(camera("a", { heading_deg: null }))).toBeNull();
  });

  it("draws the cone towards the heading, as wide and far as the camera sees", () => {
    const [lon, lat] = project({ lat: 31.04, lon: 46.26 }, 90, 1000);
    expect((lon - 46.26) * 111_195 * Math.cos((31.04 * Math.PI) / 180)).toBeCloseTo(1000, 0);
    expect(lat).toBeCloseTo(31.04, 4);
    const ring = viewCone(camera("a"))!.geometry.coordinates[0]!;
    expect(ring[0]).toEqual(ring[ring.length - 1]);
    expect(Math.max(...ring.map((point) => point[0]!))).toBeGreaterThan(46.26);
    expect(Math.min(...ring.map((point) => point[0]!))).toBe(46.26);
  });

  it("finds the middle and the bounds", () => {
    expect(middle({ type: "Polygon", coordinates: [[[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]] })).toEqual([1, 1]);
    expect(boundsOf([camera("a"), camera("b", { lat: 32, lon: 45 }), camera("c", { lat: null })])).toEqual([45, 31.04, 46.26, 32]);
    expect(boundsOf([])).toBeNull();
    expect(boundsOfShape({ type: "Polygon", coordinates: [[[0, 0], [2, 1], [1, 3], [0, 0]]] })).toEqual([0, 0, 2, 3]);
    expect(joinBounds([null, [0, 0, 1, 1], null, [-1, 0.5, 0.5, 4]])).toEqual([-1, 0, 1, 4]);
  });

  it("takes 10,000 cameras within a frame or two", () => {
    const numbers = new Numbers();
    const many = Array.from({ length: 10_000 }, (_, index) => camera(`c${index}`, { lat: 30 + index / 5000 }));
    const of = (status: CameraStatus) => new Map(many.map((one) => cameraFeature(one, status, numbers)!).map((feature) => [feature.id, feature]));
    const before = of(fine);
    const start = performance.now();
    expect(difference(before, of(lost)).changed.length).toBe(10_000);
    expect(performance.now() - start).toBeLessThan(500);
  });
});

describe("alarms on the map", () => {
  const priorities = new Map<string, AlarmPriority>([["k", "critical"]]);
  const health = (doing_job: boolean, cause_id: string | null) => ({ id: "a", doing_job, cause_id, conditions: [] });

  it("ranks a camera by its stream or by the alarm that explains it", () => {
    expect(cameraRank(camera("a"), fine, undefined, priorities)).toBe(0);
    expect(cameraRank(camera("a"), fine, health(false, "k"), priorities)).toBe(4);
    expect(cameraRank(camera("a"), fine, health(false, null), priorities)).toBe(2);
    expect(cameraRank(camera("a"), fine, health(true, "k"), priorities)).toBe(0);
    expect(cameraRank(camera("a", { enabled: false }), fine, health(false, "k"), priorities)).toBe(0);
  });

  it("gives each place one sign, of its most urgent alarm", () => {
    const sites = new Map([["s", { id: "s", lat: 31, lon: 46 } as Site]]);
    const alarm = (id: string, part: Partial<Alarm>) => ({ id, site_id: null, camera_ids: [], priority: "low", state: "unacknowledged", ...part }) as Alarm;
    const alarms = [alarm("1", { site_id: "s", priority: "critical" }), alarm("2", { site_id: "s" }), alarm("3", { camera_ids: ["a"], state: "acknowledged" }), alarm("4", {})];
    const found = alarmFeatures(alarms, sites, new Map([["a", camera("a")]]), (priority) => priority[0]!);
    expect(found.map((one) => [one.properties.aid, one.properties.rank, one.properties.waits, one.properties.letter])).toEqual([["1", 4, true, "c"], ["3", 1, false, "l"]]); // prettier-ignore
  });
});
