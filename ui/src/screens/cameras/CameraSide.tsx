/** One camera beside the list: its picture now, how it does, what is known of it; and the way to change that. */
import { useState } from "react";
import { Link } from "react-router";
import { useTranslation } from "react-i18next";
import { api, errorText } from "@/api/client";
import type { Camera } from "@/api/types";
import { Button, Code, DialogBox, Empty, Icon, Loading, PriorityMark, StateMark } from "@/design";
import { Facts, Group, Side } from "@/design/Page";
import { say } from "@/design/toast";
import { useFormats } from "@/i18n/format";
import { judgeCamera, judgeStream } from "@/state/camera_state";
import { useCamera, useCameraStatus, useNow, useSectors, useSite, useTowns } from "@/state/hooks";
import { useName } from "@/state/preferences";
import { useMay } from "@/state/session";
import { LiveView } from "@/video/LiveView";
import { CameraForm } from "./CameraForm";
import { DRIFT_SHOWN_MS } from "./cells";

export function CameraSide({ id, onClose }: { id: string; onClose: () => void }) {
  const { t } = useTranslation("cameras");
  const camera = useCamera(id);
  const [editing, setEditing] = useState<Camera | null>(null);
  const [opening, setOpening] = useState(false);
  const edit = async () => {
    setOpening(true);
    try {
      setEditing(await api.get<Camera>(`/api/cameras/${id}`));
    } catch (error) {
      say(errorText(error), { tone: "high" });
    } finally {
      setOpening(false);
    }
  };
  if (!camera) {
    return (
      <Side title={t("gone_title")} onClose={onClose}>
        <Empty title={t("gone_title")}>{t("gone")}</Empty>
      </Side>
    );
  }
  if (opening) return <Loading what={t("common:loading.screen")} />;
  if (editing) return <CameraForm camera={editing} onClose={() => setEditing(null)} onSaved={() => setEditing(null)} />;
  return <Shown camera={camera} onEdit={() => void edit()} onClose={onClose} />;
}

