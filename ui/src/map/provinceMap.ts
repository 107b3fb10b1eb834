/**
 * The map of the province, outside React: told what the network is, it keeps its sources equal to it, in batches.
 *
 * Tells back what is pointed at and chosen. Called by `MapScreen.tsx`. Bounds: camera changes are told to the map at most four times a
 * second, as differences; cones are drawn for at most 600 cameras in view.
 */
import { type GeoJSONSource, type MapGeoJSONFeature, Map as MapLibre, type MapMouseEvent, NavigationControl, ScaleControl } from "maplibre-gl";
import type { Alarm, AlarmPriority } from "@/api/health";
import type { Camera, CameraStatus, Language, Sector, Site, Theme, Town } from "@/api/types";
import { attributionOf, baseLayers, countryOutlines } from "./base";
import { mapReady } from "./engine";
import { alarmFeatures, type Bounds, boundsOf, boundsOfShape, cameraFeature, type CameraFeature, collection, difference, joinBounds, Numbers, sectorFeatures, siteFeatures, townFeatures, viewCone } from "./features";
import { PALETTES } from "./palette";
import { type BaseLayer, styleOf } from "./style";
import { addSymbols } from "./symbols";

const RENEW_MS = 250;
const CONES_FROM_ZOOM = 13.5;
const LIMIT_CONES = 600;
/** More changes than this are quicker as a whole. */
const LIMIT_DIFFERENCE = 1500;

export interface Look {
  theme: Theme;
  language: Language;
  locale: string;
}
export interface MapListener {
  hovered(cameraId: string | null, x: number, y: number): void;
  chosen(cameraId: string | null): void;
  /** An alarm's sign was pressed. */
  alarmed(alarmId: string): void;
  failed(error: unknown): void;
  settled(): void;
  /** Part of the base map is drawn by rule rather than surveyed. */
  schematic(): void;
  /** Whom to name for the base map. */
  attributed(text: string): void;
}

/** Where a map was left, so that coming back (or a change of theme) finds it there. */
export interface Place {
  center: [number, number];
  zoom: number;
}

export class ProvinceMap {
  private map: MapLibre | null = null;
  private gone = false;
  private loaded = false;
  private readonly numbers = new Numbers();
  private cameras: readonly Camera[] = [];
  private statuses: ReadonlyMap<string, CameraStatus> = new Map();
  private sectors: readonly Sector[] = [];
  private sites: readonly Site[] = [];
  private towns: readonly Town[] = [];
  private base: readonly BaseLayer[] = [];
  private ranks: ReadonlyMap<string, number> = new Map();
  private alarms: readonly Alarm[] = [];
  private letterOf: (priority: AlarmPriority) => string = () => "";
  private shown = new Map<number, CameraFeature>();
  private timer: number | undefined;
  private whole = true;
  private selected: string | null = null;
  private hovered: string | null = null;

  constructor(
    private readonly host: HTMLElement,
    private readonly look: Look,
    private readonly listener: MapListener,
    private readonly place: Place | null,
  ) {
    void this.begin();
  }

  private async begin(): Promise<void> {
    try {
      const [base, countries] = await Promise.all([baseLayers(), countryOutlines(), mapReady()]);
      if (this.gone) return;
      this.base = base;
      this.listener.attributed(attributionOf(base));
      const map = new MapLibre({
        container: this.host,
        style: styleOf(this.look.theme, this.look.language, this.look.locale, base, countries),
        ...(this.place ?? this.firstPlace()),
        minZoom: 1.5,
        maxZoom: 19,
        attributionControl: false,
        dragRotate: false,
        pitchWithRotate: false,
        touchPitch: false,
        fadeDuration: 120,
      });
      this.map = map;
      // The map itself is not mirrored; its controls stand away from the reading side, where the legend is.
      const corner = this.look.language === "ar" ? "bottom-left" : "bottom-right";
      map.addControl(new ScaleControl({ unit: "metric" }), corner);
      map.addControl(new NavigationControl({ showCompass: false }), corner);
      map.touchZoomRotate.disableRotation();
      map.on("load", () => this.arrive());
      map.on("error", (event) => this.listener.failed(event.error));
    } catch (error) {
      this.listener.failed(error);
    }
  }

  private firstPlace(): { bounds: Bounds; fitBoundsOptions: { padding: number } } | Place {
    const bounds = this.bounds();
    return bounds ? { bounds, fitBoundsOptions: { padding: 36 } } : { center: [0, 20], zoom: 1.5 };
  }

