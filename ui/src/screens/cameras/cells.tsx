/** Cells that follow one camera's status by themselves, so that a thousand changes a second redraw only what is seen. */
import { useTranslation } from "react-i18next";
import type { Camera } from "@/api/types";
import { StateMark } from "@/design";
import { useFormats } from "@/i18n/format";
import { judgeCamera } from "@/state/camera_state";
import { useCameraStatus, useNow } from "@/state/hooks";

export function StateCell({ camera }: { camera: Camera }) {
  const { t } = useTranslation();
  const formats = useFormats();
  const status = useCameraStatus(camera.id);
  const now = useNow(10_000);
  const { state, priority, cause, since_us } = judgeCamera(camera, status);
  const why = cause === "none" ? "" : t(`cause.${cause}`, { defaultValue: cause });
  const since = since_us > 0 && priority !== "none" ? formats.when(since_us, now) : "";
  return (
    <span className="state-cell" title={[t(`camera_state.${state}`), why, since_us > 0 ? formats.stamp(since_us) : ""].filter(Boolean).join(" · ")}>
      <StateMark state={state} priority={priority} size={16} />
      <span>
        {t(`camera_state.${state}`)} <span className="muted">{[since, why].filter(Boolean).join(" · ")}</span>
      </span>
    </span>
  );
}

export function BitrateCell({ id }: { id: string }) {
  const formats = useFormats();
  const main = useCameraStatus(id)?.main;
  return <span className={main?.bitrate_bps ? "number" : "number muted"}>{main?.bitrate_bps ? formats.bitrate(main.bitrate_bps) : "—"}</span>;
}

export function RateCell({ id }: { id: string }) {
  const { t } = useTranslation("cameras");
  const formats = useFormats();
  const main = useCameraStatus(id)?.main;
  return <span className={main?.frame_rate_hz ? "number" : "number muted"}>{main?.frame_rate_hz ? t("per_second", { rate: formats.number(main.frame_rate_hz) }) : "—"}</span>;
}

/** Beyond this a camera's own clock misleads whoever reads the time in its picture. */
export const DRIFT_SHOWN_MS = 2000;

export function DriftCell({ id }: { id: string }) {
  const { t } = useTranslation("cameras");
  const formats = useFormats();
  const main = useCameraStatus(id)?.main;
  if (!main || !main.frame_rate_hz) return <span className="muted">—</span>;
  const off = Math.abs(main.drift_ms) >= DRIFT_SHOWN_MS;
  return (
    <span className={off ? "number text-low" : "number"}>
      {t("milliseconds", { value: `\u2066${formats.number(Math.round(main.drift_ms), { signDisplay: "exceptZero" })}\u2069` })}
    </span>
  );
}
