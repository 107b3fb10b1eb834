/**
 * A live picture that never lies: the surface, and over it what is wrong when it is not live.
 *
 * Used by the wall, the camera page and the card on the map. The caller draws names and buttons; this draws picture and state.
 */
import { type ReactNode, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { Camera, CameraStatus, StreamStatus } from "@/api/types";
import { useFormats } from "@/i18n/format";
import { useWorld } from "@/state/hooks";
import { codecName } from "./codecs";
import { Icon } from "./icons";
import type { LiveFacts, LiveSession } from "./liveSession";
import type { StreamName } from "./liveLine";
import { useLive } from "./useLive";
import "./video.css";

/** Above this the delay is worth a person's attention. */
const LATE_MS = 1500;

interface Props {
  camera: Pick<Camera, "id" | "has_sub">;
  stream: StreamName;
  /** Small tiles say the state in fewer words. */
  compact?: boolean;
  onSession?: (session: LiveSession | null) => void;
  children?: (facts: LiveFacts) => ReactNode;
}

export function LiveView({ camera, stream, compact = false, onSession, children }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const { session, facts } = useLive(host, camera.id, stream, camera.has_sub);
  useEffect(() => onSession?.(session), [onSession, session]);
  const lost = useWorld((world) => firstLost(world.statuses.get(camera.id)));
  return (
    <div className="live" data-compact={compact || undefined}>
      <div ref={host} className="live-host" data-testid="live" data-camera={camera.id} />
      <LiveOverlay facts={facts} lost={lost} compact={compact} nowUs={session?.serverNowUs() ?? Date.now() * 1000} />
      {children?.(facts)}
    </div>
  );
}

/** The stream of a camera that was lost first; undefined where none is. A stream opened to look at it knows only of itself. */
function firstLost(status: CameraStatus | undefined): StreamStatus | undefined {
  const lost = [status?.main, status?.sub].filter((one) => one?.state === "lost" || one?.state === "refused");
  return lost.sort((one, other) => one!.since_us - other!.since_us)[0];
}

/** What stands over a picture that is not live. */
function LiveOverlay({ facts, lost, compact, nowUs }: { facts: LiveFacts; lost: StreamStatus | undefined; compact: boolean; nowUs: number }) {
  const { t } = useTranslation("video");
  const f = useFormats();
  const { state } = facts;
  if (state === "live" || state === "idle") return null;
  const sinceUs = lost && lost.since_us > 0 && lost.since_us < facts.sinceUs ? lost.since_us : facts.sinceUs;
  const since = sinceUs > 0 ? t("since", { time: f.clock(sinceUs / 1000) }) : "";
  const last =
    facts.lastWallUs > 0
      ? t("last_picture", {
          time: f.clock(facts.lastWallUs / 1000),
          age: f.duration(Math.max(0, nowUs - facts.lastWallUs) / 1000),
        })
      : "";
  if (state === "connecting") {
    return (
      <div className="live-overlay live-overlay-quiet" role="status">
        <span className="spinner-dots" aria-hidden="true" />
        <span>{t("state.connecting")}</span>
        {facts.cause === "timeout" && <small>{t("slow")}</small>}
      </div>
    );
  }
  const why = facts.cause && facts.cause !== "none" ? facts.cause : lost?.cause;
  const cause =
    state === "waiting"
      ? t(`common:cause.${why || "none"}`, { defaultValue: t("cause_unknown") })
      : facts.cause === "busy"
        ? t("busy")
        : "";
  const title = state === "unsupported" ? t("state.unsupported", { codec: codecName(facts.codec) }) : t(`state.${state}`);
  return (
    <div className="live-overlay" role="status" data-state={state}>
      <Icon name="warn" size={compact ? 18 : 28} />
      <strong>{title}</strong>
      {cause && <span>{cause}</span>}
      {state === "waiting" && since && <span className="number">{since}</span>}
      {state === "unsupported" && !compact && <span>{t("unsupported_hint")}</span>}
      {last && <small className="number">{last}</small>}
    </div>
  );
}

/** Time of the picture and its delay, for the edge of a tile. */
export function LiveClock({ facts }: { facts: LiveFacts }) {
  const { t } = useTranslation("video");
  const f = useFormats();
  if (facts.lastWallUs === 0) return null;
  const late = facts.delayMs > LATE_MS;
  const seconds = f.number(Math.max(0, facts.delayMs) / 1000, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  return (
    <span className="live-clock number" data-late={late || undefined} title={t("delay_hint", { seconds })}>
      <time>{f.clock(facts.lastWallUs / 1000)}</time>
      {facts.state === "live" && <span className="live-delay">{t("delay", { seconds })}</span>}
    </span>
  );
}
