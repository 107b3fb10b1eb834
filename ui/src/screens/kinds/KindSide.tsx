/** One kind of alarm: what it means and what to do; its edit, and who changed what when. */
import { useCallback, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { kindName } from "@/alarms/words";
import { api, errorText } from "@/api/client";
import { Button, Check, Code, PriorityMark, Select, TextField } from "@/design";
import { FormFault, FormFoot } from "@/design/FormFoot";
import { Facts, Group, Side } from "@/design/Page";
import { say } from "@/design/toast";
import { type Formats, useFormats } from "@/i18n/format";
import { readNumber, useForm } from "@/state/form";
import { useMay } from "@/state/session";
import { GROUP_BY, KIND_SKILLS, type KindEdit, type KindRow, OWNER_ROLES, PRIORITIES } from "./types";

export function KindSide({ kind, onClose, onChanged }: { kind: KindRow; onClose: () => void; onChanged: () => void }) {
  const { t } = useTranslation("kinds");
  const formats = useFormats();
  const may = useMay();
  const [editing, setEditing] = useState(false);
  const [history, setHistory] = useState<KindEdit[]>([]);
  const load = useCallback(() => {
    api.get<{ history: KindEdit[] }>(`/api/alarm-kinds/${kind.kind}/history`).then((found) => setHistory(found.history), (failure: unknown) => say(errorText(failure), { tone: "high" }));
  }, [kind.kind]);
  useEffect(load, [load, kind.changed_us]);
  if (editing) return <KindForm kind={kind} onClose={() => setEditing(false)} onSaved={() => (setEditing(false), onChanged())} />;
  const arabic = formats.language === "ar";
  return (
    <Side
      title={kindName(kind.kind)}
      subtitle={<Code>{kind.kind}</Code>}
      onClose={onClose}
      foot={
        may.administerAlarms ? (
          <Button icon="edit" onPress={() => setEditing(true)}>
            {t("common:edit")}
          </Button>
        ) : undefined
      }
    >
      <Facts
        items={[
          [t("priority"), <span className="state-cell"><PriorityMark priority={kind.priority} /><span>{t(`common:priority.${kind.priority}`)}</span></span>],
          [t("respond"), formats.duration(kind.respond_s * 1000)],
          [t("owner"), t(`common:role.${kind.owner_role}`)],
          [t("skill"), t(`skills.${kind.skill || "any"}`)],
          [t("delay_on"), formats.duration(kind.delay_on_s * 1000)],
          [t("delay_off"), formats.duration(kind.delay_off_s * 1000)],
          [t("group_by"), t(`group.${kind.group_by}`)],
          [t("told"), t(kind.annunciate ? "told_yes" : "told_no")],
          kind.latched && [t("latched"), t("latched_yes")],
        ]}
      />
      <Group title={t("consequence")}>
        <p>{arabic ? kind.consequence_ar : kind.consequence_en}</p>
      </Group>
      <Group title={t("advice")}>
        <p className="log-text">{arabic ? kind.advice_ar : kind.advice_en}</p>
      </Group>
      <Group title={t("history")}>
        {history.length ? (
          <ul className="edits">
            {history.map((edit) => (
              <li key={edit.at_us}>
                <p className="muted">
                  {formats.stamp(edit.at_us)} · <bdi>{edit.by_name}</bdi>
                </p>
                {Object.keys(edit.after).map((field) => (
                  <p key={field}>
                    {t(`field.${field}`)}: <del>{shown(edit.before[field], field, t, formats)}</del> <ins>{shown(edit.after[field], field, t, formats)}</ins>
                  </p>
                ))}
              </li>
            ))}
          </ul>
        ) : (
          <p className="muted">{t("no_history")}</p>
        )}
      </Group>
    </Side>
  );
}

/** A value of a field as people say it. */
function shown(value: unknown, field: string, t: (key: string) => string, formats: Formats): string {
  if (typeof value === "boolean") return t(value ? "common:yes" : "common:no");
  if (typeof value === "number") return formats.duration(value * 1000);
  const text = String(value ?? "");
  if (field === "priority") return t(`common:priority.${text}`);
  if (field === "owner_role") return t(`common:role.${text}`);
  if (field === "skill") return t(`kinds:skills.${text || "any"}`);
  if (field === "group_by") return t(`kinds:group.${text}`);
  return text;
}

function KindForm({ kind, onClose, onSaved }: { kind: KindRow; onClose: () => void; onSaved: () => void }) {
  const { t } = useTranslation("kinds");
  const form = useForm({
    priority: kind.priority,
    respond_s: String(kind.respond_s / 60),
    owner_role: kind.owner_role,
    skill: kind.skill,
    delay_on_s: String(kind.delay_on_s),
    delay_off_s: String(kind.delay_off_s),
    group_by: kind.group_by,
    annunciate: kind.annunciate,
    latched: kind.latched,
    consequence_ar: kind.consequence_ar,
    consequence_en: kind.consequence_en,
    advice_ar: kind.advice_ar,
    advice_en: kind.advice_en,
  });
  const { values, set, errors } = form;
  const save = () => {
    const found: Record<string, string> = {};
    const numbers = { respond_s: readNumber(values.respond_s), delay_on_s: readNumber(values.delay_on_s), delay_off_s: readNumber(values.delay_off_s) };
    for (const [field, value] of Object.entries(numbers)) if (value === null || value === undefined || value < 0) found[field] = t("fields:number");
    void form.submit(found, async () => {
      const body = { ...values, respond_s: Math.round((numbers.respond_s ?? 0) * 60), delay_on_s: numbers.delay_on_s, delay_off_s: numbers.delay_off_s, changed_us: kind.changed_us };
      await api.patch(`/api/alarm-kinds/${kind.kind}`, body);
      say(t("saved"));
      onSaved();
    });
  };
  return (
    <Side
      title={t("edit_title")}
      subtitle={kindName(kind.kind)}
      onClose={onClose}
      foot={<FormFoot form={form} stored onSave={save} onCancel={onClose} />}
    >
      <FormFault form={form} />
      <div className="form-grid">
        <Select label={t("priority")} value={values.priority} onChange={(value) => set("priority", value)} choices={PRIORITIES.map((one) => ({ id: one, text: t(`common:priority.${one}`) }))} error={errors.priority} />
        <TextField label={t("respond_min")} value={values.respond_s} onChange={(value) => set("respond_s", value)} error={errors.respond_s} inputMode="decimal" />
        <Select label={t("owner")} value={values.owner_role} onChange={(value) => set("owner_role", value)} choices={OWNER_ROLES.map((one) => ({ id: one as string, text: t(`common:role.${one}`) }))} error={errors.owner_role} />
        <Select label={t("skill")} value={values.skill || "any"} onChange={(value) => set("skill", value === "any" ? "" : value)} choices={KIND_SKILLS.map((one) => ({ id: one || "any", text: t(`skills.${one || "any"}`) }))} error={errors.skill} />
        <TextField label={t("delay_on_in_s")} hint={t("delay_on_hint")} value={values.delay_on_s} onChange={(value) => set("delay_on_s", value)} error={errors.delay_on_s} inputMode="decimal" />
        <TextField label={t("delay_off_in_s")} hint={t("delay_off_hint")} value={values.delay_off_s} onChange={(value) => set("delay_off_s", value)} error={errors.delay_off_s} inputMode="decimal" />
        <Select label={t("group_by")} value={values.group_by} onChange={(value) => set("group_by", value)} choices={GROUP_BY.map((one) => ({ id: one, text: t(`group.${one}`) }))} error={errors.group_by} />
      </div>
      <Check label={t("annunciate")} hint={t("annunciate_hint")} value={values.annunciate} onChange={(on) => set("annunciate", on)} />
      <Check label={t("latched")} hint={t("latched_hint")} value={values.latched} onChange={(on) => set("latched", on)} />
      <TextField label={t("consequence_ar")} value={values.consequence_ar} onChange={(value) => set("consequence_ar", value)} error={errors.consequence_ar} lines={3} />
      <TextField label={t("consequence_en")} value={values.consequence_en} onChange={(value) => set("consequence_en", value)} error={errors.consequence_en} lines={3} latin />
      <TextField label={t("advice_ar")} value={values.advice_ar} onChange={(value) => set("advice_ar", value)} error={errors.advice_ar} lines={4} />
      <TextField label={t("advice_en")} value={values.advice_en} onChange={(value) => set("advice_en", value)} error={errors.advice_en} lines={4} latin />
    </Side>
  );
}
