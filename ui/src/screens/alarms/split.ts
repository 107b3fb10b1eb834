/** List and detail side by side: the share is dragged or moved by arrow keys, and kept in this browser. */
import { type CSSProperties, type KeyboardEvent, type PointerEvent, type RefObject, useEffect, useRef, useState } from "react";

const KEY = "manara.alarms.split";
const LEAST = 0.36;
const MOST = 0.7;
const FIRST = 0.55;

const clamp = (share: number): number => Math.max(LEAST, Math.min(MOST, share));

function kept(): number {
  const value = Number(localStorage.getItem(KEY));
  return value > 0 ? clamp(value) : FIRST;
}

interface Split {
  host: RefObject<HTMLDivElement | null>;
  listPx: number;
  mainStyle: CSSProperties;
  handle: Record<string, unknown>;
}

export function useSplit(): Split {
  const host = useRef<HTMLDivElement>(null);
  const [share, setShare] = useState(kept);
  const [width, setWidth] = useState(() => window.innerWidth);
  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => entry && setWidth(entry.contentRect.width));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const keep = (next: number) => {
    setShare(clamp(next));
    localStorage.setItem(KEY, String(clamp(next)));
  };
  const rightToLeft = () => document.documentElement.dir === "rtl";
  const onPointerDown = (event: PointerEvent<HTMLDivElement>) => {
    const handle = event.currentTarget;
    const box = host.current?.getBoundingClientRect();
    if (!box) return;
    handle.setPointerCapture(event.pointerId);
    const move = (e: globalThis.PointerEvent) => keep((rightToLeft() ? box.right - e.clientX : e.clientX - box.left) / box.width);
    const up = () => {
      handle.removeEventListener("pointermove", move);
      handle.removeEventListener("pointerup", up);
    };
    handle.addEventListener("pointermove", move);
    handle.addEventListener("pointerup", up);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const sign = rightToLeft() ? -1 : 1;
    const by = event.key === "ArrowRight" ? 0.02 * sign : event.key === "ArrowLeft" ? -0.02 * sign : 0;
    if (by) keep(share + by);
  };
  return {
    host,
    listPx: width * share,
    mainStyle: { inlineSize: `${share * 100}%` },
    handle: { className: "page-handle", role: "separator", "aria-orientation": "vertical", "aria-valuenow": Math.round(share * 100), tabIndex: 0, onPointerDown, onKeyDown },
  };
}