  /** Of the network; of the base map where there is no network yet. */
  private bounds(): Bounds | null {
    return (
      joinBounds([...this.sectors.map((sector) => boundsOfShape(sector.boundary)), boundsOf(this.cameras), boundsOf(this.towns)]) ??
      joinBounds(this.base.map((layer) => (layer.bounds ? [...layer.bounds] : null)))
    );
  }

  private arrive(): void {
    const { map } = this;
    if (!map || this.gone) return;
    addSymbols(map, PALETTES[this.look.theme]);
    this.loaded = true;
    map.on("mousemove", (event) => this.point(event));
    map.on("mouseout", () => this.hover(null, 0, 0));
    map.on("click", (event) => void this.click(event));
    map.on("moveend", () => {
      this.drawCones();
      this.listener.settled();
    });
    map.on("idle", () => {
      this.host.dataset["idle"] = "true";
      this.lookForSchematic();
    });
    this.showPlaces();
    this.showAlarms();
    this.renew();
    this.host.dataset["loaded"] = "true";
    if (!this.place) this.fit(false);
  }

  private toldSchematic = false;

  private lookForSchematic(): void {
    const { map } = this;
    if (!map || this.toldSchematic) return;
    const drawn = Object.keys(map.getStyle().sources).some(
      (id) => id.startsWith("base-") && map.querySourceFeatures(id, { filter: ["==", ["get", "schematic"], true], sourceLayer: id.slice(5) }).length > 0,
    );
    if (!drawn) return;
    this.toldSchematic = true;
    this.listener.schematic();
  }

  get current(): Place | null {
    if (!this.map) return this.place;
    const { lng, lat } = this.map.getCenter();
    return { center: [lng, lat], zoom: this.map.getZoom() };
  }

  /** `ranks` says how much those cameras need a person of which health knows more than their stream does. */
  setCameras(cameras: readonly Camera[], statuses: ReadonlyMap<string, CameraStatus>, ranks: ReadonlyMap<string, number>): void {
    this.cameras = cameras;
    this.statuses = statuses;
    this.ranks = ranks;
    this.timer ??= window.setTimeout(() => {
      this.timer = undefined;
      this.renew();
    }, this.shown.size ? RENEW_MS : 0);
  }

  setPlaces(sectors: readonly Sector[], sites: readonly Site[], towns: readonly Town[]): void {
    this.sectors = sectors;
    this.sites = sites;
    this.towns = towns;
    this.showPlaces();
    this.showAlarms();
  }

  /** Open alarms in the order of what matters; `letterOf` gives the letter on the sign. */
  setAlarms(alarms: readonly Alarm[], letterOf: (priority: AlarmPriority) => string): void {
    this.alarms = alarms;
    this.letterOf = letterOf;
    this.showAlarms();
  }

  private showAlarms(): void {
    const sites = new Map(this.sites.map((site) => [site.id, site]));
    const cameras = new Map(this.cameras.map((camera) => [camera.id, camera]));
    const features = alarmFeatures(this.alarms, sites, cameras, this.letterOf);
    this.source("alarms")?.setData(collection(features));
    if (this.loaded) this.host.dataset["alarms"] = String(features.length);
  }

  private source(name: string): GeoJSONSource | undefined {
    return this.loaded ? this.map?.getSource<GeoJSONSource>(name) : undefined;
  }

  private showPlaces(): void {
    this.source("sectors")?.setData(collection(sectorFeatures(this.sectors, this.look.language)));
    this.source("sites")?.setData(collection(siteFeatures(this.sites, this.look.language)));
    this.source("towns")?.setData(collection(townFeatures(this.towns, this.look.language)));
  }

  private renew(): void {
    const source = this.source("cameras");
    if (!source) return;
    const next = new Map<number, CameraFeature>();
    for (const camera of this.cameras) {
      const feature = cameraFeature(camera, this.statuses.get(camera.id), this.numbers, this.ranks.get(camera.id));
      if (feature) next.set(feature.id, feature);
    }
    const { added, changed, removed } = difference(this.shown, next);
    const count = added.length + changed.length + removed.length;
    if (count > 0) {
      const first = this.shown.size === 0 && next.size > 0 && !this.place;
      if (this.whole || count > LIMIT_DIFFERENCE) source.setData(collection([...next.values()]));
      else {
        source.updateData({
          remove: removed,
          add: added,
          update: changed.map((feature) => ({
            id: feature.id,
            newGeometry: feature.geometry,
            addOrUpdateProperties: Object.entries(feature.properties).map(([key, value]) => ({ key, value: value as unknown })),
          })),
        });
      }
      this.whole = false;
      this.shown = next;
      this.host.dataset["cameras"] = String(next.size);
      if (first) this.fit(false);
    }
    this.drawCones();
    this.drawSelected();
  }

