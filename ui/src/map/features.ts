/**
 * Cameras, sites and sectors as GeoJSON, and what changed between two states of the network.
 *
 * Pure. Called by `provinceMap.ts`. Distances on a sphere of 6,371 km, good to a metre over the few hundred metres of a view cone.
 */
import type { Alarm, AlarmPriority, CameraHealth } from "@/api/health";
import type { Camera, CameraStatus, Language, Sector, Site, Town } from "@/api/types";
import { isUnacknowledged } from "@/alarms/order";
import { judgeCamera, PRIORITY_RANK } from "@/state/camera_state";

export interface CameraProperties {
  cid: string;
  code: string;
  kind: "fixed" | "ptz";
  /** 0 nothing needs a person … 4 critical. */
  rank: number;
  state: string;
  heading: number;
}
export type CameraFeature = GeoJSON.Feature<GeoJSON.Point, CameraProperties> & { id: number };

export interface Placed {
  lat: number;
  lon: number;
}

const isPlaced = <T extends { lat: number | null; lon: number | null }>(thing: T): thing is T & Placed =>
  typeof thing.lat === "number" && typeof thing.lon === "number" && Math.abs(thing.lat) <= 85 && Math.abs(thing.lon) <= 180;

/** Gives each camera a lasting number: the map's own features are known by numbers. */
export class Numbers {
  private readonly byCamera = new Map<string, number>();
  private readonly byNumber: string[] = [];
  of(cameraId: string): number {
    let number = this.byCamera.get(cameraId);
    if (number === undefined) {
      number = this.byNumber.push(cameraId); // from 1: some engines take 0 for "none"
      this.byCamera.set(cameraId, number);
    }
    return number;
  }
  camera(number: number): string | undefined {
    return this.byNumber[number - 1];
  }
}

/**
 * How much a camera needs a person: by its stream, or by what health found of it (as urgent as the alarm that explains it, medium where
 * none does).
 */
export function cameraRank(camera: Camera, status: CameraStatus | undefined, health: CameraHealth | undefined, priorityOf: ReadonlyMap<string, AlarmPriority>): number {
  const rank = PRIORITY_RANK[judgeCamera(camera, status).priority];
  if (!camera.enabled || !health || health.doing_job) return rank;
  return Math.max(rank, PRIORITY_RANK[(health.cause_id ? priorityOf.get(health.cause_id) : undefined) ?? "medium"]);
}

export function cameraFeature(camera: Camera, status: CameraStatus | undefined, numbers: Numbers, rank?: number): CameraFeature | null {
  if (!isPlaced(camera)) return null;
  const judged = judgeCamera(camera, status);
  return {
    type: "Feature",
    id: numbers.of(camera.id),
    geometry: { type: "Point", coordinates: [camera.lon, camera.lat] },
    properties: {
      cid: camera.id,
      code: camera.code,
      kind: camera.kind,
      rank: rank ?? PRIORITY_RANK[judged.priority],
      state: judged.state,
      heading: camera.heading_deg ?? 0,
    },
  };
}

export interface Difference {
  added: CameraFeature[];
  changed: CameraFeature[];
  removed: number[];
}

/** What must be told to the map so that it shows `next` instead of `known`. */
export function difference(known: ReadonlyMap<number, CameraFeature>, next: ReadonlyMap<number, CameraFeature>): Difference {
  const found: Difference = { added: [], changed: [], removed: [] };
  for (const [id, feature] of next) {
    const old = known.get(id);
    if (!old) found.added.push(feature);
    else if (!same(old, feature)) found.changed.push(feature);
  }
  for (const id of known.keys()) if (!next.has(id)) found.removed.push(id);
  return found;
}

function same(left: CameraFeature, right: CameraFeature): boolean {
  const a = left.properties;
  const b = right.properties;
  return (
    a.rank === b.rank && a.state === b.state && a.heading === b.heading && a.kind === b.kind && a.code === b.code &&
    left.geometry.coordinates[0] === right.geometry.coordinates[0] &&
    left.geometry.coordinates[1] === right.geometry.coordinates[1]
  ); // prettier-ignore
}

