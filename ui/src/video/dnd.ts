/** What is dragged on the wall: a camera from a list, or a tile with its camera. The browser's own drag and drop. */

const TYPE = "application/x-manara-camera";

export interface Dragged {
  readonly cameraId: string;
  /** The tile it comes from; null from a list. */
  readonly tile: number | null;
}

export function setDragged(event: React.DragEvent, dragged: Dragged): void {
  event.dataTransfer.setData(TYPE, JSON.stringify(dragged));
  event.dataTransfer.effectAllowed = "copyMove";
}

export const isDragged = (event: React.DragEvent): boolean => event.dataTransfer.types.includes(TYPE);

export function getDragged(event: React.DragEvent): Dragged | null {
  try {
    const value = JSON.parse(event.dataTransfer.getData(TYPE)) as Partial<Dragged>;
    return typeof value.cameraId === "string" ? { cameraId: value.cameraId, tile: typeof value.tile === "number" ? value.tile : null } : null;
  } catch {
    return null; // something else was dropped here
  }
}
