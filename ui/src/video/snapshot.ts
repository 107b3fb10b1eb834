/**
 * A picture taken from a tile: PNG with the camera's code and the moment written below it, saved by the browser.
 *
 * Called by the camera page and playback. The words are drawn outside of the picture, so nothing of it is covered.
 */

const STRIP_PX = 34;

export function snapshotCanvas(source: CanvasImageSource, widthPx: number, heightPx: number, code: string, words: string): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = widthPx;
  canvas.height = heightPx + STRIP_PX;
  const context = canvas.getContext("2d");
  if (!context) throw new Error("the canvas gives no 2D context");
  context.drawImage(source, 0, 0, widthPx, heightPx);
  context.fillStyle = "#0b0f14";
  context.fillRect(0, heightPx, widthPx, STRIP_PX);
  context.fillStyle = "#e3e9f0";
  context.textBaseline = "middle";
  context.font = '500 16px "IBM Plex Sans", "IBM Plex Sans Arabic", sans-serif';
  context.textAlign = "left";
  context.direction = "ltr";
  context.fillText(code, 12, heightPx + STRIP_PX / 2);
  context.textAlign = "right";
  context.fillText(words, widthPx - 12, heightPx + STRIP_PX / 2);
  return canvas;
}

export function fileStamp(us: number): string {
  return new Date(us / 1000).toISOString().replace(/[-:]/g, "").replace(/\.\d+Z/, "Z");
}

/** Saves `surface` as a PNG. @throws when nothing is drawn there yet. */
export async function saveSnapshot(
  surface: HTMLCanvasElement | HTMLVideoElement,
  camera: { code: string },
  us: number,
  words: string,
): Promise<void> {
  const widthPx = surface instanceof HTMLVideoElement ? surface.videoWidth : surface.width;
  const heightPx = surface instanceof HTMLVideoElement ? surface.videoHeight : surface.height;
  if (widthPx === 0 || heightPx === 0) throw new Error("no picture yet");
  const canvas = snapshotCanvas(surface, widthPx, heightPx, camera.code, words);
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/png"));
  if (!blob) throw new Error("the picture could not be encoded");
  saveBlob(blob, `${camera.code}-${fileStamp(us)}.png`);
}

export function saveBlob(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
