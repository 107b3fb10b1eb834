/**
 * A live session bound to a place on the screen: streams only while that place can be seen.
 *
 * Called by `LiveView.tsx`. A hidden tab or a tile out of view stops after a short grace, so that a glance elsewhere costs nothing.
 */
import { type RefObject, useEffect, useState, useSyncExternalStore } from "react";
import { type LiveFacts, LiveSession } from "./liveSession";
import type { StreamName } from "./liveLine";

const GRACE_HIDDEN_MS = 3000;
const GRACE_OUT_OF_VIEW_MS = 400;

const NONE: LiveFacts = {
  state: "idle", cause: "", sinceUs: 0, lastWallUs: 0, delayMs: 0, firstPictureMs: 0, shown: 0, dropped: 0,
  codec: "", widthPx: 0, heightPx: 0, stream: "main", engine: "webcodecs", fellBack: false,
}; // prettier-ignore

const never = () => () => undefined;
const none = () => NONE;

export function useLive(
  host: RefObject<HTMLElement | null>,
  cameraId: string,
  stream: StreamName,
  hasSub: boolean,
): { session: LiveSession | null; facts: LiveFacts } {
  const [session, setSession] = useState<LiveSession | null>(null);
  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const made = new LiveSession(cameraId, element, stream, hasSub);
    setSession(made);
    let inView = true;
    let grace: number | undefined;
    const judge = () => {
      window.clearTimeout(grace);
      if (inView && !document.hidden) made.start();
      else grace = window.setTimeout(() => made.stop(), document.hidden ? GRACE_HIDDEN_MS : GRACE_OUT_OF_VIEW_MS);
    };
    const observer = new IntersectionObserver(([entry]) => {
      inView = entry?.isIntersecting ?? true;
      judge();
    });
    observer.observe(element);
    document.addEventListener("visibilitychange", judge);
    judge();
    return () => {
      window.clearTimeout(grace);
      observer.disconnect();
      document.removeEventListener("visibilitychange", judge);
      made.stop();
      setSession(null);
    };
    // The stream is changed on the running session below: a new session would show nothing meanwhile.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [host, cameraId, hasSub]);
  useEffect(() => session?.setStream(stream), [session, stream]);
  const facts = useSyncExternalStore(session?.subscribe ?? never, session?.snapshot ?? none);
  return { session, facts };
}
