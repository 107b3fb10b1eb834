/**
 * Draws the timeline on a canvas: axis, one row a camera, gaps, holds, selection, now and the play head.
 *
 * Knows no React and asks nothing; the caller gives everything, colours included. Called by `Timeline.tsx` at most once a repaint.
 */
import type { Timeline } from "@/api/types";
import { coarse } from "./spans";
import { type Tick, ticks, type View, xOf } from "./scale";

export const AXIS_PX = 30;
export const ROW_PX = 26;
const BAR_PX = 12;

export interface Colours {
  back: string;
  row: string;
  line: string;
  text: string;
  strong: string;
  recorded: string;
  gap: string;
  hold: string;
  accent: string;
  now: string;
}

export interface Scene {
  readonly widthPx: number;
  readonly view: View;
  readonly zone: string;
  readonly rows: readonly (Timeline | undefined)[];
  readonly nowUs: number;
  readonly headUs: number;
  readonly selection: { start_us: number; end_us: number } | null;
  readonly hoverUs: number | null;
  label(tick: Tick): string;
  nowLabel: string;
  readonly font: string;
  readonly colours: Colours;
}

export const heightOf = (rows: number): number => AXIS_PX + Math.max(1, rows) * ROW_PX + 4;

export function draw(context: CanvasRenderingContext2D, scene: Scene): void {
  const { widthPx, view, colours } = scene;
  const height = heightOf(scene.rows.length);
  const x = (us: number) => xOf(view, widthPx, us);
  context.clearRect(0, 0, widthPx, height);
  context.font = scene.font;
  context.direction = "inherit";
  drawAxis(context, scene, height);
  const nowX = x(scene.nowUs);
  scene.rows.forEach((timeline, index) => {
    const top = AXIS_PX + index * ROW_PX;
    context.fillStyle = colours.row;
    context.fillRect(0, top + 2, widthPx, ROW_PX - 4);
    drawRow(context, scene, timeline, top + (ROW_PX - BAR_PX) / 2);
  });
  // What is still to come is not an empty archive: it is covered.
  if (nowX < widthPx) {
    context.fillStyle = colours.back;
    context.globalAlpha = 0.72;
    context.fillRect(Math.max(0, nowX), AXIS_PX, widthPx - Math.max(0, nowX), height - AXIS_PX);
    context.globalAlpha = 1;
    context.fillStyle = colours.now;
    context.fillRect(nowX - 0.5, AXIS_PX - 8, 1, height - AXIS_PX + 8);
  }
  if (scene.selection) drawSelection(context, scene, height);
  if (scene.hoverUs !== null) {
    context.fillStyle = colours.text;
    context.globalAlpha = 0.5;
    context.fillRect(Math.round(x(scene.hoverUs)), AXIS_PX, 1, height - AXIS_PX);
    context.globalAlpha = 1;
  }
  const head = x(scene.headUs);
  if (head >= -8 && head <= widthPx + 8) {
    context.fillStyle = colours.accent;
    context.fillRect(head - 1, AXIS_PX - 10, 2, height - AXIS_PX + 10);
    context.beginPath();
    context.moveTo(head - 6, AXIS_PX - 13);
    context.lineTo(head + 6, AXIS_PX - 13);
    context.lineTo(head + 6, AXIS_PX - 7);
    context.lineTo(head, AXIS_PX);
    context.lineTo(head - 6, AXIS_PX - 7);
    context.closePath();
    context.fill();
  }
}

function drawAxis(context: CanvasRenderingContext2D, scene: Scene, height: number): void {
  const { widthPx, view, colours } = scene;
  context.textBaseline = "middle";
  context.textAlign = "center";
  for (const tick of ticks(view, widthPx, scene.zone, 92)) {
    const at = Math.round(xOf(view, widthPx, tick.us)) + 0.5;
    context.strokeStyle = colours.line;
    context.globalAlpha = tick.major ? 1 : 0.55;
    context.beginPath();
    context.moveTo(at, AXIS_PX - 6);
    context.lineTo(at, height);
    context.stroke();
    context.globalAlpha = 1;
    context.fillStyle = tick.major ? colours.strong : colours.text;
    context.fillText(scene.label(tick), at, AXIS_PX / 2 - 3);
  }
}

function drawRow(context: CanvasRenderingContext2D, scene: Scene, timeline: Timeline | undefined, top: number): void {
  const { widthPx, view, colours } = scene;
  const x = (us: number) => xOf(view, widthPx, us);
  if (!timeline) return;
  const pixelUs = (view.toUs - view.fromUs) / widthPx;
  for (const span of coarse(timeline.spans, pixelUs * 0.5)) {
    if (span.end_us < view.fromUs || span.start_us > view.toUs) continue;
    const from = Math.max(-2, x(span.start_us));
    const to = Math.min(widthPx + 2, x(span.end_us));
    context.fillStyle = colours.recorded;
    context.beginPath();
    context.roundRect(from, top, Math.max(1, to - from), BAR_PX, Math.min(3, (to - from) / 2));
    context.fill();
  }
  // A gap shows however short it is: at least two pixels, over the bar.
  for (const gap of timeline.gaps) {
    const end = gap.end_us || scene.nowUs;
    if (end < view.fromUs || gap.start_us > view.toUs) continue;
    const from = Math.max(-2, x(gap.start_us));
    const to = Math.min(widthPx + 2, x(Math.min(end, scene.nowUs)));
    const width = Math.max(2, to - from);
    context.fillStyle = colours.gap;
    context.globalAlpha = 0.25;
    context.fillRect(from, top, width, BAR_PX);
    context.globalAlpha = 1;
    context.fillRect(from, top + BAR_PX - 2, width, 2);
  }
  for (const hold of timeline.holds) {
    if (hold.end_us < view.fromUs || hold.start_us > view.toUs) continue;
    const from = x(hold.start_us);
    const width = Math.max(3, x(hold.end_us) - from);
    context.fillStyle = colours.hold;
    context.fillRect(from, top - 4, width, 3);
    context.fillRect(from, top - 4, 1.5, BAR_PX + 6);
    context.fillRect(from + width - 1.5, top - 4, 1.5, BAR_PX + 6);
  }
}

function drawSelection(context: CanvasRenderingContext2D, scene: Scene, height: number): void {
  const { widthPx, view, colours, selection } = scene;
  if (!selection) return;
  const from = xOf(view, widthPx, selection.start_us);
  const to = xOf(view, widthPx, selection.end_us);
  context.fillStyle = colours.accent;
  context.globalAlpha = 0.18;
  context.fillRect(from, AXIS_PX, to - from, height - AXIS_PX);
  context.globalAlpha = 1;
  for (const edge of [from, to]) {
    context.fillRect(edge - 1, AXIS_PX - 2, 2, height - AXIS_PX + 2);
    context.beginPath();
    context.roundRect(edge - 4, AXIS_PX + (height - AXIS_PX) / 2 - 10, 8, 20, 3);
    context.fill();
  }
}
