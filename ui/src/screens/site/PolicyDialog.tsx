/** The order in which a site saves its battery. The server judges; its faults stand at the step they are of. */
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { Button, Check, DialogBox, IconButton, Select, TextField } from "@/design";
import { FormFault } from "@/design/FormFoot";
import { say } from "@/design/toast";
import { readNumber, useForm } from "@/state/form";
import type { ShedDo, ShedPolicy, ShedStep } from "./types";

const DOES: readonly ShedDo[] = ["half_rate", "sub_only", "keep_priority"];
const MOST = 6;

interface Draft {
  do: ShedDo;
  hours_left_below: string;
  soc_below_pct: string;
  priority: string;
}
const draftOf = (step: ShedStep): Draft => ({ do: step.do, hours_left_below: text(step.hours_left_below), soc_below_pct: text(step.soc_below_pct), priority: text(step.priority) });
const text = (value: number | null) => (value === null ? "" : String(value));

export function PolicyDialog({ siteId, policy, defaults, onClose, onDone }: { siteId: string; policy: ShedPolicy | null; defaults: readonly ShedStep[]; onClose: () => void; onDone: () => void }) {
  const { t } = useTranslation("site");
  const form = useForm({
    enabled: policy?.enabled ?? true,
    hysteresis_h: text(policy?.hysteresis_h ?? 1),
    hysteresis_pct: text(policy?.hysteresis_pct ?? 5),
    steps: (policy?.steps ?? defaults).map(draftOf),
  });
  const { values, set, errors } = form;
  const put = (index: number, part: Partial<Draft>) => set("steps", values.steps.map((one, at) => (at === index ? { ...one, ...part } : one)));
  const move = (index: number, by: number) => {
    const steps = [...values.steps];
    const [one] = steps.splice(index, 1);
    steps.splice(index + by, 0, one as Draft);
    set("steps", steps);
  };
  const save = () => {
    const found: Record<string, string> = {};
    const number = (key: string, value: string) => {
      const read = readNumber(value);
      if (read === undefined) found[key] = t("fields:number");
      return read ?? null;
    };
    const body = {
      enabled: values.enabled,
      hysteresis_h: number("hysteresis_h", values.hysteresis_h),
      hysteresis_pct: number("hysteresis_pct", values.hysteresis_pct),
      steps: values.steps.map((step, index) => ({
        do: step.do,
        hours_left_below: number(`steps.${index + 1}.hours_left_below`, step.hours_left_below),
        soc_below_pct: number(`steps.${index + 1}.soc_below_pct`, step.soc_below_pct),
        priority: step.do === "keep_priority" ? number(`steps.${index + 1}.priority`, step.priority) : null,
      })),
    };
    void form.submit(found, async () => {
      await api.put(`/api/sites/${siteId}/shed-policy`, body);
      say(t("shed.saved"));
      onDone();
    });
  };
  return (
    <DialogBox
      title={t("shed.policy_title")}
      width="wide"
      isOpen
      onClose={onClose}
      busy={form.busy}
      foot={
        <>
          <Button onPress={onClose}>{t("common:cancel")}</Button>
          <Button look="primary" isDisabled={form.busy} onPress={save}>
            {form.busy ? t("common:saving") : t("common:save")}
          </Button>
        </>
      }
    >
      <p className="muted">{t("shed.policy_text")}</p>
      <Check label={t("shed.enabled")} value={values.enabled} onChange={(value) => set("enabled", value)} />
      <ol className="st-draft">
        {values.steps.map((step, index) => {
          const fault = (field: string) => errors[`steps.${index + 1}.${field}`];
          return (
            <li key={index}>
              <Select label={t("shed.field.do")} value={step.do} onChange={(value) => put(index, { do: value, priority: value === "keep_priority" ? step.priority || "1" : "" })} choices={DOES.map((id) => ({ id, text: t(`shed.do_short.${id}`) }))} error={fault("do")} />
              <TextField label={t("shed.field.hours")} value={step.hours_left_below} onChange={(value) => put(index, { hours_left_below: value })} error={fault("hours_left_below") ?? errors[`steps.${index + 1}`]} latin inputMode="decimal" />
              <TextField label={t("shed.field.pct")} value={step.soc_below_pct} onChange={(value) => put(index, { soc_below_pct: value })} error={fault("soc_below_pct")} latin inputMode="decimal" />
              <TextField label={t("shed.field.priority")} value={step.priority} onChange={(value) => put(index, { priority: value })} error={fault("priority")} latin inputMode="numeric" disabled={step.do !== "keep_priority"} />
              <span className="st-draft-acts">
                <IconButton small icon="up" label={t("shed.earlier")} isDisabled={index === 0} onPress={() => move(index, -1)} />
                <IconButton small icon="down" label={t("shed.later")} isDisabled={index === values.steps.length - 1} onPress={() => move(index, 1)} />
                <IconButton small icon="trash" label={t("shed.drop")} isDisabled={values.steps.length === 1} onPress={() => set("steps", values.steps.filter((_, at) => at !== index))} />
              </span>
            </li>
          );
        })}
      </ol>
      <div>
        <Button small icon="plus" isDisabled={values.steps.length >= MOST} onPress={() => set("steps", [...values.steps, { do: "half_rate", hours_left_below: "", soc_below_pct: "", priority: "" }])}>
          {t("shed.add")}
        </Button>
      </div>
      <div className="form-grid">
        <TextField label={t("shed.field.hysteresis_h")} value={values.hysteresis_h} onChange={(value) => set("hysteresis_h", value)} error={errors.hysteresis_h} latin inputMode="decimal" />
        <TextField label={t("shed.field.hysteresis_pct")} value={values.hysteresis_pct} onChange={(value) => set("hysteresis_pct", value)} error={errors.hysteresis_pct} latin inputMode="decimal" />
      </div>
      <FormFault form={form} />
    </DialogBox>
  );
}
