/**
 * Holding or exporting a span: its ends (also by the handles on the timeline, which stays in reach), its cameras, and why.
 *
 * A panel and not a modal dialog: the timeline below it is part of the choice. Sources: `POST /api/exports`, `POST /api/holds`.
 */
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, errorText } from "@/api/client";
import type { Camera, ExportJob } from "@/api/types";
import { Button, Check, Meter, TextField } from "@/design";
import { say } from "@/design/toast";
import { useFormats } from "@/i18n/format";
import { useWorld } from "@/state/hooks";
import { Tool } from "@/video/controls";
import { zoneOffsetUs } from "@/video/timeline/scale";
import type { Selection } from "@/video/timeline/Timeline";
import { fromLocal, toLocal } from "@/i18n/localTime";

const POLL_MS = 1000;

interface Props {
  kind: "export" | "hold";
  cameras: Camera[];
  selection: Selection;
  onSelection(selection: Selection): void;
  headUs: number;
  onClose(): void;
}

export function SpanDialog({ kind, cameras, selection, onSelection, headUs, onClose }: Props) {
  const { t } = useTranslation("playback");
  const f = useFormats();
  const [reason, setReason] = useState("");
  const [out, setOut] = useState<ReadonlySet<string>>(new Set());
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const [jobId, setJobId] = useState<string | null>(null);
  const job = useJob(jobId);
  const offset = zoneOffsetUs(selection.start_us, f.timezone);
  const chosen = cameras.filter((camera) => !out.has(camera.id));
  const set = (end: "start_us" | "end_us", us: number | null) => {
    if (us === null) return;
    const next = { ...selection, [end]: us };
    if (next.end_us > next.start_us) {
      setError("");
      onSelection(next);
    } else setError(t("span_order"));
  };
  const send = async () => {
    setError("");
    if (!reason.trim()) {
      setError(t("reason_wanted"));
      return;
    }
    setBusy(true);
    const body = {
      camera_ids: chosen.map((camera) => camera.id),
      start_us: Math.round(selection.start_us),
      end_us: Math.round(selection.end_us),
      reason: reason.trim(),
    };
    try {
      if (kind === "hold") {
        await api.post("/api/holds", body);
        say(t("hold_done"));
        onClose();
      } else setJobId((await api.post<ExportJob>("/api/exports", body)).id);
    } catch (failure) {
      setError(errorText(failure));
    } finally {
      setBusy(false);
    }
  };
  return (
    <section className="span-panel" role="dialog" aria-label={t(`${kind}_title`)} data-testid={`${kind}-panel`} onKeyDown={(event) => event.key === "Escape" && onClose()}>
      <header>
        <h2>{t(`${kind}_title`)}</h2>
        <span className="muted">{t("span_hint")}</span>
        <span className="wall-gap" />
        <Tool small icon="close" label={t("common:close")} onPress={onClose} />
      </header>
      {job ? (
        <ExportProgress job={job} onClose={onClose} />
      ) : (
        <>
          <div className="span-row">
            {(["start_us", "end_us"] as const).map((end) => (
              <label key={end} className="field span-end">
                <span className="label">{t(end === "start_us" ? "span_from" : "span_to")}</span>
                <span className="span-input">
                  <MomentField us={selection[end]} offset={offset} zone={f.timezone} onMoment={(us) => set(end, us)} />
                  <Button small onPress={() => set(end, Math.round(headUs))}>
                    {t("span_here")}
                  </Button>
                </span>
              </label>
            ))}
            <div className="field span-long">
              <span className="label">{t("span_long")}</span>
              <strong className="number">{f.duration((selection.end_us - selection.start_us) / 1000)}</strong>
            </div>
            <TextField className="span-reason" label={t("reason")} value={reason} onChange={setReason} required placeholder={t(`${kind}_reason_hint`)} autoFocus />
          </div>
          <div className="span-row">
            {cameras.length > 1 &&
              cameras.map((camera) => (
                <Check
                  key={camera.id}
                  label={<bdi className="code">{camera.code}</bdi>}
                  value={!out.has(camera.id)}
                  onChange={(inside) => {
                    const next = new Set(out);
                    if (inside) next.delete(camera.id);
                    else next.add(camera.id);
                    setOut(next);
                  }}
                />
              ))}
            <span className="form-error" role="alert">
              {error}
            </span>
            <span className="wall-gap" />
            <Button look="quiet" onPress={onClose} isDisabled={busy}>
              {t("common:cancel")}
            </Button>
            <Button look="primary" onPress={() => void send()} isDisabled={busy || chosen.length === 0}>
              {t(`${kind}_do`, { count: chosen.length })}
            </Button>
          </div>
        </>
      )}
    </section>
  );
}