const EARTH_M = 6_371_000;
const RAD = Math.PI / 180;

/** The point `distanceM` from here towards `bearingDeg` (0 north, clockwise). */
export function project(from: Placed, bearingDeg: number, distanceM: number): [number, number] {
  const angle = distanceM / EARTH_M;
  const lat = from.lat * RAD;
  const bearing = bearingDeg * RAD;
  const toLat = Math.asin(Math.sin(lat) * Math.cos(angle) + Math.cos(lat) * Math.sin(angle) * Math.cos(bearing));
  const toLon = from.lon * RAD + Math.atan2(Math.sin(bearing) * Math.sin(angle) * Math.cos(lat), Math.cos(angle) - Math.sin(lat) * Math.sin(toLat));
  return [toLon / RAD, toLat / RAD];
}

const DEFAULT_RANGE_M = 60;
const DEFAULT_VIEW_DEG = 70;

/** The ground a camera sees: a sector of a circle; null without place or heading. */
export function viewCone(camera: Camera): GeoJSON.Feature<GeoJSON.Polygon, { cid: string; kind: string }> | null {
  if (!isPlaced(camera) || camera.heading_deg === null) return null;
  const width = Math.min(359, Math.max(2, camera.field_of_view_deg ?? DEFAULT_VIEW_DEG));
  const range = Math.max(5, camera.range_m ?? DEFAULT_RANGE_M);
  const steps = Math.max(4, Math.ceil(width / 6));
  const ring: [number, number][] = [[camera.lon, camera.lat]];
  for (let step = 0; step <= steps; step++) ring.push(project(camera, camera.heading_deg - width / 2 + (width * step) / steps, range));
  ring.push([camera.lon, camera.lat]);
  return { type: "Feature", geometry: { type: "Polygon", coordinates: [ring] }, properties: { cid: camera.id, kind: camera.kind } };
}

export const collection = <G extends GeoJSON.Geometry, P>(features: GeoJSON.Feature<G, P>[]): GeoJSON.FeatureCollection<G, P> => ({
  type: "FeatureCollection",
  features,
});

const TINTS = 6;

export function sectorFeatures(sectors: readonly Sector[], language: Language): GeoJSON.Feature[] {
  return sectors.flatMap((sector, index): GeoJSON.Feature[] => {
    if (!sector.boundary) return [];
    const name = (language === "ar" ? sector.name_ar : sector.name_en) || sector.name_ar || sector.name_en || sector.code;
    const properties = { name, tint: index % TINTS };
    const label = middle(sector.boundary);
    return [
      { type: "Feature", geometry: sector.boundary, properties: { ...properties, part: "ground" } },
      ...(label ? [{ type: "Feature" as const, geometry: { type: "Point" as const, coordinates: label }, properties: { ...properties, part: "label" } }] : []),
    ];
  });
}

/** The centre of mass of the largest ring: inside for all but crescents. */
export function middle(shape: GeoJSON.Polygon | GeoJSON.MultiPolygon): [number, number] | null {
  const rings = shape.type === "Polygon" ? [shape.coordinates[0]] : shape.coordinates.map((polygon) => polygon[0]);
  let best: [number, number] | null = null;
  let largest = 0;
  for (const ring of rings) {
    if (!ring || ring.length < 4) continue;
    let area = 0;
    let x = 0;
    let y = 0;
    for (let index = 0; index + 1 < ring.length; index++) {
      const [x1 = 0, y1 = 0] = ring[index]!;
      const [x2 = 0, y2 = 0] = ring[index + 1]!;
      const cross = x1 * y2 - x2 * y1;
      area += cross;
      x += (x1 + x2) * cross;
      y += (y1 + y2) * cross;
    }
    if (Math.abs(area) > largest) {
      largest = Math.abs(area);
      best = [x / (3 * area), y / (3 * area)];
    }
  }
  return best;
}

