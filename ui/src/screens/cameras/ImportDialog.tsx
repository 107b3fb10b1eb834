/** Cameras, sites or another list from a file: first told what would happen (nothing changes), then done. All faults by row and field. */
import { type DragEvent, useState } from "react";
import { FileTrigger } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { api, ApiError, errorText } from "@/api/client";
import type { FieldError, ImportReport } from "@/api/types";
import { Button, DialogBox, Icon, Loading, PriorityMark } from "@/design";
import { say } from "@/design/toast";
import { useFormats } from "@/i18n/format";
import { useFieldWords } from "@/state/form";
import "./import.css";

const SHOWN_FAULTS = 500;

type Step = { at: "choose" } | { at: "reading"; file: File } | { at: "told"; file: File; report: ImportReport } | { at: "applying"; file: File; report: ImportReport };

/** Other lists than cameras and sites say for themselves where their file goes and what it holds. */
export interface Imported {
  path: string;
  title: string;
  hint: string;
  files: string[];
}

export function ImportDialog({ noun, of, onClose }: ({ noun: "cameras" | "sites"; of?: undefined } | { noun?: undefined; of: Imported }) & { onClose: () => void }) {
  const { t } = useTranslation("cameras");
  const into: Imported = of ?? {
    path: `/api/${noun}/import`,
    title: t(`import_title.${noun}`),
    hint: t(noun === "cameras" ? "import_hint_cameras" : "import_hint_sites"),
    files: [".csv", ".geojson", ".json"],
  };
  const formats = useFormats();
  const [step, setStep] = useState<Step>({ at: "choose" });
  const [error, setError] = useState<string | null>(null);
  const [over, setOver] = useState(false);

  const send = async (file: File, dry: boolean): Promise<ImportReport> => {
    const format = /\.(geo)?json$/i.test(file.name) ? "geojson" : "csv";
    try {
      return await api.post<ImportReport>(into.path, undefined, { query: { format, dry_run: dry }, raw: { data: file, type: format === "csv" ? "text/csv" : "application/geo+json" } });
    } catch (failure) {
      if (failure instanceof ApiError && failure.fields.length) return { ok: false, dry_run: dry, added: 0, updated: 0, unchanged: 0, errors: failure.fields };
      throw failure;
    }
  };
  const read = async (file: File | undefined) => {
    if (!file) return;
    setError(null);
    setStep({ at: "reading", file });
    try {
      setStep({ at: "told", file, report: await send(file, true) });
    } catch (failure) {
      setError(errorText(failure));
      setStep({ at: "choose" });
    }
  };
  const apply = async (file: File, report: ImportReport) => {
    setStep({ at: "applying", file, report });
    try {
      const done = await send(file, false);
      if (!done.ok) return setStep({ at: "told", file, report: done });
      say(t("import_done", { added: formats.number(done.added), updated: formats.number(done.updated) }));
      onClose();
    } catch (failure) {
      setError(errorText(failure));
      setStep({ at: "told", file, report });
    }
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    void read(event.dataTransfer.files[0]);
  };
  const busy = step.at === "reading" || step.at === "applying";
  const changes = step.at === "told" || step.at === "applying" ? step.report.added + step.report.updated : 0;

  return (
    <DialogBox
      title={into.title}
      width="wide"
      isOpen
      onClose={onClose}
      busy={step.at === "applying"}
      foot={
        step.at === "told" || step.at === "applying" ? (
          <>
            <span className="start">
              <Button look="quiet" isDisabled={busy} onPress={() => setStep({ at: "choose" })}>
                {t("other_file")}
              </Button>
            </span>
            <Button onPress={onClose} isDisabled={busy}>
              {t("common:cancel")}
            </Button>
            <Button look="primary" isDisabled={busy || !step.report.ok || !changes} onPress={() => void apply(step.file, step.report)}>
              {step.at === "applying" ? t("common:saving") : t("apply", { count: changes })}
            </Button>
          </>
        ) : undefined
      }
    >
      {error && (
        <div className="notice high" role="alert">
          <PriorityMark priority="high" />
          <span>{error}</span>
        </div>
      )}
      {step.at === "choose" && (
        <div className={over ? "drop over" : "drop"} onDragOver={(event) => (event.preventDefault(), setOver(true))} onDragLeave={() => setOver(false)} onDrop={drop}>
          <Icon name="file" size={34} />
          <p>{t("drop")}</p>
          <FileTrigger acceptedFileTypes={into.files} onSelect={(files) => void read(files?.[0])}>
            <Button look="primary">{t("choose_file")}</Button>
          </FileTrigger>
          <p className="muted">{into.hint}</p>
        </div>
      )}
      {step.at === "reading" && <Loading what={t("reading", { file: step.file.name })} />}
      {(step.at === "told" || step.at === "applying") && <Report file={step.file} report={step.report} />}
    </DialogBox>
  );
}

function Report({ file, report }: { file: File; report: ImportReport }) {
  const { t } = useTranslation("cameras");
  const formats = useFormats();
  const words = useFieldWords();
  const told = (fault: FieldError) => [fault.row == null ? "—" : formats.number(fault.row, { useGrouping: false }), fault.field ?? "", fault.value == null ? "" : String(fault.value), words(fault.message)] as const;
  return (
    <>
      <p>
        <bdi className="code">{file.name}</bdi> <span className="muted">· {formats.bytes(file.size)}</span>
      </p>
      <div className="outcome">
        {(["added", "updated", "unchanged"] as const).map((key) => (
          <div key={key}>
            <strong>{formats.number(report[key])}</strong>
            <span>{t(`outcome.${key}`)}</span>
          </div>
        ))}
        <div className={report.errors.length ? "text-high" : undefined}>
          <strong>{formats.number(report.errors.length)}</strong>
          <span>{t("outcome.faults")}</span>
        </div>
      </div>
      {report.errors.length > 0 ? (
        <>
          <div className="notice high">
            <PriorityMark priority="high" />
            <span>{t("import_refused")}</span>
          </div>
          <div className="fault-list">
            <table>
              <thead>
                <tr>
                  {(["row", "field", "value", "fault"] as const).map((key) => (
                    <th key={key}>{t(`fault.${key}`)}</th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {report.errors.slice(0, SHOWN_FAULTS).map((fault, index) => {
                  const [row, field, value, message] = told(fault);
                  return (
                    <tr key={index}>
                      <td>{row}</td>
                      <td>
                        <bdi className="code">{field}</bdi>
                      </td>
                      <td>
                        <bdi className="code">{value}</bdi>
                      </td>
                      <td>
                        <bdi>{message}</bdi>
                      </td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </div>
          {report.errors.length > SHOWN_FAULTS && <p className="muted">{t("more_faults", { count: report.errors.length - SHOWN_FAULTS })}</p>}
        </>
      ) : (
        <p className="muted">{t(report.added + report.updated ? "import_ready" : "import_nothing")}</p>
      )}
    </>
  );
}
