/** A console: what it is called, who sits there, for which sectors and skills. */
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { Check, Select, TextField } from "@/design";
import { FormFault, FormFoot } from "@/design/FormFoot";
import { Group, Side } from "@/design/Page";
import { say } from "@/design/toast";
import { useForm } from "@/state/form";
import { useSectors } from "@/state/hooks";
import { useName } from "@/state/preferences";
import { CONSOLE_ROLES, type ConsoleRole, type ConsoleView, type Skill, SKILLS } from "./types";

export function ConsoleForm({ console: one, onClose, onSaved }: { console?: ConsoleView; onClose: () => void; onSaved: () => void }) {
  const { t } = useTranslation("shifts");
  const name = useName();
  const sectors = useSectors();
  const form = useForm({
    code: one?.code ?? "",
    name_ar: one?.name_ar ?? "",
    name_en: one?.name_en ?? "",
    role: one?.role ?? ("operator" as ConsoleRole),
    everywhere: one ? one.sector_ids === null : true,
    sector_ids: one?.sector_ids ?? [],
    everything: one ? one.skills === null : true,
    skills: one?.skills ?? ([] as Skill[]),
    enabled: one?.enabled ?? true,
  });
  const { values, set, errors } = form;
  const flip = <T,>(list: readonly T[], item: T, on: boolean) => (on ? [...list, item] : list.filter((other) => other !== item));
  const save = () => {
    const found: Record<string, string> = {};
    if (!values.code.trim()) found.code = t("fields:required");
    if (!values.name_ar.trim() && !values.name_en.trim()) found.name_ar = t("fields:required");
    void form.submit(found, async () => {
      const { everywhere, everything, ...rest } = values;
      const body = { ...rest, sector_ids: everywhere ? null : values.sector_ids, skills: everything ? null : values.skills };
      await (one ? api.patch(`/api/consoles/${one.id}`, body) : api.post("/api/consoles", body));
      say(t("console_saved"));
      onSaved();
    });
  };
  return (
    <Side
      title={t(one ? "edit_console" : "add_console")}
      onClose={onClose}
      foot={<FormFoot form={form} stored={Boolean(one)} onSave={save} onCancel={onClose} />}
    >
      <FormFault form={form} />
      <TextField label={t("code")} value={values.code} onChange={(value) => set("code", value)} error={errors.code} latin required />
      <TextField label={t("name_ar")} value={values.name_ar} onChange={(value) => set("name_ar", value)} error={errors.name_ar} />
      <TextField label={t("name_en")} value={values.name_en} onChange={(value) => set("name_en", value)} error={errors.name_en} latin />
      <Select label={t("role_head")} value={values.role} onChange={(value) => set("role", value)} choices={CONSOLE_ROLES.map((role) => ({ id: role, text: t(`common:role.${role}`) }))} hint={t("role_hint")} />
      <Group title={t("sectors")}>
        <div className="checks">
          <Check label={t("all_sectors")} hint={t("all_sectors_hint")} value={values.everywhere} onChange={(on) => set("everywhere", on)} />
          {!values.everywhere && sectors.map((sector) => <Check key={sector.id} label={name(sector)} value={values.sector_ids.includes(sector.id)} onChange={(on) => set("sector_ids", flip(values.sector_ids, sector.id, on))} />)}
        </div>
      </Group>
      <Group title={t("skills")}>
        <div className="checks">
          <Check label={t("all_skills")} value={values.everything} onChange={(on) => set("everything", on)} />
          {!values.everything && SKILLS.map((skill) => <Check key={skill} label={t(`skill.${skill}`)} value={values.skills.includes(skill)} onChange={(on) => set("skills", flip(values.skills, skill, on))} />)}
        </div>
      </Group>
      <Check label={t("in_use")} value={values.enabled} onChange={(on) => set("enabled", on)} />
    </Side>
  );
}
