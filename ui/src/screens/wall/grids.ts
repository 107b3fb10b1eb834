/**
 * The grids of the wall and what moving a camera does to them.
 *
 * Pure. Called by `WallScreen.tsx`. A page is a list as long as the grid has cells; `null` is an empty cell. Saved layouts
 * (`/api/layouts`) keep tiles by column, row and span; `toTiles` and `fromTiles` go between the two.
 */
import type { Layout, LayoutTile } from "@/api/types";

export interface Cell {
  readonly column: number;
  readonly row: number;
  readonly span: number;
}
export interface Grid {
  readonly count: number;
  readonly columns: number;
  readonly rows: number;
  readonly cells: readonly Cell[];
}

function square(count: number): Grid {
  const side = Math.sqrt(count);
  const cells = Array.from({ length: count }, (_, index) => ({ column: index % side, row: Math.floor(index / side), span: 1 }));
  return { count, columns: side, rows: side, cells };
}

/** One large cell and five small ones around it. */
const SIX: Grid = {
  count: 6,
  columns: 3,
  rows: 3,
  cells: [
    { column: 0, row: 0, span: 2 },
    { column: 2, row: 0, span: 1 },
    { column: 2, row: 1, span: 1 },
    { column: 0, row: 2, span: 1 },
    { column: 1, row: 2, span: 1 },
    { column: 2, row: 2, span: 1 },
  ],
};

export const GRIDS: readonly Grid[] = [square(1), square(4), SIX, square(9), square(16), square(25), square(36), square(64)];
export const gridOf = (count: number): Grid => GRIDS.find((grid) => grid.count === count) ?? GRIDS[1]!;

export type Page = readonly (string | null)[];

export const emptyPage = (grid: Grid): Page => Array.from({ length: grid.count }, () => null);

/** The page in another grid: cameras keep their order; those that find no cell are left out (and counted). */
export function refit(page: Page, grid: Grid): { page: Page; left: string[] } {
  const cameras = page.filter((id): id is string => id !== null);
  if (page.length <= grid.count) return { page: [...page, ...emptyPage(grid)].slice(0, grid.count), left: [] };
  const fitted = Array.from({ length: grid.count }, (_, index) => cameras[index] ?? null);
  return { page: fitted, left: cameras.slice(grid.count) };
}

export const put = (page: Page, index: number, cameraId: string | null): Page =>
  page.map((id, at) => (at === index ? cameraId : id));

export const swap = (page: Page, from: number, to: number): Page =>
  page.map((id, at) => (at === from ? (page[to] ?? null) : at === to ? (page[from] ?? null) : id));

/** Cameras into empty cells, in order. @returns the page and those that found no cell. */
export function fill(page: Page, cameraIds: readonly string[]): { page: Page; left: string[] } {
  const waiting = [...cameraIds];
  const filled = page.map((id) => id ?? waiting.shift() ?? null);
  return { page: filled, left: waiting };
}

export function toTiles(page: Page, grid: Grid): LayoutTile[] {
  return page.flatMap((camera_id, index) => {
    const cell = grid.cells[index];
    return camera_id && cell ? [{ camera_id, ...cell }] : [];
  });
}

export function fromTiles(tiles: readonly LayoutTile[], grid: Grid): Page {
  const page: (string | null)[] = [...emptyPage(grid)];
  for (const tile of tiles) {
    const index = grid.cells.findIndex((cell) => cell.column === tile.column && cell.row === tile.row);
    if (index >= 0) page[index] = tile.camera_id;
  }
  return page;
}

/** The grid a saved layout was made with; one of another maker gets the smallest that holds it. */
export function gridOfLayout(layout: Pick<Layout, "columns" | "rows" | "tiles" | "pages">): Grid {
  const tiles = [...layout.tiles, ...(layout.pages ?? []).flat()];
  const wantsSix = layout.columns === 3 && layout.rows === 3 && tiles.some((tile) => tile.span === 2);
  if (wantsSix) return SIX;
  const side = Math.max(layout.columns, layout.rows);
  return GRIDS.find((grid) => grid !== SIX && grid.columns >= side) ?? GRIDS[GRIDS.length - 1]!;
}

/** Which neighbour an arrow key goes to, in a page that may run right to left. */
export function neighbour(grid: Grid, index: number, key: string, rtl: boolean): number {
  const cell = grid.cells[index];
  if (!cell) return index;
  const forward = rtl ? "ArrowLeft" : "ArrowRight";
  const back = rtl ? "ArrowRight" : "ArrowLeft";
  const column = key === forward ? cell.column + cell.span : key === back ? cell.column - 1 : cell.column;
  const row = key === "ArrowDown" ? cell.row + cell.span : key === "ArrowUp" ? cell.row - 1 : cell.row;
  const found = grid.cells.findIndex(
    (other) => column >= other.column && column < other.column + other.span && row >= other.row && row < other.row + other.span,
  );
  return found < 0 ? index : found;
}
