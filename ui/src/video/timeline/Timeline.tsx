/**
 * The timeline of one or more cameras: zoom by wheel, pan on the axis, scrub on the rows, drag the ends of a selection.
 *
 * Not mirrored: time runs left to right in every language. Keyboard: arrows move 10 s (Shift: 1 min), +/− zoom, Home and End go
 * to the beginning and to now. The screen gives the data (`useTimelines`) and takes the moments. Called by the playback screen.
 */
import { type PointerEvent as ReactPointerEvent, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Timeline as TimelineData } from "@/api/types";
import { useFormats } from "@/i18n/format";
import { AXIS_PX, type Colours, draw, heightOf, ROW_PX } from "./draw";
import { DAY_US, pan, S_US, type Tick, usAt, type View, xOf, zoom } from "./scale";
import { gapCause, spanAt } from "./spans";
import "../video.css";

export interface TimelineRow {
  id: string;
  code: string;
  name: string;
  data: TimelineData | undefined;
}

export interface Selection {
  start_us: number;
  end_us: number;
}

interface Props {
  rows: TimelineRow[];
  view: View;
  onView(view: View): void;
  headUs: number;
  nowUs: number;
  onScrub(us: number): void;
  onSeek(us: number): void;
  selection: Selection | null;
  onSelection?(selection: Selection): void;
}

type Drag = { kind: "scrub" } | { kind: "pan"; startX: number; view: View } | { kind: "start" } | { kind: "end" };
const HANDLE_PX = 9;

export function Timeline(props: Props) {
  const { rows, view, onView, headUs, nowUs, onScrub, onSeek, selection, onSelection } = props;
  const { t } = useTranslation("playback");
  const f = useFormats();
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  const [hover, setHover] = useState<{ x: number; y: number } | null>(null);
  const drag = useRef<Drag | null>(null);
  const colours = useColours(box);
  const labels = useLabels(f.locale, f.timezone);
  const height = heightOf(rows.length);

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context || !canvas.current || width === 0 || !colours) return;
    const scale = window.devicePixelRatio || 1;
    if (canvas.current.width !== Math.round(width * scale) || canvas.current.height !== Math.round(height * scale)) {
      canvas.current.width = Math.round(width * scale);
      canvas.current.height = Math.round(height * scale);
    }
    context.setTransform(scale, 0, 0, scale, 0, 0);
    draw(context, {
      widthPx: width,
      view,
      zone: f.timezone,
      rows: rows.map((row) => row.data),
      nowUs,
      headUs,
      selection,
      hoverUs: hover ? usAt(view, width, hover.x) : null,
      label: labels,
      nowLabel: t("now"),
      font: `12px ${getComputedStyle(canvas.current).fontFamily}`,
      colours,
    });
  });

  // React's wheel listener is passive; zooming must keep the page from scrolling.
  const latest = useRef({ view, width, onView });
  latest.current = { view, width, onView };
  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const { view: now, width: wide, onView: tell } = latest.current;
      if (wide === 0) return;
      const x = event.clientX - element.getBoundingClientRect().left;
      const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : event.shiftKey ? event.deltaY : 0;
      if (sideways) tell(pan(now, (sideways / wide) * (now.toUs - now.fromUs)));
      else tell(zoom(now, Math.exp(Math.max(-1, Math.min(1, event.deltaY / 300))), usAt(now, wide, x)));
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, []);

  const place = (event: ReactPointerEvent): { x: number; y: number } => {
    const bounds = event.currentTarget.getBoundingClientRect();
    return { x: event.clientX - bounds.left, y: event.clientY - bounds.top };
  };
  const handleAt = (x: number): "start" | "end" | null => {
    if (!selection || !onSelection) return null;
    if (Math.abs(x - xOf(view, width, selection.start_us)) < HANDLE_PX) return "start";
    if (Math.abs(x - xOf(view, width, selection.end_us)) < HANDLE_PX) return "end";
    return null;
  };
  const down = (event: ReactPointerEvent) => {
    const { x, y } = place(event);
    event.currentTarget.setPointerCapture(event.pointerId);
    const handle = y > AXIS_PX ? handleAt(x) : null;
    if (handle) drag.current = { kind: handle };
    else if (y <= AXIS_PX - 14 || event.button === 1 || event.shiftKey) drag.current = { kind: "pan", startX: x, view };
    else {
      drag.current = { kind: "scrub" };
      onScrub(Math.round(usAt(view, width, x)));
    }
  };
  const move = (event: ReactPointerEvent) => {
    const { x, y } = place(event);
    setHover({ x, y });
    const now = drag.current;
    if (!now) return;
    const us = Math.round(usAt(view, width, Math.max(0, Math.min(width, x))));
    if (now.kind === "scrub") onScrub(us);
    else if (now.kind === "pan") onView(pan(now.view, ((now.startX - x) / width) * (now.view.toUs - now.view.fromUs)));
    else if (selection && onSelection) {
      const next = now.kind === "start" ? { ...selection, start_us: us } : { ...selection, end_us: us };
      if (next.end_us - next.start_us >= S_US) onSelection(next);
    }
  };
  const up = (event: ReactPointerEvent) => {
    if (drag.current?.kind === "scrub") onSeek(Math.round(usAt(view, width, Math.max(0, Math.min(width, place(event).x)))));
    drag.current = null;
  };
  const key = (event: React.KeyboardEvent) => {
    const step = event.shiftKey ? 60 * S_US : 10 * S_US;
    if (event.key === "ArrowLeft") onSeek(headUs - step);
    else if (event.key === "ArrowRight") onSeek(headUs + step);
    else if (event.key === "+" || event.key === "=") onView(zoom(view, 0.5, headUs));
    else if (event.key === "-") onView(zoom(view, 2, headUs));
    else if (event.key === "PageUp") onView(pan(view, -(view.toUs - view.fromUs) / 2));
    else if (event.key === "PageDown") onView(pan(view, (view.toUs - view.fromUs) / 2));
    else if (event.key === "End") onSeek(nowUs);
    else if (event.key === "Home") onSeek(Math.min(...rows.map((row) => row.data?.earliest_us ?? Infinity).filter(Number.isFinite), headUs));
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const hoverRow = hover && hover.y > AXIS_PX ? rows[Math.floor((hover.y - AXIS_PX) / ROW_PX)] : undefined;
  const hoverUs = hover ? usAt(view, width, hover.x) : 0;
  return (
    <div className="timeline">
      <div className="timeline-names" style={{ paddingBlockStart: AXIS_PX }} aria-hidden="true">
        {rows.map((row) => (
          <div key={row.id} className="timeline-name" style={{ blockSize: ROW_PX }} title={row.name}>
            <bdi className="code">{row.code}</bdi>
          </div>
        ))}
      </div>
      <div className="timeline-box" ref={box} dir="ltr">
        <canvas
          ref={canvas}
          className="timeline-canvas"
          style={{ inlineSize: width, blockSize: height }}
          tabIndex={0}
          role="slider"
          aria-label={t("timeline")}
          aria-valuemin={Math.round(view.fromUs / 1e6)}
          aria-valuemax={Math.round(view.toUs / 1e6)}
          aria-valuenow={Math.round(headUs / 1e6)}
          aria-valuetext={f.stamp(headUs)}
          data-testid="timeline"
          data-from-us={Math.round(view.fromUs)}
          data-to-us={Math.round(view.toUs)}
          data-handle={hover && handleAt(hover.x) ? "" : undefined}
          onPointerDown={down}
          onPointerMove={move}
          onPointerUp={up}
          onPointerCancel={() => (drag.current = null)}
          onPointerLeave={() => setHover(null)}
          onKeyDown={key}
        />
        {hover && width > 0 && (
          <div
            className="timeline-tip"
            dir="auto"
            style={tipPlace(canvas.current, hover.x, width)}
          >
            <span className="number">{f.stamp(hoverUs)}</span>
            {hoverRow && <TipLines row={hoverRow} us={hoverUs} nowUs={nowUs} />}
          </div>
        )}
      </div>
    </div>
  );
}

