/**
 * The map's symbols, drawn on canvases: a camera by kind and by how much it needs a person, and the badge of a cluster.
 *
 * State is told by shape as well as colour: normal is a plain outline, trouble is filled and larger with rank. Called by `provinceMap.ts`.
 */
import type { Map as MapLibre } from "maplibre-gl";
import type { Palette } from "./palette";

const RATIO = 2;

type Draw = (context: CanvasRenderingContext2D, size: number) => void;

function image(size: number, draw: Draw): ImageData {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size * RATIO;
  const context = canvas.getContext("2d");
  if (!context) throw new Error("the canvas gives no 2D context");
  context.scale(RATIO, RATIO);
  draw(context, size);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

/** A fixed camera: a body with its lens to the north; the map turns it to its heading. */
const fixed = (fill: string, edge: string, rank: number): Draw => (c, size) => {
  const middle = size / 2;
  c.lineWidth = 1.5;
  c.strokeStyle = edge;
  c.fillStyle = fill;
  c.lineJoin = "round";
  c.beginPath();
  c.moveTo(middle, middle - 10);
  c.lineTo(middle + 8, middle + 8);
  c.lineTo(middle, middle + 4.5);
  c.lineTo(middle - 8, middle + 8);
  c.closePath();
  c.fill();
  c.stroke();
  if (rank > 0) mark(c, middle, middle + 1, edge, rank);
};

/** A moving camera: round, with a lens. */
const ptz = (fill: string, edge: string, rank: number): Draw => (c, size) => {
  const middle = size / 2;
  c.lineWidth = 1.5;
  c.strokeStyle = edge;
  c.fillStyle = fill;
  c.beginPath();
  c.moveTo(middle, middle - 12);
  c.lineTo(middle + 5, middle - 6);
  c.arc(middle, middle, 8, -0.85, Math.PI + 0.85);
  c.closePath();
  c.fill();
  c.stroke();
  c.fillStyle = edge;
  c.beginPath();
  c.arc(middle, middle, 3, 0, 2 * Math.PI);
  c.fill();
  if (rank > 0) mark(c, middle, middle, edge, rank);
};

/** One to four small strokes: rank without colour. */
function mark(c: CanvasRenderingContext2D, x: number, y: number, edge: string, rank: number): void {
  c.strokeStyle = edge;
  c.lineWidth = 1.8;
  c.beginPath();
  if (rank >= 3) {
    c.moveTo(x - 2.5, y - 2.5);
    c.lineTo(x + 2.5, y + 2.5);
    c.moveTo(x + 2.5, y - 2.5);
    c.lineTo(x - 2.5, y + 2.5);
  } else {
    c.moveTo(x - 3, y);
    c.lineTo(x + 3, y);
  }
  c.stroke();
}

const badge = (fill: string, edge: string): Draw => (c, size) => {
  c.fillStyle = fill;
  c.strokeStyle = edge;
  c.lineWidth = 1.5;
  c.beginPath();
  c.arc(size / 2, size / 2, size / 2 - 1, 0, 2 * Math.PI);
  c.fill();
  c.stroke();
};

/** The sign of an alarm's priority, as everywhere else: square, triangle, diamond, circle; hollow once somebody has it. */
const alarmSign = (rank: number, colour: string, halo: string, full: boolean): Draw => (c, size) => {
  const middle = size / 2;
  const r = size / 2 - 3;
  c.beginPath();
  if (rank === 4) c.rect(middle - r * 0.88, middle - r * 0.88, r * 1.76, r * 1.76);
  else if (rank === 3) {
    c.moveTo(middle, middle - r);
    c.lineTo(middle + r * 1.08, middle + r * 0.92);
    c.lineTo(middle - r * 1.08, middle + r * 0.92);
    c.closePath();
  } else if (rank === 2) {
    c.moveTo(middle, middle - r);
    c.lineTo(middle + r, middle);
    c.lineTo(middle, middle + r);
    c.lineTo(middle - r, middle);
    c.closePath();
  } else c.arc(middle, middle, r * 0.9, 0, 2 * Math.PI);
  c.lineJoin = "round";
  c.strokeStyle = halo;
  c.lineWidth = 5;
  c.stroke();
  c.fillStyle = full ? colour : halo;
  c.fill();
  c.strokeStyle = colour;
  c.lineWidth = 2;
  c.stroke();
};

export function addSymbols(map: MapLibre, palette: Palette): void {
  const put = (name: string, data: ImageData) => {
    if (map.hasImage(name)) map.removeImage(name);
    map.addImage(name, data, { pixelRatio: RATIO });
  };
  palette.ranks.forEach((colour, rank) => {
    put(`fixed-${rank}`, image(30, fixed(colour, palette.symbolEdge, rank)));
    put(`ptz-${rank}`, image(30, ptz(colour, palette.symbolEdge, rank)));
    put(`badge-${rank}`, image(20, badge(colour, palette.halo)));
    put(`alarm-${rank}-true`, image(28, alarmSign(rank, colour, palette.halo, true)));
    put(`alarm-${rank}-false`, image(28, alarmSign(rank, colour, palette.halo, false)));
  });
}
