/**
 * The map's look: outline of the countries, then the base layers that this installation has, then the network on top.
 *
 * Pure. Called by `provinceMap.ts` and `MiniMap.tsx`. A base layer is a file named for its kind (`roads.geojson`, `water.pmtiles`,
 * `area-districts.geojson`); a kind that is not known is left out.
 */
import type { LayerSpecification, SourceSpecification, StyleSpecification, ExpressionSpecification } from "maplibre-gl";
import type { Language, Theme } from "@/api/types";
import { MAP_FONT } from "./engine";
import { type Palette, PALETTES } from "./palette";

export interface BaseLayer {
  id: string;
  url: string;
  kind: string;
  /** Whom to name for it, as its licence asks; may be empty. */
  attribution: string;
  /** West, south, east, north. */
  bounds?: readonly [number, number, number, number] | null;
}

export const KINDS = ["area", "urban", "water", "rivers", "roads", "places"] as const;
type Kind = (typeof KINDS)[number];

const kindOf = (layer: BaseLayer): Kind | undefined => KINDS.find((kind) => layer.kind === kind);

const nameOf = (language: Language): ExpressionSpecification => {
  const fields = language === "ar"
    ? ["name_ar", "name:ar", "ADM3_AR", "ADM2_AR", "ADM1_AR", "name", "name_en"]
    : ["name_en", "name:en", "ADM3_EN", "ADM2_EN", "ADM1_EN", "name", "name_ar"];
  return ["coalesce", ...fields.map((field): ExpressionSpecification => ["get", field]), ""];
};

const FONT = { "text-font": [MAP_FONT] };
const roadClass: ExpressionSpecification = ["coalesce", ["get", "class"], ["get", "highway"], ["get", "kind"], ["get", "fclass"], "minor"];
const among = (...kinds: string[]): ExpressionSpecification => ["in", roadClass, ["literal", kinds]];
const isTrunk = among("motorway", "trunk", "primary", "road");
const isMiddle = among("secondary", "tertiary", "main_street");

function layersOf(kind: Kind, source: string, sourceLayer: string | undefined, p: Palette, language: Language): LayerSpecification[] {
  const from = { source, ...(sourceLayer ? { "source-layer": sourceLayer } : {}) };
  switch (kind) {
    case "area":
      return [{ id: `${source}-line`, type: "line", ...from, paint: { "line-color": p.area, "line-width": 1, "line-dasharray": [4, 3] } }];
    case "urban":
      return [{ id: `${source}-fill`, type: "fill", ...from, paint: { "fill-color": p.urban } }];
    case "water":
      return [{ id: `${source}-fill`, type: "fill", ...from, paint: { "fill-color": p.water } }];
    case "rivers":
      return [
        {
          id: `${source}-line`, type: "line", ...from, layout: { "line-cap": "round", "line-join": "round" },
          paint: { "line-color": p.water, "line-width": ["interpolate", ["linear"], ["zoom"], 6, 0.8, 10, 2, 15, 6] },
        },
      ]; // prettier-ignore
    case "roads": {
      const round = { "line-cap": "round", "line-join": "round" } as const;
      return [
        {
          id: `${source}-minor`, type: "line", ...from, minzoom: 11.5, filter: ["!", ["any", isTrunk, isMiddle]], layout: round,
          paint: { "line-color": p.road, "line-width": ["interpolate", ["linear"], ["zoom"], 11.5, 0.6, 14, 2.5, 18, 14] },
        },
        {
          id: `${source}-middle`, type: "line", ...from, minzoom: 9.5, filter: isMiddle, layout: round,
          paint: { "line-color": p.roadMain, "line-opacity": 0.8, "line-width": ["interpolate", ["linear"], ["zoom"], 9.5, 0.6, 14, 3.5, 18, 18] },
        },
        {
          id: `${source}-main`, type: "line", ...from, filter: isTrunk, layout: round,
          paint: { "line-color": p.roadMain, "line-width": ["interpolate", ["linear"], ["zoom"], 6, 0.8, 9, 1.8, 14, 5, 18, 22] },
        },
        {
          id: `${source}-label`, type: "symbol", ...from, minzoom: 14,
          layout: { ...FONT, "symbol-placement": "line", "text-field": nameOf(language), "text-size": 12, "text-padding": 20 },
          paint: { "text-color": p.textQuiet, "text-halo-color": p.halo, "text-halo-width": 1.4 },
        },
      ]; // prettier-ignore
    }
    case "places":
      return [
        {
          id: `${source}-label`, type: "symbol", ...from, minzoom: 9,
          layout: { ...FONT, "text-field": nameOf(language), "text-size": 12, "text-max-width": 7, "text-padding": 8 },
          paint: { "text-color": p.textQuiet, "text-halo-color": p.halo, "text-halo-width": 1.4 },
        },
      ]; // prettier-ignore
  }
}

