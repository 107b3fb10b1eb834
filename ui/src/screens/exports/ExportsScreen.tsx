/** Footage cut out for somebody: what is running, what is ready, and the hash that proves it. */
import { useCallback, useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, errorText } from "@/api/client";
import type { ExportJob } from "@/api/types";
import { Button, Code, Empty, Icon, IconButton, Loading, Meter, PriorityMark } from "@/design";
import { Page } from "@/design/Page";
import { say } from "@/design/toast";
import { useFormats } from "@/i18n/format";
import { useChangesOf, useNow } from "@/state/hooks";
import { useName } from "@/state/preferences";
import { world } from "@/state/world";

export function ExportsScreen() {
  const { t } = useTranslation("exports");
  const [fetched, setFetched] = useState<ExportJob[] | null>(null);
  const [error, setError] = useState<string | null>(null);
  const read = useCallback(() => {
    api
      .get<ExportJob[]>("/api/exports")
      .then((list) => (setFetched(list), setError(null)))
      .catch((failure: unknown) => setError(errorText(failure)));
  }, []);
  useEffect(read, [read]);
  useChangesOf("export", read);
  const jobs = useMemo(() => [...(fetched ?? [])].sort((a, b) => (b.created_us ?? 0) - (a.created_us ?? 0)), [fetched]);
  // Progress is not a fact that is told; while one runs, ask.
  const running = jobs.some((job) => job.state === "running" || job.state === "queued");
  useEffect(() => {
    if (!running) return;
    const id = window.setInterval(read, 1500);
    return () => window.clearInterval(id);
  }, [running, read]);
  return (
    <Page title={t("title")} count={jobs.length ? t("count", { count: jobs.length }) : undefined}>
      {error && !fetched ? (
        <Empty title={t("failed")} action={<Button onPress={read}>{t("common:try_again")}</Button>}>
          {error}
        </Empty>
      ) : fetched === null ? (
        <Loading what={t("common:loading.list")} />
      ) : jobs.length ? (
        <ul className="jobs">
          {jobs.map((job) => (
            <Job key={job.id} job={job} onChanged={read} />
          ))}
        </ul>
      ) : (
        <Empty title={t("none")}>{t("none_text")}</Empty>
      )}
    </Page>
  );
}

function Job({ job, onChanged }: { job: ExportJob; onChanged: () => void }) {
  const { t } = useTranslation("exports");
  const formats = useFormats();
  const name = useName();
  const now = useNow(10_000);
  const cancel = async () => {
    try {
      await api.delete(`/api/exports/${job.id}`);
      say(t("cancelled"));
      onChanged();
    } catch (failure) {
      say(errorText(failure), { tone: "high" });
    }
  };
  const cameras = (job.camera_ids ?? []).map((id) => world.cameras.get(id));
  const who = String(job.account_name ?? job.name ?? "");
  return (
    <li className="job">
      <div className="job-line">
        {job.state === "failed" ? <PriorityMark priority="medium" /> : <Icon name={job.state === "done" ? "check" : job.state === "cancelled" ? "close" : "clock"} />}
        <strong>{t(`state.${job.state}`)}</strong>
        <span>{job.reason}</span>
        <span className="push muted">
          {who && <><bdi>{who}</bdi> · </>}{job.created_us ? <span title={formats.stamp(job.created_us)}>{formats.when(job.created_us, now)}</span> : null}
        </span>
        {(job.state === "running" || job.state === "queued") && (
          <Button small onPress={() => void cancel()}>
            {t("cancel")}
          </Button>
        )}
      </div>
      <div className="job-line muted">
        <span>
          {cameras.length > 3
            ? t("common:count.camera", { count: cameras.length })
            : cameras.map((camera, index) => (
                <span key={index}>
                  {index > 0 && " · "}
                  {camera ? name(camera) : t("gone_camera")} {camera && <Code>{camera.code}</Code>}
                </span>
              ))}
        </span>
        {job.start_us && job.end_us ? <span>{t("span", { from: formats.stamp(job.start_us), to: formats.stamp(job.end_us) })}</span> : null}
      </div>
      {job.state === "running" && (
        <div className="job-line">
          <div style={{ flex: 1 }}>
            <Meter value={job.progress_pct} label={t("progress")} tone="accent" />
          </div>
          <span className="number">{formats.percent(job.progress_pct)}</span>
        </div>
      )}
      {job.error && <p className="text-medium"><bdi>{job.error}</bdi></p>}
      {job.files.length > 0 && (
        <ul className="job-files">
          {job.files.map((file) => (
            <li key={file.name}>
              <a className="button small" href={`/api/exports/${job.id}/files/${encodeURIComponent(file.name)}`} download={file.name}>
                <Icon name="download" size={15} />
                <bdi className="code">{file.name}</bdi>
              </a>
              <span className="number muted">{formats.bytes(file.bytes)}</span>
              <span className="hash muted" title={file.sha256}>
                <Code>{file.sha256}</Code>
              </span>
              <IconButton small icon="copy" label={t("copy_hash")} onPress={() => void navigator.clipboard.writeText(file.sha256).then(() => say(t("common:copied")))} />
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}
