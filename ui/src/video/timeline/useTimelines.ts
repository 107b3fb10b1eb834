/**
 * Keeps what each camera has recorded, for the part of the timeline that is on the screen, and renews its growing end.
 *
 * Called by the playback screen. Asks a span a third wider than the view, again when the view leaves it, and every 5 s while "now"
 * is in view. Source: `GET /api/timeline`.
 */
import { useEffect, useRef, useState } from "react";
import { api } from "@/api/client";
import type { Timeline } from "@/api/types";
import { serverNowMs } from "@/state/connection";
import { useChangesOf } from "@/state/hooks";
import type { View } from "./scale";

const RENEW_MS = 5000;
const SETTLE_MS = 150;

export type Timelines = Record<string, Timeline>;

export function useTimelines(cameraIds: readonly string[], view: View): { timelines: Timelines; error: unknown; renew(): void } {
  const [timelines, setTimelines] = useState<Timelines>({});
  const [error, setError] = useState<unknown>(null);
  const [round, setRound] = useState(0);
  const asked = useRef<{ key: string; fromUs: number; toUs: number; atMs: number }>({ key: "", fromUs: 0, toUs: 0, atMs: 0 });
  const key = cameraIds.join(",");
  const renew = () => {
    asked.current.atMs = 0;
    setRound((value) => value + 1);
  };
  useChangesOf("hold", renew);
  useEffect(() => {
    const timer = window.setInterval(() => setRound((value) => value + 1), RENEW_MS);
    return () => window.clearInterval(timer);
  }, []);
  useEffect(() => {
    if (!key) return;
    const nowUs = serverNowMs() * 1000;
    const known = asked.current;
    const inside = known.key === key && known.fromUs <= view.fromUs && known.toUs >= Math.min(view.toUs, nowUs);
    const tooWide = known.toUs - known.fromUs > 8 * (view.toUs - view.fromUs);
    const fresh = performance.now() - known.atMs < RENEW_MS - 500 || view.toUs < known.toUs - 1;
    if (inside && !tooWide && known.atMs > 0 && (fresh || known.toUs < nowUs - 60e6)) return;
    const abort = new AbortController();
    const timer = window.setTimeout(() => {
      const margin = (view.toUs - view.fromUs) / 3;
      const fromUs = Math.floor(view.fromUs - margin);
      const toUs = Math.ceil(view.toUs + margin);
      api
        .get<Timelines | { timelines: Timelines }>("/api/timeline", { camera_ids: key, from_us: fromUs, to_us: toUs }, abort.signal)
        .then((answer) => {
          asked.current = { key, fromUs, toUs, atMs: performance.now() };
          setTimelines(normal(answer));
          setError(null);
        })
        .catch((reason: unknown) => {
          if (!abort.signal.aborted) setError(reason);
        });
    }, known.key === key ? SETTLE_MS : 0);
    return () => {
      window.clearTimeout(timer);
      abort.abort();
    };
  }, [key, view.fromUs, view.toUs, round]);
  return { timelines, error, renew };
}

/** The answer is a map by camera; some servers wrap it. Spans come sorted; sorted again here, since everything searches them. */
function normal(answer: Timelines | { timelines: Timelines }): Timelines {
  const map = ("timelines" in answer && !Array.isArray(answer.timelines) ? answer.timelines : answer) as Timelines;
  const byStart = (left: { start_us: number }, right: { start_us: number }) => left.start_us - right.start_us;
  for (const timeline of Object.values(map)) {
    timeline.spans.sort(byStart);
    timeline.gaps.sort(byStart);
    timeline.holds.sort(byStart);
  }
  return map;
}