const nothing: SourceSpecification = { type: "geojson", data: { type: "FeatureCollection", features: [] } };

/** The whole style. `countries` is the outline of the countries; `number` formats what stands on a cluster. */
export function styleOf(theme: Theme, language: Language, locale: string, base: readonly BaseLayer[], countries: GeoJSON.FeatureCollection): StyleSpecification {
  const p = PALETTES[theme];
  const sources: Record<string, SourceSpecification> = {
    countries: { type: "geojson", data: countries },
    sectors: nothing,
    towns: nothing,
    sites: nothing,
    cones: nothing,
    cameras: {
      type: "geojson",
      data: { type: "FeatureCollection", features: [] },
      cluster: true,
      clusterMaxZoom: 13,
      clusterRadius: 46,
      clusterProperties: {
        trouble: ["+", ["case", [">", ["get", "rank"], 0], 1, 0]],
        worst: ["max", ["get", "rank"]],
      },
    },
    selected: nothing,
    alarms: nothing,
  };
  const layers: LayerSpecification[] = [
    { id: "sea", type: "background", paint: { "background-color": p.sea } },
    { id: "land", type: "fill", source: "countries", paint: { "fill-color": p.land } },
  ];
  const ordered = KINDS.flatMap((kind) => base.filter((layer) => kindOf(layer) === kind).map((layer) => ({ layer, kind })));
  const places: LayerSpecification[] = [];
  for (const { layer, kind } of ordered) {
    const id = `base-${layer.id}`;
    const tiled = layer.url.endsWith(".pmtiles");
    const url = new URL(layer.url, location.href).href;
    sources[id] = tiled ? { type: "vector", url: `pmtiles://${url}` } : { type: "geojson", data: url };
    (kind === "places" ? places : layers).push(...layersOf(kind, id, tiled ? layer.id : undefined, p, language));
  }
  const tint: ExpressionSpecification = ["match", ["get", "tint"], ...p.tints.flatMap((colour, index) => [index, colour]), p.border] as unknown as ExpressionSpecification;
  const alarmColour: ExpressionSpecification = ["match", ["get", "rank"], 4, p.ranks[4]!, 3, p.ranks[3]!, 2, p.ranks[2]!, p.ranks[1]!];
  const worst: ExpressionSpecification = ["match", ["get", "worst"], 4, p.ranks[4]!, 3, p.ranks[3]!, 2, p.ranks[2]!, 1, p.ranks[1]!, p.clusterEdge];
  layers.push(
    { id: "borders", type: "line", source: "countries", paint: { "line-color": p.border, "line-width": 1 } },
    { id: "sector-fill", type: "fill", source: "sectors", filter: ["==", ["get", "part"], "ground"], paint: { "fill-color": tint, "fill-opacity": ["interpolate", ["linear"], ["zoom"], 8, 0.1, 13, 0.02] } },
    { id: "sector-line", type: "line", source: "sectors", filter: ["==", ["get", "part"], "ground"], paint: { "line-color": tint, "line-width": ["interpolate", ["linear"], ["zoom"], 7, 1, 12, 2.2], "line-opacity": 0.85 } },
    ...places,
    { id: "town-label", type: "symbol", source: "towns", minzoom: 8, layout: { ...FONT, "text-field": ["get", "name"], "text-size": ["interpolate", ["linear"], ["zoom"], 8, 12, 12, 15], "text-padding": 6, "text-variable-anchor": ["top", "bottom"], "text-radial-offset": 0.9 }, paint: { "text-color": p.text, "text-halo-color": p.halo, "text-halo-width": 1.6 } },
    { id: "sector-label", type: "symbol", source: "sectors", maxzoom: 11.5, filter: ["==", ["get", "part"], "label"], layout: { ...FONT, "text-field": ["get", "name"], "text-size": ["interpolate", ["linear"], ["zoom"], 7, 13, 10, 19], "text-max-width": 8, "text-variable-anchor": ["center", "top", "bottom", "left", "right"], "text-radial-offset": 1.8 }, paint: { "text-color": tint, "text-halo-color": p.halo, "text-halo-width": 1.8 } },
    { id: "cones", type: "fill", source: "cones", minzoom: 13.5, paint: { "fill-color": p.cone, "fill-opacity": ["case", ["boolean", ["get", "chosen"], false], 0.34, 0.15] } },
    { id: "cone-lines", type: "line", source: "cones", minzoom: 13.5, paint: { "line-color": p.cone, "line-opacity": ["case", ["boolean", ["get", "chosen"], false], 0.95, 0.4], "line-width": 1 } },
    { id: "site-dots", type: "circle", source: "sites", minzoom: 12.5, paint: { "circle-radius": ["interpolate", ["linear"], ["zoom"], 12.5, 2.5, 16, 5], "circle-color": p.halo, "circle-stroke-color": p.site, "circle-stroke-width": 1.6 } },
    { id: "site-label", type: "symbol", source: "sites", minzoom: 14.5, layout: { ...FONT, "text-field": ["get", "name"], "text-size": 12, "text-max-width": 9, "text-variable-anchor": ["bottom", "top", "left", "right"], "text-radial-offset": 2.6, "text-optional": true }, paint: { "text-color": p.text, "text-halo-color": p.halo, "text-halo-width": 1.6 } },
    {
      id: "alarm-rings", type: "circle", source: "alarms", minzoom: 12.5,
      paint: { "circle-radius": ["interpolate", ["linear"], ["zoom"], 12.5, 14, 16, 26], "circle-color": alarmColour, "circle-opacity": 0.1, "circle-stroke-color": alarmColour, "circle-stroke-width": ["+", 0.5, ["*", 0.6, ["get", "rank"]]] },
    },
    {
      id: "clusters", type: "circle", source: "cameras", filter: ["has", "point_count"],
      paint: {
        "circle-color": p.cluster,
        "circle-radius": ["interpolate", ["linear"], ["ln", ["get", "point_count"]], 0.7, 13, 3, 18, 7, 30],
        "circle-stroke-width": ["case", [">", ["get", "trouble"], 0], 3, 1.2],
        "circle-stroke-color": worst,
      },
    },
    {
      id: "cluster-count", type: "symbol", source: "cameras", filter: ["has", "point_count"],
      layout: { ...FONT, "text-field": ["number-format", ["get", "point_count"], { locale }], "text-size": 13, "text-allow-overlap": true, "text-padding": 13 },
      paint: { "text-color": p.text },
    },
    {
      id: "cluster-trouble", type: "symbol", source: "cameras", filter: ["all", ["has", "point_count"], [">", ["get", "trouble"], 0]],
      layout: {
        ...FONT, "icon-image": ["concat", "badge-", ["to-string", ["get", "worst"]]], "icon-allow-overlap": true, "text-allow-overlap": true,
        "icon-size": ["step", ["get", "trouble"], 1, 100, 1.4], "icon-offset": ["step", ["get", "trouble"], ["literal", [18, -18]], 100, ["literal", [13, -13]]], "text-field": ["number-format", ["get", "trouble"], { locale }], "text-size": 11.5, "text-offset": [1.57, -1.57],
      },
      paint: { "text-color": theme === "dark" ? "#10161d" : "#ffffff" },
    },
    {
      id: "cameras", type: "symbol", source: "cameras", filter: ["!", ["has", "point_count"]],
      layout: {
        "icon-image": ["concat", ["get", "kind"], "-", ["to-string", ["get", "rank"]]],
        "icon-rotate": ["get", "heading"], "icon-rotation-alignment": "map", "icon-allow-overlap": true, "icon-ignore-placement": true,
        "icon-size": ["interpolate", ["linear"], ["zoom"], 9, 0.62, 14, 0.9, 17, 1.15], "icon-offset": [0, -15],
      },
      paint: { "icon-opacity": ["match", ["get", "state"], ["disabled", "stopped", "unknown"], 0.5, 1] },
    },
    {
      id: "selected-ring", type: "circle", source: "selected",
      paint: { "circle-radius": 20, "circle-color": p.selected, "circle-opacity": 0.14, "circle-stroke-color": p.selected, "circle-stroke-width": 2 },
    },
    {
      id: "alarm-signs", type: "symbol", source: "alarms", minzoom: 8,
      layout: {
        ...FONT, "icon-image": ["concat", "alarm-", ["to-string", ["get", "rank"]], "-", ["to-string", ["get", "waits"]]], "icon-offset": [0, -27],
        "icon-size": ["interpolate", ["linear"], ["zoom"], 8, 0.6, 13, 1], "symbol-sort-key": ["-", ["get", "rank"]], "icon-allow-overlap": ["step", ["zoom"], false, 11, true],
        "text-field": ["step", ["zoom"], "", 11, ["get", "letter"]], "text-size": 12, "text-offset": ["match", ["get", "rank"], 3, ["literal", [0, -2.1]], ["literal", [0, -2.25]]], "text-allow-overlap": true, "text-optional": true,
      },
      paint: { "text-color": ["case", ["get", "waits"], theme === "dark" ? "#10161d" : "#ffffff", alarmColour] },
    },
    {
      id: "camera-code", type: "symbol", source: "cameras", minzoom: 17.3, filter: ["!", ["has", "point_count"]],
      layout: { ...FONT, "text-field": ["get", "code"], "text-size": 12, "text-offset": [0, 1.5], "text-optional": true, "text-padding": 3 },
      paint: { "text-color": p.text, "text-halo-color": p.halo, "text-halo-width": 1.6 },
    },
  ); // prettier-ignore
  return { version: 8, sources, layers };
}
