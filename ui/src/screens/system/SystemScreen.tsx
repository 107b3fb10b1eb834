/** How the program itself does: warnings first, then disks, recorders, processes and the journal. */
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, errorText } from "@/api/client";
import type { DiskStatus, SystemStatus } from "@/api/types";
import { Code, Empty, Icon, Loading, Meter, PriorityMark } from "@/design";
import { Facts, Page } from "@/design/Page";
import { useFormats } from "@/i18n/format";
import { type CameraState, judgeCamera, type Priority } from "@/state/camera_state";
import { useCalmVersion, useCameras, useNow, useVersion } from "@/state/hooks";
import { world } from "@/state/world";

const ASK_EVERY_MS = 3000;
const DISK_PRIORITY: Record<string, Priority> = { ok: "none", slow: "medium", full: "high", failed: "critical" };
const WARNING_PRIORITY: Record<string, Priority> = { disk: "high", recorder_silent: "critical", journal_away: "high", outbox_late: "medium", notifications_late: "medium", process: "high", restarted: "low" };

export function SystemScreen() {
  const { t } = useTranslation("system");
  const formats = useFormats();
  const now = useNow();
  const [system, setSystem] = useState<SystemStatus | null>(null);
  const [asked, setAsked] = useState(0);
  const [error, setError] = useState<string | null>(null);
  const changed = useVersion("system");
  useEffect(() => {
    let stopped = false;
    const ask = () =>
      api
        .get<SystemStatus>("/api/system")
        .then((answer) => {
          if (stopped) return;
          setSystem(answer);
          setAsked(Date.now());
          setError(null);
        })
        .catch((failure: unknown) => !stopped && setError(errorText(failure)));
    void ask();
    const id = window.setInterval(() => void ask(), ASK_EVERY_MS);
    return () => {
      stopped = true;
      window.clearInterval(id);
    };
  }, [changed]);
  if (!system) {
    return (
      <Page title={t("title")}>
        {error ? <Empty title={t("failed")}>{error}</Empty> : <Loading what={t("loading")} />}
      </Page>
    );
  }
  const warnings = (system.warnings ?? []).map((one) => (typeof one === "string" ? { code: "", message: one, detail: {} } : { code: one.code ?? "", message: one.message ?? "", detail: one.detail ?? {} }));
  const journal = system.journal ?? {};
  const age = Date.now() - asked;
  return (
    <Page
      title={t("title")}
      count={
        <>
          {t("version")} <Code>{system.version ?? "—"}</Code>
        </>
      }
      actions={error || age > 3 * ASK_EVERY_MS ? <span className="text-high">{t("old", { age: formats.duration(age) })}</span> : undefined}
    >
      <div className="columns">
        <Fleet />
        {warnings.length > 0 && (
          <section className="panel all">
            <header>
              <h2>{t("warnings")}</h2>
            </header>
            <ul className="rows">
              {warnings.map((warning, index) => (
                <li key={index}>
                  <PriorityMark priority={warning.code === "disk" ? (DISK_PRIORITY[String(warning.detail.state)] ?? "high") : (WARNING_PRIORITY[warning.code] ?? "medium")} />
                  <span className="grow"><bdi>{t(`warning.${warning.code}`, { ...warning.detail, defaultValue: warning.message, when: typeof warning.detail.at_us === "number" ? formats.when(warning.detail.at_us, now) : "", state: t(`disk_state.${String(warning.detail.state)}`, { defaultValue: String(warning.detail.state ?? "") }) })}</bdi></span>
                </li>
              ))}
            </ul>
          </section>
        )}
        <section className="panel">
          <header>
            <h2>{t("disks")}</h2>
          </header>
          {system.disks?.length ? system.disks.map((disk) => <Disk key={`${disk.path}${disk.recorder_id ?? ""}`} disk={disk} />) : <Empty title={t("no_disks")}>{t("no_disks_text")}</Empty>}
        </section>
        <section className="panel">
          <header>
            <h2>{t("recorders")}</h2>
          </header>
          {system.recorders?.length ? (
            <table className="plain-table">
              <thead>
                <tr>
                  <th>{t("name")}</th>
                  <th className="end">{t("streams")}</th>
                  <th>{t("running_since")}</th>
                  <th>{t("heard")}</th>
                </tr>
              </thead>
              <tbody>
                {system.recorders.map((recorder) => (
                  <tr key={recorder.recorder_id}>
                    <td>
                      <Code>{recorder.recorder_id}</Code>
                    </td>
                    <td className="end number">{typeof recorder.streams === "number" ? formats.number(recorder.streams) : "—"}</td>
                    <td>{recorder.started_us ? <span title={formats.stamp(recorder.started_us)}>{formats.duration(now - recorder.started_us / 1000)}</span> : "—"}</td>
                    <td>
                      {recorder.silent === true ? (
                        <span className="state-cell text-critical">
                          <PriorityMark priority="critical" size={16} />
                          <span>{t("silent", { when: formats.when(recorder.at_us, now) })}</span>
                        </span>
                      ) : (
                        formats.when(recorder.at_us, now)
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          ) : (
            <Empty title={t("no_recorders")}>{t("no_recorders_text")}</Empty>
          )}
        </section>
        <section className="panel wide">
          <header>
            <h2>{t("processes")}</h2>
          </header>
          <table className="plain-table">
            <thead>
              <tr>
                <th>{t("name")}</th>
                <th>{t("common:state")}</th>
                <th>{t("running_since")}</th>
                <th className="end">{t("cpu")}</th>
                <th className="end">{t("memory")}</th>
                <th className="end">{t("restarts")}</th>
              </tr>
            </thead>
            <tbody>
              {(system.processes ?? []).map((process) => (
                <tr key={`${process.name}-${process.pid}`}>
                  <td>
                    <Code>{process.name}</Code>
                  </td>
                  <td>
                    <span className="state-cell" title={process.started_us ? formats.stamp(process.started_us) : ""}>
                      {process.state !== "running" && process.state !== "starting" && <PriorityMark priority="high" size={16} />}
                      <span>{t(`process.${process.state}`, { defaultValue: process.state })}</span>
                    </span>
                  </td>
                  <td>{process.started_us && process.state === "running" ? <span title={formats.stamp(process.started_us)}>{formats.duration(now - process.started_us / 1000)}</span> : "—"}</td>
                  <td className="end number">{process.cpu_pct == null ? "—" : formats.percent(process.cpu_pct)}</td>
                  <td className="end number">{process.memory_bytes == null ? "—" : formats.bytes(process.memory_bytes)}</td>
                  <td className={process.restarts ? "end number text-medium" : "end number"}>{formats.number(process.restarts ?? 0)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
        <section className="panel">
          <header>
            <h2>{t("journal")}</h2>
            {"connected" in journal && <span className={journal.connected ? "muted" : "text-high"}>{t(journal.connected ? "journal_there" : "journal_away")}</span>}
          </header>
          <div className="inside">
            <Facts
              items={Object.entries(journal)
                .filter(([key, value]) => key !== "connected" && value !== null && typeof value !== "object")
                .map(([key, value]) => [t(`journal_fact.${key}`, { defaultValue: key }), typeof value === "number" ? (key.endsWith("_us") ? formats.stamp(value) : key === "bytes" ? formats.bytes(value) : formats.number(value)) : String(value)] as const)}
            />
          </div>
        </section>
      </div>
    </Page>
  );
}

/** The one look from four metres: how many cameras do their job. */
function Fleet() {
  const { t } = useTranslation("system");
  const formats = useFormats();
  const cameras = useCameras();
  useCalmVersion("status", 1000);
  const counts: Partial<Record<CameraState, number>> = {};
  for (const camera of cameras) {
    const { state } = judgeCamera(camera, world.statuses.get(camera.id));
    counts[state] = (counts[state] ?? 0) + 1;
  }
  const figure = (state: CameraState, tone: string) => (
    <div>
      <strong className={counts[state] ? tone : "muted"}>{formats.number(counts[state] ?? 0)}</strong>
      <span>{t(`common:camera_state.${state}`)}</span>
    </div>
  );
  return (
    <section className="panel all">
      <div className="figures">
        <div>
          <strong>{formats.number(cameras.length)}</strong>
          <span>{t("cameras:title")}</span>
        </div>
        {figure("recording", "")}
        {figure("lost", "text-high")}
        {figure("refused", "text-medium")}
        {figure("connecting", "text-low")}
      </div>
    </section>
  );
}

function Disk({ disk }: { disk: DiskStatus }) {
  const { t } = useTranslation("system");
  const formats = useFormats();
  const used = disk.total_bytes ? (100 * (disk.total_bytes - disk.free_bytes)) / disk.total_bytes : 0;
  const priority = DISK_PRIORITY[disk.state] ?? "high";
  const mbps = disk.write_mbps ?? (disk.write_bytes_per_s ?? 0) * 8e-6;
  return (
    <div className="disk">
      <div className="disk-line">
        {priority === "none" ? <Icon name="system" size={16} /> : <PriorityMark priority={priority} />}
        <Code>{disk.path}</Code>
        <span className={priority === "none" ? "muted" : `text-${priority}`}>{t(`disk_state.${disk.state}`, { defaultValue: disk.state })}</span>
        <span className="push number">{t("free", { free: formats.bytes(disk.free_bytes), all: formats.bytes(disk.total_bytes) })}</span>
      </div>
      <Meter value={used} label={t("used", { path: disk.path })} tone={priority === "none" ? "" : priority === "low" ? "medium" : priority} />
      <div className="disk-line muted">
        <span>{t("writing", { rate: formats.bitrate(mbps * 1e6) })}</span>
        {disk.archive_bytes ? <span>{t("archive", { bytes: formats.bytes(disk.archive_bytes) })}</span> : null}
        {disk.slowest_write_ms ? <span>{t("slowest", { time: t("cameras:milliseconds", { value: formats.number(Math.round(disk.slowest_write_ms)) }) })}</span> : null}
        {disk.cause && (
          <span dir="ltr" className={`text-${priority === "none" ? "low" : priority}`}>
            {disk.cause}
          </span>
        )}
      </div>
    </div>
  );
}
