/**
 * The wall: grids of live tiles, saved layouts, cycles, full screen, a window for each monitor.
 *
 * State lives in the address where it is a saved layout, otherwise in this browser. `?frame=none` shows the tiles alone.
 */
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams, useSearchParams } from "react-router";
import { api, errorText } from "@/api/client";
import type { Camera, Layout } from "@/api/types";
import { Button, Empty, Select } from "@/design";
import { say } from "@/design/toast";
import { useFormats } from "@/i18n/format";
import { useCameras, useLayouts } from "@/state/hooks";
import { useMay } from "@/state/session";
import { CameraPicker } from "@/video/CameraPicker";
import { Toggle, Tool } from "@/video/controls";
import { emptyPage, fill, fromTiles, type Grid, gridOf, gridOfLayout, GRIDS, neighbour, type Page, put, refit, swap, toTiles } from "./grids";
import { SaveLayout } from "./SaveLayout";
import { WallTile } from "./WallTile";
import "./wall.css";

const KEY = "manara.wall";
const DWELLS_S = [5, 10, 20, 30, 60];

interface Wall {
  grid: Grid;
  pages: Page[];
  cycleS: number;
}

export function WallScreen() {
  const { layoutId } = useParams();
  const layouts = useLayouts();
  const layout = layoutId ? layouts.find((one) => one.id === layoutId) : undefined;
  const { t } = useTranslation("wall");
  if (layoutId && !layout) return <Empty title={t("no_layout")}>{t("no_layout_text")}</Empty>;
  // A layout changed by somebody else is shown anew; so is another one.
  return <WallBoard key={layout ? `${layout.id}:${JSON.stringify([layout.tiles, layout.pages, layout.columns])}` : "own"} layout={layout} />;
}