export const siteFeatures = (sites: readonly Site[], language: Language): GeoJSON.Feature[] =>
  sites.filter(isPlaced).map((site) => ({
    type: "Feature",
    geometry: { type: "Point", coordinates: [site.lon, site.lat] },
    properties: { kind: site.kind, name: (language === "ar" ? site.name_ar : site.name_en) || site.name_ar || site.name_en || site.code },
  }));

export interface AlarmProperties {
  aid: string;
  priority: AlarmPriority;
  rank: number;
  /** Drawn full while it waits, as a ring once somebody has it. */
  waits: boolean;
  letter: string;
}

/** One sign a place: its most urgent open alarm (the first, `alarms` come in the order of what matters). */
export function alarmFeatures(
  alarms: readonly Alarm[],
  sites: ReadonlyMap<string, Site>,
  cameras: ReadonlyMap<string, Camera>,
  letterOf: (priority: AlarmPriority) => string,
): GeoJSON.Feature<GeoJSON.Point, AlarmProperties>[] {
  const found = new Map<string, GeoJSON.Feature<GeoJSON.Point, AlarmProperties>>();
  for (const alarm of alarms) {
    const camera = alarm.camera_ids.length > 0 ? cameras.get(alarm.camera_ids[0]!) : undefined;
    const site = sites.get(alarm.site_id ?? camera?.site_id ?? "");
    const place = site && isPlaced(site) ? site : camera && isPlaced(camera) ? camera : null;
    if (!place) continue;
    const key = `${place.lat},${place.lon}`;
    if (found.has(key)) continue;
    const properties = { aid: alarm.id, priority: alarm.priority, rank: PRIORITY_RANK[alarm.priority], waits: isUnacknowledged(alarm), letter: letterOf(alarm.priority) };
    found.set(key, { type: "Feature", geometry: { type: "Point", coordinates: [place.lon!, place.lat!] }, properties });
  }
  return [...found.values()];
}

export const townFeatures = (towns: readonly Town[], language: Language): GeoJSON.Feature[] =>
  towns.filter(isPlaced).map((town) => ({
    type: "Feature",
    geometry: { type: "Point", coordinates: [town.lon, town.lat] },
    properties: { name: (language === "ar" ? town.name_ar : town.name_en) || town.name_ar || town.name_en || town.code },
  }));

export type Bounds = [number, number, number, number];

/** West, south, east, north of all placed things; null when there are none. */
export function boundsOf(things: readonly { lat: number | null; lon: number | null }[]): Bounds | null {
  let bounds: Bounds | null = null;
  for (const thing of things) {
    if (!isPlaced(thing)) continue;
    bounds = bounds
      ? [Math.min(bounds[0], thing.lon), Math.min(bounds[1], thing.lat), Math.max(bounds[2], thing.lon), Math.max(bounds[3], thing.lat)]
      : [thing.lon, thing.lat, thing.lon, thing.lat];
  }
  return bounds;
}

/** Bounds of a polygon's outer rings. */
export function boundsOfShape(shape: GeoJSON.Polygon | GeoJSON.MultiPolygon | null): Bounds | null {
  if (!shape) return null;
  const rings = shape.type === "Polygon" ? [shape.coordinates[0]] : shape.coordinates.map((polygon) => polygon[0]);
  return boundsOf(rings.flatMap((ring) => (ring ?? []).map(([lon, lat]) => ({ lon: lon ?? null, lat: lat ?? null }))));
}

export function joinBounds(all: readonly (Bounds | null)[]): Bounds | null {
  return all.reduce<Bounds | null>((sum, next) => {
    if (!sum || !next) return sum ?? next;
    return [Math.min(sum[0], next[0]), Math.min(sum[1], next[1]), Math.max(sum[2], next[2]), Math.max(sum[3], next[3])];
  }, null);
}
