/**
 * Steering a PTZ camera: commands from mouse, wheel and keys, sent no faster than the camera can take them.
 *
 * The newest movement wins; a stop is always sent, and last. A movement that is held is sent again each second: the server stops
 * a camera whose movement nobody renews within two. Called by `PtzLayer.tsx` and the camera page.
 * Bounds: one request under way, eight movements a second. Source: `POST /api/cameras/{id}/ptz`.
 */
import { api } from "@/api/client";

const LEAST_MS = 120;
/** Well within the server's `MOVE_TIMEOUT_S`. */
export const RENEW_MS = 1000;

export interface Movement {
  readonly pan: number;
  readonly tilt: number;
  readonly zoom: number;
}

/** Speed from how far the pointer was dragged: slow near the middle, full at the edge, nothing within a few pixels. */
export function speedOf(dx: number, dy: number, reachPx: number): { pan: number; tilt: number } {
  const length = Math.hypot(dx, dy);
  if (length < 8 || reachPx <= 0) return { pan: 0, tilt: 0 };
  const share = Math.min(1, (length - 8) / reachPx);
  const speed = share * share * 0.95 + 0.05;
  return { pan: round((dx / length) * speed), tilt: round((-dy / length) * speed) };
}

const round = (value: number): number => Math.round(value * 100) / 100 || 0;

export class PtzControl {
  private moving = false;
  private wanted: Movement | "stop" | null = null;
  private busy = false;
  private lastMs = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private held: Movement | null = null;
  private renewal: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly cameraId: string,
    private readonly failed: (error: unknown) => void,
    private readonly done: () => void = () => undefined,
  ) {}

  move(movement: Movement): void {
    this.moving = true;
    this.wanted = movement;
    this.held = movement;
    this.renewal ??= setInterval(() => this.renew(), RENEW_MS);
    this.pump();
  }

  private renew(): void {
    if (!this.held || this.busy || performance.now() - this.lastMs < RENEW_MS / 2) return;
    this.wanted = this.held;
    this.pump();
  }

  private letGo(): void {
    this.moving = false;
    this.held = null;
    clearInterval(this.renewal);
    this.renewal = undefined;
  }

  stop(): void {
    if (!this.moving) return;
    this.letGo();
    this.wanted = "stop";
    this.pump();
  }

  /** A stop even if nothing is known to move (a person clicks because the camera will not stand still). */
  halt(): void {
    this.moving = true;
    this.stop();
  }

  send(command: "home" | "absolute_preset" | "save_preset" | "delete_preset", more: Record<string, unknown> = {}): Promise<void> {
    return api.post<unknown>(`/api/cameras/${this.cameraId}/ptz`, { command, ...more }).then(
      () => this.done(),
      (error: unknown) => this.failed(error),
    );
  }

  private pump(): void {
    if (this.busy || this.wanted === null) return;
    const wait = this.wanted === "stop" ? 0 : this.lastMs + LEAST_MS - performance.now();
    if (wait > 0) {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.pump(), wait);
      return;
    }
    const wanted = this.wanted;
    this.wanted = null;
    this.busy = true;
    this.lastMs = performance.now();
    const body = wanted === "stop" ? { command: "stop" } : { command: "move", ...wanted };
    api
      .post<unknown>(`/api/cameras/${this.cameraId}/ptz`, body)
      .then(
        () => this.done(),
        (error: unknown) => {
          if (wanted !== "stop") this.letGo();
          this.failed(error);
        },
      )
      .finally(() => {
        this.busy = false;
        this.pump();
      });
  }
}
