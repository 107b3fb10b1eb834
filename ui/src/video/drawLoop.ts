/**
 * One animation frame for all tiles: each puts its newest decoded picture here and it is drawn with the next repaint.
 *
 * A picture that is replaced before it was drawn is closed at once, so a wall of 64 tiles holds at most 64 pictures.
 * Called by `engineWebCodecs.ts`.
 */

export interface Painter {
  paint(): void;
}

const waiting = new Set<Painter>();
let scheduled = 0;

function run(): void {
  scheduled = 0;
  const now = [...waiting];
  waiting.clear();
  for (const painter of now) painter.paint();
}

export function paintSoon(painter: Painter): void {
  waiting.add(painter);
  if (!scheduled) scheduled = requestAnimationFrame(run);
}

export function forgetPainter(painter: Painter): void {
  waiting.delete(painter);
}
