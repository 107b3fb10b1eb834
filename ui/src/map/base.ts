/** What lies under the network: the outline of the countries (shipped with us) and the layers of this installation. Fetched once. */
import type { Topology } from "topojson-specification";
import { feature } from "topojson-client";
import { api } from "@/api/client";
import type { BaseLayer } from "./style";

/** Whose the outline of the countries is. */
const OUTLINE_ATTRIBUTION = "Natural Earth";

/** Whom to name for what is drawn, each once. */
export const attributionOf = (base: readonly BaseLayer[]): string =>
  [...new Set([...base.map((layer) => layer.attribution.trim()), OUTLINE_ATTRIBUTION])].filter(Boolean).join(" · ");

let countries: Promise<GeoJSON.FeatureCollection> | null = null;

export function countryOutlines(): Promise<GeoJSON.FeatureCollection> {
  countries ??= import("world-atlas/countries-50m.json").then((module) => {
    const topology = module.default as unknown as Topology;
    return feature(topology, topology.objects["countries"]!) as GeoJSON.FeatureCollection;
  });
  return countries;
}

let layers: Promise<BaseLayer[]> | null = null;

/** The base layers; none where the server has none or cannot be asked (the map is then outline and network). */
export function baseLayers(): Promise<BaseLayer[]> {
  layers ??= api
    .get<{ layers: BaseLayer[] } | BaseLayer[]>("/api/map/layers")
    .then((answer) => (Array.isArray(answer) ? answer : answer.layers))
    .catch(() => {
      layers = null; // asked again when the next map opens
      return [];
    });
  return layers;
}