/** A moment as text, `2026-11-22 14:05:09`: the same in every browser, 24 hours, taken when left or at Enter. */
function MomentField({ us, offset, zone, onMoment }: { us: number; offset: number; zone: string; onMoment(us: number): void }) {
  const shown = toLocal(us, offset).replace("T", " ");
  const [text, setText] = useState<string | null>(null);
  const take = () => {
    const at = text === null ? null : fromLocal(text, zone);
    if (at !== null) onMoment(at);
    setText(null);
  };
  return (
    <input
      className="input code"
      dir="ltr"
      inputMode="numeric"
      value={text ?? shown}
      aria-invalid={text !== null && fromLocal(text, zone) === null}
      onChange={(event) => setText(event.target.value)}
      onBlur={take}
      onKeyDown={(event) => event.key === "Enter" && take()}
    />
  );
}

function ExportProgress({ job, onClose }: { job: ExportJob; onClose(): void }) {
  const { t } = useTranslation("playback");
  const f = useFormats();
  const running = job.state === "queued" || job.state === "running";
  return (
    <div className="span-row" data-testid="export-progress" data-state={job.state}>
      <div className="span-progress">
        <span role="status">{t(`job.${job.state}`)}</span>
        {running && <Meter value={job.progress_pct} label={t("export_title")} tone="accent" />}
        {job.error && <span className="form-error">{job.error}</span>}
        {job.state === "done" && (
          <ul className="span-files">
            {job.files.map((file) => (
              <li key={file.name}>
                <a href={`/api/exports/${job.id}/files/${encodeURIComponent(file.name)}`} download>
                  <bdi className="code">{file.name}</bdi>
                </a>{" "}
                <span className="muted number">{f.bytes(file.bytes)}</span>
              </li>
            ))}
          </ul>
        )}
      </div>
      <span className="wall-gap" />
      {running && (
        <Button look="quiet" onPress={() => void api.delete(`/api/exports/${job.id}`).catch((error: unknown) => say(errorText(error), { tone: "high" }))}>
          {t("common:cancel")}
        </Button>
      )}
      <Link className="button" to="/exports">
        {t("all_exports")}
      </Link>
      <Button onPress={onClose}>{t("common:close")}</Button>
    </div>
  );
}

/** The job from the changes feed, and asked for each second as well, since progress is not announced. */
function useJob(id: string | null): ExportJob | null {
  const told = useWorld((world) => (id ? world.exports.get(id) : undefined));
  const [asked, setAsked] = useState<ExportJob | null>(null);
  const over = asked !== null && asked.state !== "queued" && asked.state !== "running";
  useEffect(() => {
    if (!id || over) return;
    const ask = () =>
      void api.get<ExportJob>(`/api/exports/${id}`).then(setAsked, () => {
        // asked again in a second; the connection banner says when the server is away
      });
    ask();
    const timer = window.setInterval(ask, POLL_MS);
    return () => window.clearInterval(timer);
  }, [id, over, told?.state]);
  return id ? (asked ?? told ?? { id, state: "queued", progress_pct: 0, files: [], error: null }) : null;
}
