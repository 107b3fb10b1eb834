/** A small still map around one camera, with its cone. Used beside the live picture. */
import { type GeoJSONSource, Map as MapLibre } from "maplibre-gl";
import { useEffect, useRef } from "react";
import type { Camera } from "@/api/types";
import { useFormats } from "@/i18n/format";
import { usePreferences } from "@/state/preferences";
import { world } from "@/state/world";
import { baseLayers, countryOutlines } from "./base";
import { mapReady } from "./engine";
import { cameraFeature, collection, Numbers, sectorFeatures, townFeatures, viewCone } from "./features";
import { PALETTES } from "./palette";
import { styleOf } from "./style";
import { addSymbols } from "./symbols";

export function MiniMap({ camera }: { camera: Camera }) {
  const host = useRef<HTMLDivElement>(null);
  const f = useFormats();
  const { preferences } = usePreferences();
  const { theme } = preferences;
  useEffect(() => {
    const element = host.current;
    if (!element || camera.lat === null || camera.lon === null) return;
    const center: [number, number] = [camera.lon, camera.lat];
    let map: MapLibre | null = null;
    let gone = false;
    const begin = async () => {
      const [base, countries] = await Promise.all([baseLayers(), countryOutlines(), mapReady()]);
      if (gone) return;
      const made = new MapLibre({ container: element, style: styleOf(theme, f.language, f.locale, base, countries), center, zoom: 15, interactive: false, attributionControl: false, fadeDuration: 0 });
      map = made;
      made.on("load", () => {
        addSymbols(made, PALETTES[theme]);
        const put = (name: string, data: GeoJSON.FeatureCollection) => made.getSource<GeoJSONSource>(name)?.setData(data);
        const feature = cameraFeature(camera, world.statuses.get(camera.id), new Numbers());
        const cone = viewCone(camera);
        put("cameras", collection(feature ? [feature] : []));
        put("cones", collection(cone ? [{ ...cone, properties: { chosen: true } }] : []));
        put("sectors", collection(sectorFeatures([...world.sectors.values()], f.language)));
        put("towns", collection(townFeatures([...world.towns.values()], f.language)));
      });
    };
    begin().catch((error: unknown) => console.warn("mini map", error)); // WebGL may be missing: the facts beside it say the place too
    return () => {
      gone = true;
      map?.remove();
    };
  }, [camera, theme, f.language, f.locale]);
  return <div ref={host} className="mini-map" aria-hidden="true" />;
}