function Shown({ camera, onEdit, onClose }: { camera: Camera; onEdit: () => void; onClose: () => void }) {
  const { t } = useTranslation("cameras");
  const formats = useFormats();
  const name = useName();
  const may = useMay();
  const now = useNow(5000);
  const status = useCameraStatus(camera.id);
  const site = useSite(camera.site_id);
  const sector = useSectors().find((one) => one.id === camera.sector_id);
  const town = useTowns().find((one) => one.id === camera.town_id);
  const [removing, setRemoving] = useState(false);
  const found = judgeCamera(camera, status);
  const main = status?.main;
  const sub = status?.sub;
  const subFound = judgeStream(sub);
  const working = found.priority === "none";

  const switchTo = async (enabled: boolean) => {
    try {
      await api.patch(`/api/cameras/${camera.id}`, { enabled });
      say(t(enabled ? "switched_on" : "switched_off", { code: camera.code }), { undo: () => switchTo(!enabled) });
    } catch (error) {
      say(errorText(error), { tone: "high" });
    }
  };

  return (
    <Side
      title={name(camera)}
      subtitle={
        <>
          <Code>{camera.code}</Code> · {t(`common:camera_kind.${camera.kind}`)}
        </>
      }
      onClose={onClose}
      foot={
        <>
          {may.watch && (
            <Link className="button primary" to={`/camera/${camera.id}`}>
              <Icon name="eye" size={17} />
              {t("open_live")}
            </Link>
          )}
          {may.playback && (
            <Link className="button" to={`/playback?cameras=${camera.id}`}>
              <Icon name="playback" size={17} />
              {t("open_playback")}
            </Link>
          )}
          <span className="gap" />
          {may.editNetwork && (
            <Button icon="edit" onPress={onEdit}>
              {t("common:edit")}
            </Button>
          )}
        </>
      }
    >
      {may.watch && camera.enabled && (
        <div className="picture-slot">
          <LiveView camera={camera} stream="sub" compact />
        </div>
      )}
      <div className={found.priority === "none" ? "state-line" : `notice ${found.priority}`}>
        <StateMark state={found.state} priority={found.priority} size={20} />
        <div>
          <strong>{t(`common:camera_state.${found.state}`)}</strong>
          {found.since_us > 0 && (
            <span className="muted" title={formats.stamp(found.since_us)}>
              {" · "}
              {t("since", { when: formats.when(found.since_us, now) })}
            </span>
          )}
          {found.cause !== "none" && <p>{t(`common:cause.${found.cause}`, { defaultValue: found.cause })}</p>}
          {found.cause !== "none" && <p className="muted">{t(`remedy.${found.cause}`, { defaultValue: "" })}</p>}
          {main?.detail && !working && (
            <p className="muted" dir="ltr">
              {main.detail}
            </p>
          )}
        </div>
      </div>
      {main && camera.enabled && (
        <Group title={t("group.measured")}>
          <Facts
            items={[
              [t("fact.last_frame"), main.last_frame_us ? <span title={formats.stamp(main.last_frame_us)}>{formats.when(main.last_frame_us, now)}</span> : t("fact.never")],
              working && [t("column.bitrate"), formats.bitrate(main.bitrate_bps)],
              working && [t("column.rate"), t("rate_gop", { rate: formats.number(main.frame_rate_hz), gop: formats.number(main.gop_s) })],
              main.width > 0 && [t("fact.picture"), <bdi key="p">{`${formats.number(main.width, { useGrouping: false })} × ${formats.number(main.height, { useGrouping: false })} · ${codecName(main.codec)}`}</bdi>],
              working && [
                t("fact.clock"),
                <span key="d" className={Math.abs(main.drift_ms) >= DRIFT_SHOWN_MS ? "text-low" : undefined}>
                  {t(main.drift_ms >= 0 ? "ahead" : "behind", { by: Math.abs(main.drift_ms) >= 1000 ? formats.duration(Math.abs(main.drift_ms)) : t("milliseconds", { value: formats.number(Math.abs(Math.round(main.drift_ms))) }) })}
                </span>,
              ],
              [t("fact.gaps"), main.gaps_today ? <span key="g">{t("gaps", { count: main.gaps_today })}</span> : t("no_gaps")],
              [t("fact.line"), t("line", { reconnects: t("reconnects", { count: main.reconnects }), lost: t("packets", { count: main.packets_lost }) })],
              camera.has_sub || sub ? [t("fact.sub"), <span key="s">{t(`common:camera_state.${subFound.state}`)}{sub?.bitrate_bps ? ` · ${formats.bitrate(sub.bitrate_bps)}` : ""}</span>] : null,
              [t("fact.recorder"), main.recorder_id ? <Code key="r">{main.recorder_id}</Code> : "—"],
            ]}
          />
        </Group>
      )}
      <Group title={t("group.place")}>
        <Facts
          items={[
            [t("common:site"), site ? <Link key="s" to={`/site/${site.id}`}>{name(site)}</Link> : "—"],
            [t("common:sector"), name(sector) || "—"],
            [t("common:town"), name(town) || "—"],
            [t("fact.view"), camera.heading_deg === null ? "—" : t("view", { heading: formats.number(camera.heading_deg), field: camera.field_of_view_deg === null ? "—" : formats.number(camera.field_of_view_deg) })],
            camera.height_m !== null && [t("field.height_m"), t("metres", { value: formats.number(camera.height_m) })],
            camera.purpose ? [t("field.purpose"), camera.purpose] : null,
          ]}
        />
      </Group>
      <Group title={t("group.device")}>
        <Facts
          items={[
            [t("fact.device"), <bdi key="m">{[camera.make, camera.model].filter(Boolean).join(" ") || "—"}</bdi>],
            camera.main_url ? [t("field.main_url"), <Code key="u">{camera.main_url}</Code>] : null,
            camera.sub_url ? [t("field.sub_url"), <Code key="u">{camera.sub_url}</Code>] : null,
            [t("fact.kept"), camera.record ? (camera.retention_days === null ? t("kept_default") : t("days", { count: camera.retention_days })) : t("not_recorded")],
            [t("field.sound"), camera.sound ? t("common:yes") : t("common:no")],
          ]}
        />
      </Group>
      {may.editNetwork && (
        <div style={{ display: "flex", gap: 8 }}>
          <Button small onPress={() => void switchTo(!camera.enabled)}>
            {t(camera.enabled ? "switch_off" : "switch_on")}
          </Button>
          <Button small look="danger" icon="trash" onPress={() => setRemoving(true)}>
            {t("remove")}
          </Button>
        </div>
      )}
      {removing && <RemoveDialog camera={camera} onClose={() => setRemoving(false)} />}
    </Side>
  );
}

function RemoveDialog({ camera, onClose }: { camera: Camera; onClose: () => void }) {
  const { t } = useTranslation("cameras");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const remove = async () => {
    setBusy(true);
    try {
      await api.delete(`/api/cameras/${camera.id}`);
      say(t("removed", { code: camera.code }));
      onClose();
    } catch (failure) {
      setError(errorText(failure));
      setBusy(false);
    }
  };
  return (
    <DialogBox
      title={t("remove_title", { code: camera.code })}
      isOpen
      onClose={onClose}
      busy={busy}
      foot={
        <>
          <Button onPress={onClose}>{t("common:cancel")}</Button>
          <Button look="danger" icon="trash" isDisabled={busy} onPress={() => void remove()}>
            {t("remove")}
          </Button>
        </>
      }
    >
      <div className="notice high">
        <PriorityMark priority="high" />
        <span>{t("remove_lost")}</span>
      </div>
      <p>{t("remove_instead")}</p>
      {error && <p className="form-error">{error}</p>}
    </DialogBox>
  );
}

function codecName(codec: string): string {
  if (/^avc/.test(codec)) return "H.264";
  if (/^(hvc|hev)/.test(codec)) return "H.265";
  return codec || "—";
}