function WallBoard({ layout }: { layout: Layout | undefined }) {
  const { t } = useTranslation("wall");
  const f = useFormats();
  const may = useMay();
  const navigate = useNavigate();
  const [query, setQuery] = useSearchParams();
  const bare = query.get("frame") === "none";
  const cameras = useCameras();
  const layouts = useLayouts();
  const byId = useMemo(() => new Map(cameras.map((camera) => [camera.id, camera])), [cameras]);
  const [wall, setWall] = useState<Wall>(() => begin(layout, query));
  const [pageIndex, setPageIndex] = useState(0);
  const [cycling, setCycling] = useState(() => wall.pages.length > 1 && (layout?.cycle_s ?? 0) > 0);
  const [selected, setSelected] = useState<number | null>(null);
  const [enlarged, setEnlarged] = useState<number | null>(null);
  const [listOpen, setListOpen] = useState(!bare);
  const [saving, setSaving] = useState(false);
  const stage = useRef<HTMLDivElement>(null);
  const { grid } = wall;
  const at = Math.min(pageIndex, wall.pages.length - 1);
  const page = wall.pages[at] ?? emptyPage(grid);

  useEffect(() => {
    if (!layout && !query.has("cameras")) keep(wall);
  }, [wall, layout, query]);

  useEffect(() => {
    if (!cycling || wall.pages.length < 2 || enlarged !== null) return;
    const timer = window.setInterval(() => setPageIndex((index) => (index + 1) % wall.pages.length), wall.cycleS * 1000);
    return () => window.clearInterval(timer);
  }, [cycling, wall.pages.length, wall.cycleS, enlarged]);

  const setPage = useCallback(
    (next: Page) => setWall((now) => ({ ...now, pages: now.pages.map((old, index) => (index === at ? next : old)) })),
    [at],
  );
  const chooseGrid = (count: number) => {
    const next = gridOf(count);
    // Cameras that no longer fit go on to further pages rather than away.
    setWall((now) => {
      const all = now.pages.flatMap((one) => one.filter((id): id is string => id !== null));
      if (now.pages.length === 1 && all.length <= next.count) return { ...now, grid: next, pages: [refit(now.pages[0]!, next).page] };
      const pages: Page[] = [];
      for (let from = 0; from < Math.max(1, all.length); from += next.count) pages.push(fill(emptyPage(next), all.slice(from, from + next.count)).page);
      return { ...now, grid: next, pages };
    });
    setPageIndex(0);
    setEnlarged(null);
    setSelected(null);
  };
  const choose = (camera: Camera) => {
    const target = selected ?? page.findIndex((id) => id === null);
    if (target < 0) {
      setWall((now) => ({ ...now, pages: [...now.pages, put(emptyPage(grid), 0, camera.id)] }));
      setPageIndex(wall.pages.length);
      return;
    }
    const next = put(page, target, camera.id);
    setPage(next);
    const empty = next.findIndex((id, index) => id === null && index > target);
    if (selected !== null) setSelected(empty >= 0 ? empty : null);
  };
  const drop = (index: number, cameraId: string, from: number | null) =>
    setPage(from === null ? put(page, index, cameraId) : swap(page, from, index));
  const shown = useMemo(() => new Set(wall.pages.flat().filter((id): id is string => id !== null)), [wall.pages]);
  const openWindow = () => {
    const address = layout
      ? `/wall/${layout.id}?frame=none`
      : `/wall?frame=none&grid=${grid.count}&cameras=${page.map((id) => id ?? "").join(",")}`;
    window.open(address, "_blank", "popup,width=1280,height=720");
  };
  const fullScreen = () => {
    if (document.fullscreenElement) void document.exitFullscreen();
    else stage.current?.requestFullscreen().catch((error: unknown) => say(errorText(error), { tone: "high" }));
  };
  const remove = async () => {
    if (!layout) return;
    try {
      await api.delete(`/api/layouts/${layout.id}`);
      await navigate("/wall");
    } catch (error) {
      say(errorText(error), { tone: "high" });
    }
  };
  const onKey = (event: React.KeyboardEvent) => {
    if (selected === null) return;
    if (event.key.startsWith("Arrow")) {
      const next = neighbour(grid, selected, event.key, document.documentElement.dir === "rtl");
      setSelected(next);
      stage.current?.querySelector<HTMLElement>(`[data-tile="${next}"]`)?.focus();
    } else if (event.key === "Enter") {
      setListOpen(true);
      window.setTimeout(() => document.querySelector<HTMLInputElement>(".wall-list input")?.focus());
    } else if (event.key === "Delete" || event.key === "Backspace") setPage(put(page, selected, null));
    else if (event.key === "f" || event.key === " ") setEnlarged((now) => (now === selected ? null : selected));
    else if (event.key === "Escape") {
      if (enlarged !== null) setEnlarged(null);
      else setSelected(null);
    } else return;
    event.preventDefault();
  };

  return (
    <div className="wall" data-bare={bare || undefined}>
      {!bare && (
        <div className="wall-tools">
          <div className="wall-grids" role="radiogroup" aria-label={t("grid")}>
            {GRIDS.map((one) => (
              <button
                key={one.count}
                type="button"
                role="radio"
                aria-checked={one.count === grid.count}
                aria-label={t("grid_n", { count: one.count })}
                title={t("grid_n", { count: one.count })}
                className="grid-choice"
                onClick={() => chooseGrid(one.count)}
              >
                <GridPicture grid={one} />
                <span>{f.number(one.count)}</span>
              </button>
            ))}
          </div>
          <span className="wall-gap" />
          <Select
            inline
            label={t("layout")}
            placeholder={t("layout")}
            value={layout?.id ?? "own"}
            onChange={(id) => void navigate(id === "own" ? "/wall" : `/wall/${id}`)}
            choices={[{ id: "own", text: t("own") }, ...layouts.map((one) => ({ id: one.id, text: one.shared ? t("shared_name", { name: one.name }) : one.name }))]}
          />
          <Tool icon="save" label={t("save")} onPress={() => setSaving(true)} />
          {layout && <Tool icon="trash" label={t("delete")} onPress={() => void remove()} />}
          <span className="wall-rule" />
          <Toggle icon="cycle" label={t("cycle")} isSelected={cycling} onChange={setCycling} isDisabled={wall.pages.length < 2} />
          <Select
            inline
            label={t("dwell")}
            value={String(wall.cycleS)}
            onChange={(value) => setWall((now) => ({ ...now, cycleS: Number(value) }))}
            choices={DWELLS_S.map((s) => ({ id: String(s), text: t("seconds", { count: s }) }))}
            disabled={wall.pages.length < 2}
          />
          <span className="wall-rule" />
          <Tool icon="window" label={t("window")} onPress={openWindow} />
          <Tool icon="full" label={t("full")} onPress={fullScreen} />
          <Toggle icon="list" label={t("list")} isSelected={listOpen} onChange={setListOpen} />
        </div>
      )}
      <div className="wall-body">
        <div className="wall-stage" ref={stage} onKeyDown={onKey}>
          <div
            className="wall-grid"
            data-testid="wall-grid"
            data-count={grid.count}
            style={{ gridTemplateColumns: `repeat(${grid.columns}, minmax(0, 1fr))`, gridTemplateRows: `repeat(${grid.rows}, minmax(0, 1fr))` }}
          >
            {grid.cells.map((cell, index) => {
              const camera = page[index] ? byId.get(page[index]) : undefined;
              return (
                <WallTile
                  key={`${at}:${index}:${page[index] ?? ""}`}
                  index={index}
                  cell={cell}
                  grid={grid}
                  camera={camera}
                  cameraId={page[index] ?? null}
                  selected={selected === index}
                  enlarged={enlarged === index}
                  hidden={enlarged !== null && enlarged !== index}
                  bare={bare}
                  onSelect={() => setSelected(index)}
                  onEnlarge={() => setEnlarged(enlarged === index ? null : page[index] ? index : null)}
                  onRemove={() => setPage(put(page, index, null))}
                  onDrop={(cameraId, from) => drop(index, cameraId, from)}
                  onWantCamera={() => {
                    setSelected(index);
                    setListOpen(true);
                    window.setTimeout(() => document.querySelector<HTMLInputElement>(".wall-list input")?.focus());
                  }}
                />
              );
            })}
          </div>
          {(wall.pages.length > 1 || shown.size >= grid.count) && (
            <div className="wall-pages" role="tablist" aria-label={t("pages")}>
              {wall.pages.map((_, index) => (
                <button
                  key={index}
                  type="button"
                  role="tab"
                  aria-selected={index === at}
                  onClick={() => {
                    setPageIndex(index);
                    setEnlarged(null);
                    setSelected(null);
                  }}
                >
                  {f.number(index + 1)}
                </button>
              ))}
              {!bare && (
                <button
                  type="button"
                  aria-label={t("add_page")}
                  title={t("add_page")}
                  onClick={() => {
                    setWall((now) => ({ ...now, pages: [...now.pages, emptyPage(grid)] }));
                    setPageIndex(wall.pages.length);
                  }}
                >
                  +
                </button>
              )}
              {wall.pages.length > 1 && !bare && page.every((id) => id === null) && (
                <button
                  type="button"
                  onClick={() => {
                    setWall((now) => ({ ...now, pages: now.pages.filter((_, index) => index !== at) }));
                    setPageIndex(Math.max(0, at - 1));
                  }}
                >
                  {t("remove_page")}
                </button>
              )}
            </div>
          )}
        </div>
        {listOpen && !bare && (
          <aside className="wall-list" aria-label={t("list")}>
            <CameraPicker onChoose={choose} chosen={shown} draggable />
            <div className="wall-list-foot">
              <Button
                small
                onPress={() => setPage(fill(page, cameras.filter((camera) => camera.enabled && !shown.has(camera.id)).map((camera) => camera.id)).page)}
                isDisabled={page.every((id) => id !== null)}
              >
                {t("fill")}
              </Button>
              <Button small look="quiet" onPress={() => setPage(emptyPage(grid))} isDisabled={page.every((id) => id === null)}>
                {t("clear")}
              </Button>
            </div>
          </aside>
        )}
      </div>
      {saving && (
        <SaveLayout
          layout={layout}
          mayShare={may.shareLayouts}
          body={{
            columns: grid.columns,
            rows: grid.rows,
            tiles: toTiles(wall.pages[0] ?? [], grid),
            cycle_s: wall.pages.length > 1 ? wall.cycleS : null,
            pages: wall.pages.length > 1 ? wall.pages.map((one) => toTiles(one, grid)) : null,
          }}
          onClose={(id) => {
            setSaving(false);
            if (id) {
              setQuery({}, { replace: true });
              void navigate(`/wall/${id}`);
            }
          }}
        />
      )}
    </div>
  );
}