  private drawCones(): void {
    const { map } = this;
    const source = this.source("cones");
    if (!map || !source) return;
    if (map.getZoom() < CONES_FROM_ZOOM - 0.5) {
      source.setData(collection([]));
      return;
    }
    const view = map.getBounds();
    const cones = [];
    for (const camera of this.cameras) {
      if (camera.lat === null || camera.lon === null || !view.contains([camera.lon, camera.lat])) continue;
      const cone = viewCone(camera);
      if (cone) cones.push({ ...cone, properties: { ...cone.properties, chosen: camera.id === this.selected } });
      if (cones.length >= LIMIT_CONES) break;
    }
    source.setData(collection(cones));
  }

  private drawSelected(): void {
    const camera = this.cameras.find((one) => one.id === (this.hovered ?? this.selected));
    const point = (lon: number, lat: number): GeoJSON.Feature => ({ type: "Feature", geometry: { type: "Point", coordinates: [lon, lat] }, properties: {} });
    this.source("selected")?.setData(collection(camera && camera.lat !== null && camera.lon !== null ? [point(camera.lon, camera.lat)] : []));
  }

  /** Rings a camera, from the list beside the map. */
  highlight(cameraId: string | null): void {
    this.hovered = cameraId;
    this.drawSelected();
  }

  select(cameraId: string | null, go: boolean): void {
    this.selected = cameraId;
    this.drawSelected();
    this.drawCones();
    const camera = this.cameras.find((one) => one.id === cameraId);
    if (!go || !this.map || !camera || camera.lat === null || camera.lon === null) return;
    this.map.easeTo({ center: [camera.lon, camera.lat], zoom: Math.max(this.map.getZoom(), 15.5), offset: this.besideCard(), duration: this.duration(700) });
  }

  /** The card with the live picture covers the beginning side: what is gone to stands in the part that is left. */
  private besideCard(): [number, number] {
    const aside = Math.min(200, this.host.clientWidth * 0.15);
    return [this.look.language === "ar" ? -aside : aside, 0];
  }

  private duration(ms: number): number {
    return window.matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : ms;
  }

  fit(animated = true): void {
    const bounds = this.bounds();
    if (bounds) this.map?.fitBounds(bounds, { padding: 36, maxZoom: 14, duration: animated ? this.duration(600) : 0 });
  }

  private at(event: MapMouseEvent): MapGeoJSONFeature | undefined {
    const { x, y } = event.point;
    // Some room around the pointer: symbols are small and hands are not steady.
    const around: [[number, number], [number, number]] = [[x - 6, y - 6], [x + 6, y + 6]]; // prettier-ignore
    const found = this.map?.queryRenderedFeatures(around, { layers: ["alarm-signs", "cameras", "clusters", "alarm-rings"] });
    // The sign lies above; a ring counts only where no camera or cluster is.
    return found?.find((feature) => feature.layer.id !== "alarm-rings") ?? found?.[0];
  }

  private point(event: MapMouseEvent): void {
    if (!this.map || this.map.isMoving()) return;
    const found = this.at(event);
    this.map.getCanvas().style.cursor = found ? "pointer" : "";
    const id = found?.properties["cid"] as string | undefined;
    this.hover(id ?? null, event.point.x, event.point.y);
  }

  private hover(id: string | null, x: number, y: number): void {
    if (id === this.hovered && !id) return;
    this.hovered = id;
    this.listener.hovered(id, x, y);
  }

  private async click(event: MapMouseEvent): Promise<void> {
    const found = this.at(event);
    if (!found) {
      this.listener.chosen(null);
      return;
    }
    const alarm = found.properties["aid"] as string | undefined;
    if (alarm !== undefined) {
      this.listener.alarmed(alarm);
      return;
    }
    const cluster = found.properties["cluster_id"] as number | undefined;
    if (cluster === undefined) {
      this.listener.chosen(found.properties["cid"] as string);
      return;
    }
    const source = this.source("cameras");
    const geometry = found.geometry;
    if (!source || geometry.type !== "Point") return;
    const zoom = await source.getClusterExpansionZoom(cluster).catch(() => null); // the cluster may be gone by now
    if (zoom !== null) this.map?.easeTo({ center: geometry.coordinates as [number, number], zoom: zoom + 0.2, duration: this.duration(450) });
  }

  resize(): void {
    this.map?.resize();
  }

  close(): void {
    this.gone = true;
    window.clearTimeout(this.timer);
    this.map?.remove();
    this.map = null;
  }
}
