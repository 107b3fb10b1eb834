/** A work order raised by hand. */
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { api } from "@/api/client";
import type { AlarmPriority, WorkOrder } from "@/api/health";
import { Select, TextField } from "@/design";
import { FormFault, FormFoot } from "@/design/FormFoot";
import { Side } from "@/design/Page";
import { useForm } from "@/state/form";
import { useSites } from "@/state/hooks";
import { useName } from "@/state/preferences";
import type { Team } from "./types";

const NONE = "";
const PRIORITIES: readonly AlarmPriority[] = ["critical", "high", "medium", "low"];

export function OrderForm({ teams, onClose, onSaved }: { teams: Team[]; onClose: () => void; onSaved: (order: WorkOrder) => void }) {
  const { t } = useTranslation("work");
  const name = useName();
  const sites = useSites();
  const [search] = useSearchParams();
  const form = useForm({ site_id: search.get("site") ?? NONE, description: "", priority: "medium" as AlarmPriority, team_id: NONE });
  const { values, set, errors } = form;
  const save = () => {
    const found: Record<string, string> = {};
    if (!values.site_id) found.site_id = t("fields:required");
    if (!values.description.trim()) found.description = t("fields:required");
    void form.submit(found, async () => onSaved(await api.post<WorkOrder>("/api/work-orders", { ...values, team_id: values.team_id || null })));
  };
  return (
    <Side
      title={t("add.orders")}
      onClose={onClose}
      foot={<FormFoot form={form} stored={false} onSave={save} onCancel={onClose} />}
    >
      <div className="form">
        <FormFault form={form} />
        <Select className="all" label={t("common:site")} value={values.site_id} onChange={(value) => set("site_id", value)} error={errors.site_id} choices={sites.map((one) => ({ id: one.id, text: `${name(one)} · ${one.code}` }))} />
        <TextField className="all" label={t("what")} hint={t("what_hint")} value={values.description} onChange={(value) => set("description", value)} error={errors.description} lines={4} required />
        <Select<AlarmPriority> label={t("priority")} value={values.priority} onChange={(value) => set("priority", value)} error={errors.priority} choices={PRIORITIES.map((one) => ({ id: one, text: t(`common:priority.${one}`) }))} />
        <Select label={t("team")} value={values.team_id} onChange={(value) => set("team_id", value)} error={errors.team_id} choices={[{ id: NONE, text: t("no_team") }, ...teams.filter((one) => one.enabled).map((one) => ({ id: one.id, text: name(one) || one.code }))]} />
      </div>
    </Side>
  );
}
