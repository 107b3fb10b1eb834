/** What is known of a camera now: state and why, its streams, where it stands. */
import { type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Camera, CameraStatus, StreamStatus } from "@/api/types";
import { Code } from "@/design";
import { useFormats } from "@/i18n/format";
import { MiniMap } from "@/map/MiniMap";
import type { Judged } from "@/state/camera_state";
import { useNow } from "@/state/hooks";
import { useMay } from "@/state/session";
import { world } from "@/state/world";
import { codecName } from "@/video/codecs";
import { useName } from "@/state/preferences";

export function CameraFacts({ camera, status, judged }: { camera: Camera; status: CameraStatus | undefined; judged: Judged }) {
  const { t } = useTranslation("video");
  const f = useFormats();
  const names = useName();
  const may = useMay();
  const now = useNow(1000);
  const site = camera.site_id ? world.sites.get(camera.site_id) : undefined;
  const sector = camera.sector_id ? world.sectors.get(camera.sector_id) : undefined;
  const town = camera.town_id ? world.towns.get(camera.town_id) : undefined;
  const cause = judged.cause === "none" ? "" : t(`common:cause.${judged.cause}`);
  const main = status?.main;
  return (
    <>
      <section className="facts">
        <h2>{t("facts.state")}</h2>
        <p className={judged.priority === "none" ? "facts-state" : `facts-state text-${judged.priority}`}>
          {t(`common:camera_state.${judged.state}`)}
          {judged.since_us > 0 && <span className="muted"> · {f.when(judged.since_us, now)}</span>}
        </p>
        {cause && <p>{cause}</p>}
        {main && (
          <dl>
            <Fact name={t("facts.last_frame")}>{f.when(main.last_frame_us, now)}</Fact>
            <Fact name={t("facts.gaps")} tone={main.gaps_today > 0 ? "text-medium" : ""}>
              {f.number(main.gaps_today)}
            </Fact>
            <Fact name={t("facts.drift")}>{t("ms", { ms: f.number(Math.round(main.drift_ms) || 0) })}</Fact>
            <Fact name={t("facts.reconnects")}>{f.number(main.reconnects)}</Fact>
            <Fact name={t("facts.lost")}>{f.number(main.packets_lost)}</Fact>
          </dl>
        )}
      </section>
      {(["main", "sub"] as const).map((stream) => status?.[stream] && <Stream key={stream} name={t(stream)} status={status[stream]} />)}
      <section className="facts">
        <h2>{t("facts.place")}</h2>
        <dl>
          {site && (
            <Fact name={t("common:site")}>
              <Link to={`/site/${site.id}`}>{names(site)}</Link>
            </Fact>
          )}
          {town && <Fact name={t("common:town")}>{names(town)}</Fact>}
          {sector && <Fact name={t("common:sector")}>{names(sector)}</Fact>}
          <Fact name={t("facts.kind")}>{t(`common:camera_kind.${camera.kind}`)}</Fact>
          {(camera.make || camera.model) && (
            <Fact name={t("facts.model")}>
              <Code>{[camera.make, camera.model].filter(Boolean).join(" ")}</Code>
            </Fact>
          )}
          {camera.heading_deg !== null && <Fact name={t("facts.heading")}>{t("deg", { deg: f.number(camera.heading_deg, { maximumFractionDigits: 0 }) })}</Fact>}
          {camera.purpose && <Fact name={t("facts.purpose")}>{camera.purpose}</Fact>}
        </dl>
        {camera.lat !== null && camera.lon !== null && <MiniMap camera={camera} />}
        {may.editNetwork && (
          <p>
            <Link to={`/cameras/${camera.id}`}>{t("edit_camera")}</Link>
          </p>
        )}
      </section>
    </>
  );
}

function Stream({ name, status }: { name: string; status: StreamStatus }) {
  const { t } = useTranslation("video");
  const f = useFormats();
  if (!status.codec && !status.bitrate_bps) return null;
  return (
    <section className="facts">
      <h2>{name}</h2>
      <dl>
        <Fact name={t("facts.picture")}>
          <bdi>
            {status.width}×{status.height} {codecName(status.codec)}
          </bdi>
        </Fact>
        <Fact name={t("facts.bitrate")}>{f.bitrate(status.bitrate_bps)}</Fact>
        <Fact name={t("facts.rate")}>{t("fps", { rate: f.number(status.frame_rate_hz) })}</Fact>
        <Fact name={t("facts.gop")}>{t("s", { s: f.number(status.gop_s) })}</Fact>
      </dl>
    </section>
  );
}

function Fact({ name, tone = "", children }: { name: string; tone?: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className={`number ${tone}`}>{children}</dd>
    </div>
  );
}
