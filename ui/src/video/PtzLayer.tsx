/**
 * Steering on the picture itself: drag from where you press to move that way, wheel to zoom, a click stops.
 *
 * Keys when it has the focus: arrows move while held, + and − zoom, Escape stops, Home goes home. Not mirrored: left is the
 * picture's left. Called by the camera page and an enlarged wall tile.
 */
import { type PointerEvent, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError, errorText } from "@/api/client";
import { PtzControl, speedOf } from "./ptz";

const WHEEL_STOP_MS = 260;
const KEYS: Record<string, [number, number, number]> = {
  ArrowLeft: [-0.4, 0, 0],
  ArrowRight: [0.4, 0, 0],
  ArrowUp: [0, 0.4, 0],
  ArrowDown: [0, -0.4, 0],
  "+": [0, 0, 0.5],
  "=": [0, 0, 0.5],
  "-": [0, 0, -0.5],
};

export function PtzLayer({ cameraId, onDone }: { cameraId: string; onDone?: () => void }) {
  const { t } = useTranslation("video");
  const [vector, setVector] = useState<{ x: number; y: number; dx: number; dy: number } | null>(null);
  const [trouble, setTrouble] = useState("");
  const wheelTimer = useRef<number | undefined>(undefined);
  const done = useRef(onDone);
  done.current = onDone;
  const control = useRef<PtzControl>(null);
  const layer = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const made = new PtzControl(
      cameraId,
      (error) => setTrouble(error instanceof ApiError && error.code === "ptz_locked" ? t("ptz.locked", lockName(error)) : errorText(error)),
      () => {
        setTrouble("");
        done.current?.();
      },
    );
    control.current = made;
    // Whoever cannot see the picture does not steer.
    const onHidden = () => document.hidden && made.stop();
    document.addEventListener("visibilitychange", onHidden);
    return () => {
      document.removeEventListener("visibilitychange", onHidden);
      made.stop();
    };
  }, [cameraId, t]);

  useEffect(() => {
    const element = layer.current;
    if (!element) return;
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      control.current?.move({ pan: 0, tilt: 0, zoom: event.deltaY < 0 ? 0.6 : -0.6 });
      window.clearTimeout(wheelTimer.current);
      wheelTimer.current = window.setTimeout(() => control.current?.stop(), WHEEL_STOP_MS);
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => {
      element.removeEventListener("wheel", onWheel);
      window.clearTimeout(wheelTimer.current);
    };
  }, []);

  const down = (event: PointerEvent) => {
    if (event.button !== 0) return;
    const bounds = event.currentTarget.getBoundingClientRect();
    event.currentTarget.setPointerCapture(event.pointerId);
    setTrouble("");
    setVector({ x: event.clientX - bounds.left, y: event.clientY - bounds.top, dx: 0, dy: 0 });
  };
  const move = (event: PointerEvent) => {
    if (!vector) return;
    const bounds = event.currentTarget.getBoundingClientRect();
    const dx = event.clientX - bounds.left - vector.x;
    const dy = event.clientY - bounds.top - vector.y;
    setVector({ ...vector, dx, dy });
    const speed = speedOf(dx, dy, Math.min(bounds.width, bounds.height) * 0.4);
    if (speed.pan || speed.tilt) control.current?.move({ ...speed, zoom: 0 });
    else control.current?.stop(); // back in the middle
  };
  const up = () => {
    if (!vector) return;
    if (Math.hypot(vector.dx, vector.dy) < 8) control.current?.halt();
    else control.current?.stop();
    setVector(null);
  };

  return (
    <div
      ref={layer}
      className="ptz-layer"
      tabIndex={0}
      role="application"
      aria-label={t("ptz.layer")}
      data-testid="ptz-layer"
      onPointerDown={down}
      onPointerMove={move}
      onPointerUp={up}
      onPointerCancel={up}
      onLostPointerCapture={up}
      onDoubleClick={(event) => event.stopPropagation()}
      onKeyDown={(event) => {
        const [pan, tilt, zoom] = KEYS[event.key] ?? [0, 0, 0];
        if (pan || tilt || zoom) control.current?.move({ pan, tilt, zoom });
        else if (event.key === "Escape") control.current?.halt();
        else if (event.key === "Home") void control.current?.send("home");
        else return;
        event.preventDefault();
        event.stopPropagation();
      }}
      onKeyUp={(event) => event.key in KEYS && control.current?.stop()}
      onBlur={() => control.current?.stop()}
    >
      {vector && (
        <svg aria-hidden="true">
          <circle className="ptz-ring" cx={vector.x} cy={vector.y} r={8} />
          <line className="ptz-vector" x1={vector.x} y1={vector.y} x2={vector.x + vector.dx} y2={vector.y + vector.dy} />
          <circle className="ptz-ring" cx={vector.x + vector.dx} cy={vector.y + vector.dy} r={3} />
        </svg>
      )}
      {trouble && (
        <div className="ptz-note" role="alert">
          <span data-trouble dir="auto">{trouble}</span>
        </div>
      )}
    </div>
  );
}

function lockName(error: ApiError): { name: string } {
  const lock = error.detail["lock"];
  const holder = (lock && typeof lock === "object" ? lock : error.detail) as Record<string, unknown>;
  return { name: String(holder["name"] ?? holder["account"] ?? "—") };
}
