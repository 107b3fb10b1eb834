import { describe, expect, it } from "vitest";
import { emptyPage, fill, fromTiles, GRIDS, gridOf, gridOfLayout, neighbour, put, refit, swap, toTiles } from "./grids";

describe("grids", () => {
  it("tiles every grid without holes or overlaps", () => {
    for (const grid of GRIDS) {
      const taken = new Set<string>();
      for (const { column, row, span } of grid.cells) {
        for (let x = 0; x < span; x++) for (let y = 0; y < span; y++) taken.add(`${column + x},${row + y}`);
      }
      expect(grid.cells.length).toBe(grid.count);
      expect(taken.size).toBe(grid.columns * grid.rows);
    }
  });

  it("keeps a page through saving and loading", () => {
    for (const grid of GRIDS) {
      const page = put(put(emptyPage(grid), 0, "a"), grid.count - 1, "z");
      const tiles = toTiles(page, grid);
      expect(gridOfLayout({ columns: grid.columns, rows: grid.rows, tiles, pages: null }).count).toBe(grid.count);
      expect(fromTiles(tiles, grid)).toEqual(page);
    }
  });

  it("swaps, fills and refits", () => {
    const page = fill(emptyPage(gridOf(4)), ["a", "b", "c", "d", "e"]);
    expect(page).toEqual({ page: ["a", "b", "c", "d"], left: ["e"] });
    expect(swap(page.page, 0, 3)).toEqual(["d", "b", "c", "a"]);
    expect(refit(page.page, gridOf(1))).toEqual({ page: ["a"], left: ["b", "c", "d"] });
    expect(refit(page.page, gridOf(9)).page.slice(0, 5)).toEqual(["a", "b", "c", "d", null]);
  });

  it("goes where the arrow points, also right to left and around the large cell", () => {
    expect(neighbour(gridOf(4), 0, "ArrowRight", false)).toBe(1);
    expect(neighbour(gridOf(4), 0, "ArrowLeft", true)).toBe(1);
    expect(neighbour(gridOf(4), 1, "ArrowRight", false)).toBe(1);
    expect(neighbour(gridOf(6), 0, "ArrowRight", false)).toBe(1);
    expect(neighbour(gridOf(6), 0, "ArrowDown", false)).toBe(3);
    expect(neighbour(gridOf(6), 4, "ArrowUp", false)).toBe(0);
  });
});
