/**
 * A small still map of one place: a site and its cameras with their cones. One map stays while the place changes, since making one is
 * what costs. Used beside an alarm.
 */
import { type GeoJSONSource, Map as MapLibre } from "maplibre-gl";
import { useEffect, useMemo, useRef, useState } from "react";
import { useFormats } from "@/i18n/format";
import { useVersion } from "@/state/hooks";
import { usePreferences } from "@/state/preferences";
import { world } from "@/state/world";
import { baseLayers, countryOutlines } from "./base";
import { mapReady } from "./engine";
import { boundsOf, cameraFeature, collection, Numbers, sectorFeatures, siteFeatures, townFeatures, viewCone } from "./features";
import { PALETTES } from "./palette";
import { styleOf } from "./style";
import { addSymbols } from "./symbols";

const LIMIT = 200;
/** Making a map keeps the browser busy: the live picture beside it comes first. */
const AFTER_MS = 500;
const ZOOM = 15;

export function PlaceMap({ siteId, cameraIds }: { siteId: string | null; cameraIds: readonly string[] }) {
  const host = useRef<HTMLDivElement>(null);
  const f = useFormats();
  const { theme } = usePreferences().preferences;
  const [map, setMap] = useState<MapLibre | null>(null);
  const key = cameraIds.slice(0, LIMIT).join();
  const versions = [useVersion("camera"), useVersion("site")].join();
  const shown = useMemo(
    () => {
      const site = siteId ? world.sites.get(siteId) : undefined;
      const cameras = key.split(",").flatMap((id) => world.cameras.get(id) ?? []);
      return { site, cameras, bounds: boundsOf([...cameras, ...(site ? [site] : [])]) };
    },
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [siteId, key, versions],
  );
  const known = shown.bounds !== null;
  useEffect(() => {
    const element = host.current;
    if (!element || !known) return;
    let made: MapLibre | null = null;
    let gone = false;
    const begin = async () => {
      const [base, countries] = await Promise.all([baseLayers(), countryOutlines(), mapReady()]);
      if (gone) return;
      made = new MapLibre({ container: element, style: styleOf(theme, f.language, f.locale, base, countries), interactive: false, attributionControl: false, fadeDuration: 0, center: [46, 31], zoom: 5 });
      const ready = made;
      ready.on("load", () => {
        addSymbols(ready, PALETTES[theme]);
        ready.getSource<GeoJSONSource>("sectors")?.setData(collection(sectorFeatures([...world.sectors.values()], f.language)));
        ready.getSource<GeoJSONSource>("towns")?.setData(collection(townFeatures([...world.towns.values()], f.language)));
        if (!gone) setMap(ready);
      });
    };
    const timer = window.setTimeout(() => {
      begin().catch((error: unknown) => console.warn("place map", error)); // WebGL may be missing: the words beside it say the place too
    }, AFTER_MS);
    return () => {
      gone = true;
      window.clearTimeout(timer);
      setMap(null);
      made?.remove();
    };
  }, [theme, f.language, f.locale, known]);
  useEffect(() => {
    if (!map || !shown.bounds) return;
    const put = (name: string, data: GeoJSON.FeatureCollection) => map.getSource<GeoJSONSource>(name)?.setData(data);
    const numbers = new Numbers();
    put("cameras", collection(shown.cameras.flatMap((camera) => cameraFeature(camera, world.statuses.get(camera.id), numbers) ?? [])));
    put("cones", collection(shown.cameras.flatMap((camera) => viewCone(camera) ?? []).map((cone) => ({ ...cone, properties: { chosen: true } }))));
    put("sites", collection(shown.site ? siteFeatures([shown.site], f.language) : []));
    map.fitBounds(shown.bounds, { padding: 40, maxZoom: ZOOM, duration: 0 });
  }, [map, shown, f.language]);
  if (!known) return null;
  return <div ref={host} className="place-map" dir="ltr" aria-hidden="true" />;
}
