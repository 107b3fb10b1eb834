/** The site's cameras: how each does, what is wrong with its picture, and its live picture when somebody asks for it. */
import { useState } from "react";
import { Link } from "react-router";
import { useTranslation } from "react-i18next";
import { conditionName } from "@/alarms/words";
import { Code, Icon, IconButton, PriorityMark, StateMark } from "@/design";
import { useFormats } from "@/i18n/format";
import { judgeCamera } from "@/state/camera_state";
import { useCameraStatus, useNow, useWatchedOne } from "@/state/hooks";
import { useName } from "@/state/preferences";
import { useMay } from "@/state/session";
import { LiveView } from "@/video/LiveView";
import { Panel } from "./Panel";
import type { SiteCamera, SiteCondition } from "./types";

export function Cameras({ site }: { site: SiteCondition }) {
  const { t } = useTranslation("site");
  const may = useMay();
  // Pictures are asked for one by one: opening a page must not open four streams.
  const [looking, setLooking] = useState<string | null>(null);
  const on = site.cameras.filter((camera) => camera.enabled);
  const ids = on.map((camera) => camera.id);
  return (
    <Panel
      title={t("panel.cameras")}
      aside={
        may.watch &&
        ids.length > 1 && (
          <Link className="st-aside" to={`/wall?cameras=${ids.slice(0, 9).join(",")}`}>
            {t("all_live")}
          </Link>
        )
      }
    >
      {site.cameras.length === 0 && <p className="inside muted">{t("sites:no_cameras_text")}</p>}
      <ul className="st-cameras">
        {site.cameras.map((camera) => (
          <Line key={camera.id} camera={camera} shed={site.shedding.cameras[camera.id]} failure={site.shedding.failures[camera.id]} open={looking === camera.id} onOpen={() => setLooking(looking === camera.id ? null : camera.id)} />
        ))}
      </ul>
    </Panel>
  );
}

function Line({ camera, shed, failure, open, onOpen }: { camera: SiteCamera; shed: string | undefined; failure: { times: number; why: string } | undefined; open: boolean; onOpen: () => void }) {
  const { t } = useTranslation("site");
  const formats = useFormats();
  const name = useName();
  const may = useMay();
  const now = useNow(10_000);
  const status = useCameraStatus(camera.id) ?? camera.status;
  const found = judgeCamera(camera, status);
  const live = useWatchedOne("health", camera.id);
  const conditions = camera.enabled ? (live ?? camera.health)?.conditions ?? [] : [];
  return (
    <li>
      <div className="st-camera">
        <StateMark state={found.state} priority={found.priority} size={16} />
        <Link to={may.watch ? `/camera/${camera.id}` : `/cameras/${camera.id}`} className="grow">
          <Code>{camera.code}</Code> <span>{name(camera)}</span>
        </Link>
        <span className="muted">{t(`common:camera_state.${found.state}`)}</span>
        {may.watch && camera.enabled && <IconButton small icon="eye" label={t(open ? "hide_picture" : "show_picture", { code: camera.code })} onPress={onOpen} aria-pressed={open} />}
      </div>
      {conditions.map((one) => (
        <p key={one.kind} className="st-condition">
          <PriorityMark priority="medium" size={14} />
          <span>{conditionName(one.kind)}</span>
          <span className="muted">
            {formats.when(one.since_us, now)}
            {one.confidence < 0.995 && ` · ${t("sure", { pct: formats.percent(one.confidence * 100) })}`}
          </span>
        </p>
      ))}
      {shed && (
        <p className="st-condition muted">
          <Icon name="battery" size={14} />
          <span>{t(`shed.camera.${shed}`)}</span>
        </p>
      )}
      {failure && <p className="st-condition text-medium">{t("shed.failed", { count: failure.times, why: t(`errors:${failure.why}`, { defaultValue: failure.why }) })}</p>}
      {open && (
        <div className="picture-slot st-picture">
          <LiveView camera={camera} stream="sub" compact />
        </div>
      )}
    </li>
  );
}