/** Above the axis, in the window's coordinates: the timeline itself may scroll. */
function tipPlace(canvas: HTMLCanvasElement | null, x: number, width: number): React.CSSProperties {
  const bounds = canvas?.getBoundingClientRect();
  return { left: (bounds?.left ?? 0) + Math.max(90, Math.min(width - 90, x)), top: Math.max(60, bounds?.top ?? 0) };
}

function TipLines({ row, us, nowUs }: { row: TimelineRow; us: number; nowUs: number }) {
  const { t } = useTranslation("playback");
  const f = useFormats();
  if (us > nowUs) return <small>{t("playback:future")}</small>;
  const cause = gapCause(row.data, us);
  const gap = row.data ? spanAt(row.data.gaps, us) : null;
  const hold = row.data ? spanAt(row.data.holds, us) : null;
  return (
    <>
      <small>
        <bdi className="code">{row.code}</bdi> {cause === null && row.data ? t("playback:recorded") : ""}
      </small>
      {cause !== null && (
        <small className="tip-gap">
          {t(`playback:gap.${cause}`, { defaultValue: t(`common:cause.${cause}`, { defaultValue: t("playback:gap.unknown") }) })}
          {gap && ` · ${f.duration(((gap.end_us || nowUs) - gap.start_us) / 1000)}`}
        </small>
      )}
      {hold && <small className="tip-hold">{t("playback:held", { reason: hold.reason })}</small>}
    </>
  );
}

/** The theme's colours as the canvas needs them; read again when the theme changes. */
function useColours(box: React.RefObject<HTMLElement | null>): Colours | null {
  const [colours, setColours] = useState<Colours | null>(null);
  const read = useCallback(() => {
    if (!box.current) return;
    const style = getComputedStyle(box.current);
    const get = (name: string) => style.getPropertyValue(`--tl-${name}`).trim() || "#888";
    setColours({
      back: get("back"), row: get("row"), line: get("line"), text: get("text"), strong: get("strong"),
      recorded: get("recorded"), gap: get("gap"), hold: get("hold"), accent: get("accent"), now: get("now"),
    }); // prettier-ignore
  }, [box]);
  useEffect(() => {
    read();
    const observer = new MutationObserver(read);
    observer.observe(document.documentElement, { attributes: true });
    return () => observer.disconnect();
  }, [read]);
  return colours;
}

/** Tick labels in the reader's language and digits. */
function useLabels(locale: string, timeZone: string): (tick: Tick) => string {
  return useMemo(() => {
    const make = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, { timeZone, hourCycle: "h23", ...options });
    const second = make({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
    const minute = make({ hour: "2-digit", minute: "2-digit" });
    const day = make({ weekday: "short", day: "numeric", month: "short" });
    return (tick) => (tick.kind === "day" ? day : tick.kind === "minute" ? minute : second).format(tick.us / 1000);
  }, [locale, timeZone]);
}

export const ZOOMS: readonly { key: "minutes" | "hours" | "day" | "week"; value: number; spanUs: number }[] = [
  { key: "minutes", value: 1, spanUs: 60 * S_US },
  { key: "minutes", value: 10, spanUs: 600 * S_US },
  { key: "hours", value: 1, spanUs: 3600 * S_US },
  { key: "hours", value: 6, spanUs: 6 * 3600 * S_US },
  { key: "day", value: 1, spanUs: DAY_US },
  { key: "week", value: 1, spanUs: 7 * DAY_US },
];
