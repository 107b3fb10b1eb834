/** What a camera's status means for a person: one state, one priority, one cause. Used by the list, the map and the wall. */
import type { Camera, CameraStatus, StreamCause, StreamStatus } from "@/api/types";

export type CameraState =
  | "recording"
  | "live_only"
  | "connecting"
  | "refused"
  | "lost"
  | "stopped"
  | "disabled"
  | "unknown";

/** Our order of response; `none` is normal and drawn grey. */
export type Priority = "none" | "low" | "medium" | "high" | "critical";

export const PRIORITY_RANK: Record<Priority, number> = { none: 0, low: 1, medium: 2, high: 3, critical: 4 };

export interface Judged {
  state: CameraState;
  priority: Priority;
  cause: StreamCause;
  since_us: number;
}

export const CAMERA_STATES: readonly CameraState[] = [
  "lost",
  "refused",
  "connecting",
  "recording",
  "live_only",
  "stopped",
  "disabled",
  "unknown",
];

const PRIORITY: Record<CameraState, Priority> = {
  lost: "high",
  refused: "medium",
  connecting: "low",
  recording: "none",
  live_only: "none",
  stopped: "none",
  disabled: "none",
  unknown: "low",
};

/** One stream's state, seen as the camera's. */
export function judgeStream(status: StreamStatus | undefined): Judged {
  if (!status) return { state: "unknown", priority: PRIORITY.unknown, cause: "none", since_us: 0 };
  const priority = status.cause === "disk" && status.state !== "recording" ? "critical" : PRIORITY[status.state];
  return { state: status.state, priority, cause: status.cause, since_us: status.since_us };
}

/** The main stream decides; a camera switched off by a person is "disabled", whatever its stream says. */
export function judgeCamera(camera: Pick<Camera, "enabled">, status: CameraStatus | undefined): Judged {
  if (!camera.enabled) return { state: "disabled", priority: "none", cause: "none", since_us: status?.main?.since_us ?? 0 };
  return judgeStream(status?.main ?? status?.sub);
}
