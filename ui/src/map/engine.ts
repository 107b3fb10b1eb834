/**
 * MapLibre, set up once: its worker, the PMTiles protocol, and the web font that its labels are drawn with.
 *
 * Imported only by screens with a map, which are fetched when first opened: MapLibre is the largest part of the product.
 */
import { addProtocol, setWorkerUrl } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import { Protocol } from "pmtiles";
import "maplibre-gl/dist/maplibre-gl.css";

/** With no `glyphs` in the style, labels use this family of the page's own fonts; it has Latin and Arabic. */
export const MAP_FONT = "IBM Plex Sans Arabic";

let ready: Promise<void> | null = null;

export function mapReady(): Promise<void> {
  ready ??= (async () => {
    setWorkerUrl(workerUrl);
    addProtocol("pmtiles", new Protocol().tile);
    // A label drawn before its font is there would stay in the wrong one.
    await Promise.allSettled([
      document.fonts.load(`400 14px "${MAP_FONT}"`, "خارطة Map 09"),
      document.fonts.load(`500 14px "${MAP_FONT}"`, "خارطة Map 09"),
      document.fonts.load(`600 14px "${MAP_FONT}"`, "خارطة Map 09"),
    ]);
  })();
  return ready;
}