function GridPicture({ grid }: { grid: Grid }) {
  const size = 18;
  const step = size / grid.columns;
  return (
    <svg width={size} height={size} viewBox={`0 0 ${size} ${size}`} aria-hidden="true">
      {grid.cells.map((cell) => (
        <rect
          key={`${cell.column}:${cell.row}`}
          x={cell.column * step + 0.4}
          y={cell.row * step + 0.4}
          width={cell.span * step - 0.8}
          height={cell.span * step - 0.8}
          rx={Math.min(1, step / 5)}
          fill="currentColor"
        />
      ))}
    </svg>
  );
}

function begin(layout: Layout | undefined, query: URLSearchParams): Wall {
  if (layout) {
    const grid = gridOfLayout(layout);
    const pages = layout.pages?.length ? layout.pages.map((tiles) => fromTiles(tiles, grid)) : [fromTiles(layout.tiles, grid)];
    return { grid, pages, cycleS: layout.cycle_s ?? 10 };
  }
  const asked = query.get("cameras");
  if (asked !== null) {
    const ids = asked.split(",").map((id) => id || null);
    const grid = gridOf(Number(query.get("grid")) || GRIDS.find((one) => one.count >= ids.length)?.count || 64);
    return { grid, pages: [[...ids, ...emptyPage(grid)].slice(0, grid.count)], cycleS: 10 };
  }
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "null") as { count?: unknown; pages?: unknown; cycleS?: unknown } | null;
    if (kept && Array.isArray(kept.pages) && kept.pages.length > 0) {
      const grid = gridOf(Number(kept.count));
      const pages = (kept.pages as unknown[]).map((one) => refit(Array.isArray(one) ? one.map((id: unknown) => (typeof id === "string" ? id : null)) : [], grid).page);
      return { grid, pages, cycleS: Number(kept.cycleS) || 10 };
    }
  } catch {
    localStorage.removeItem(KEY); // unreadable: begin anew
  }
  return { grid: gridOf(4), pages: [emptyPage(gridOf(4))], cycleS: 10 };
}

function keep(wall: Wall): void {
  try {
    localStorage.setItem(KEY, JSON.stringify({ count: wall.grid.count, pages: wall.pages, cycleS: wall.cycleS }));
  } catch {
    // a browser without storage forgets the wall at reload; nothing else is lost
  }
}
