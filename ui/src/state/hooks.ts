/** React's view of the world: selectors over one external store, told at most once a frame. */
import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from "react";
import type { Camera, CameraStatus, ChangeKind, Layout, Sector, Site, Town, WatchKind } from "@/api/types";
import { connection, serverNowMs, type ConnectionState } from "./connection";
import { world, type Watched, type World } from "./world";

/** Whatever `select` reads from the world; it must return the same object while nothing it reads has changed. */
export function useWorld<T>(select: (world: World) => T): T {
  return useSyncExternalStore(world.subscribe, () => select(world));
}

/** A number that moves whenever a kind changes; use it as a dependency of `useMemo`. */
export function useVersion(kind: ChangeKind): number {
  return useWorld((w) => w.versions[kind]);
}

function cachedList<T extends { code?: string; id: string }>(kind: ChangeKind, pick: (world: World) => Map<string, T>) {
  let version = -1;
  let list: T[] = [];
  return (w: World): T[] => {
    if (w.versions[kind] !== version) {
      version = w.versions[kind];
      list = [...pick(w).values()].sort((a, b) => collate(a.code ?? "", b.code ?? ""));
    }
    return list;
  };
}

/** Codes are Latin; a plain comparison is ten times quicker than a locale's and 10,000 of them are sorted. */
function collate(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const cameraList = cachedList<Camera>("camera", (w) => w.cameras);
const siteList = cachedList<Site>("site", (w) => w.sites);
const sectorList = cachedList<Sector>("sector", (w) => w.sectors);
const townList = cachedList<Town>("town", (w) => w.towns);
const layoutList = cachedList<Layout & { code?: string }>("layout", (w) => w.layouts);

export const useCameras = (): Camera[] => useWorld(cameraList);
export const useSites = (): Site[] => useWorld(siteList);
export const useSectors = (): Sector[] => useWorld(sectorList);
export const useTowns = (): Town[] => useWorld(townList);
export const useLayouts = (): Layout[] => useWorld(layoutList);
export const useCamera = (id: string | null | undefined): Camera | undefined =>
  useWorld((w) => (id ? w.cameras.get(id) : undefined));
export const useSite = (id: string | null | undefined): Site | undefined =>
  useWorld((w) => (id ? w.sites.get(id) : undefined));
export const useCameraStatus = (id: string | null | undefined): CameraStatus | undefined =>
  useWorld((w) => (id ? w.statuses.get(id) : undefined));

/**
 * As `useVersion`, but at most every `ms`: for lists that sort by what changes a thousand times a second.
 */
export function useCalmVersion(kind: ChangeKind, ms: number): number {
  const [version, setVersion] = useState(() => world.versions[kind]);
  const timer = useRef<number | null>(null);
  useEffect(() => {
    const later = () => {
      if (timer.current !== null) return;
      timer.current = window.setTimeout(() => {
        timer.current = null;
        setVersion(world.versions[kind]);
      }, ms);
    };
    const off = world.subscribe(later);
    later();
    return () => {
      off();
      if (timer.current !== null) window.clearTimeout(timer.current);
      timer.current = null;
    };
  }, [kind, ms]);
  return version;
}

export function useConnection(): ConnectionState {
  return useSyncExternalStore(connection.subscribe, () => connection.state);
}

/** Server time in ms, renewed every `everyMs`. */
export function useNow(everyMs = 1000): number {
  const [now, setNow] = useState(serverNowMs);
  useEffect(() => {
    const id = window.setInterval(() => setNow(serverNowMs()), everyMs);
    return () => window.clearInterval(id);
  }, [everyMs]);
  return now;
}

/** Run `handler` on each change of `kind` (for what the world does not keep: holds, accounts). */
export function useChangesOf(kind: ChangeKind, handler: () => void): void {
  const latest = useRef(handler);
  latest.current = handler;
  const stable = useCallback(() => latest.current(), []);
  useEffect(() => world.tap((changes) => changes.some((c) => c.kind === kind) && stable()), [kind, stable]);
}

/** The things of a kind of health, alarms or maintenance, as a list that stays the same while none of them changes. */
const watchedLists = new Map<WatchKind, { version: number; list: unknown[] }>();
export function useWatched<K extends WatchKind>(kind: K): MapValue<Watched[K]>[] {
  return useWorld((w) => {
    let kept = watchedLists.get(kind);
    if (kept?.version !== w.versions[kind]) watchedLists.set(kind, (kept = { version: w.versions[kind], list: [...w.watched[kind].values()] }));
    return kept!.list as MapValue<Watched[K]>[];
  });
}
type MapValue<M> = M extends Map<string, infer V> ? V : never;

/** One of them, by its id. */
export function useWatchedOne<K extends WatchKind>(kind: K, id: string | null | undefined): MapValue<Watched[K]> | undefined {
  return useWorld((w) => (id ? (w.watched[kind].get(id) as MapValue<Watched[K]> | undefined) : undefined));
}
