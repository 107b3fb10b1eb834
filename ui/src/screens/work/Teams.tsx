/** Teams of technicians: where they start from and for which sectors they go out. */
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { Check, Code, Empty, TextField } from "@/design";
import { FormFault, FormFoot } from "@/design/FormFoot";
import { Side } from "@/design/Page";
import { type Column, Table } from "@/design/Table";
import { say } from "@/design/toast";
import { useFormats } from "@/i18n/format";
import { readNumber, useForm } from "@/state/form";
import { useSectors } from "@/state/hooks";
import { useName } from "@/state/preferences";
import { useMay } from "@/state/session";
import type { Team } from "./types";

export function TeamsSheet({ teams, selected, onOpen }: { teams: Team[]; selected: string | null; onOpen: (id: string) => void }) {
  const { t } = useTranslation("work");
  const formats = useFormats();
  const name = useName();
  const sectors = useSectors();
  const columns: Column<Team>[] = [
    { id: "name", head: t("name"), width: "minmax(160px, 1.6fr)", cell: (one) => <span className={one.enabled ? "" : "muted"}>{name(one) || one.code}</span> },
    { id: "code", head: t("code"), width: "120px", cell: (one) => <Code>{one.code}</Code> },
    { id: "phone", head: t("phone"), width: "150px", cell: (one) => <bdi dir="ltr">{one.phone || "—"}</bdi> },
    { id: "sectors", head: t("sectors"), width: "minmax(160px, 2fr)", cell: (one) => (one.sector_ids === null ? t("cameras:all_sectors") : formats.list(one.sector_ids.map((id) => name(sectors.find((s) => s.id === id)) || id))) },
  ];
  return <Table label={t("sheet.teams")} rows={teams} columns={columns} keyOf={(one) => one.id} selected={selected ?? undefined} onSelect={(one) => onOpen(one.id)} empty={<Empty title={t("no_teams")}>{t("no_teams_text")}</Empty>} />;
}

export function TeamForm({ team, onClose, onSaved }: { team?: Team; onClose: () => void; onSaved: () => void }) {
  const { t } = useTranslation("work");
  const name = useName();
  const may = useMay();
  const sectors = useSectors();
  const form = useForm({
    code: team?.code ?? "",
    name_ar: team?.name_ar ?? "",
    name_en: team?.name_en ?? "",
    phone: team?.phone ?? "",
    everywhere: team ? team.sector_ids === null : true,
    sector_ids: team?.sector_ids ?? ([] as string[]),
    lat: team?.lat?.toString() ?? "",
    lon: team?.lon?.toString() ?? "",
    enabled: team?.enabled ?? true,
  });
  const { values, set, errors } = form;
  const save = () => {
    const found: Record<string, string> = {};
    if (!values.code.trim()) found.code = t("fields:required");
    for (const key of ["lat", "lon"] as const) if (readNumber(values[key]) === undefined) found[key] = t("fields:number");
    void form.submit(found, async () => {
      const { everywhere, ...rest } = values;
      const body = { ...rest, lat: readNumber(values.lat), lon: readNumber(values.lon), sector_ids: everywhere ? null : values.sector_ids };
      await (team ? api.patch(`/api/teams/${team.id}`, { ...body, changed_us: team.changed_us }) : api.post("/api/teams", body));
      say(t("team_saved"));
      onSaved();
    });
  };
  const text = (key: "code" | "name_ar" | "name_en" | "phone" | "lat" | "lon", label: string, latin = false) => (
    <TextField label={label} value={values[key]} onChange={(value) => set(key, value)} error={errors[key]} latin={latin} disabled={!may.manageWork} />
  );
  return (
    <Side
      title={team ? name(team) || team.code : t("add.teams")}
      onClose={onClose}
      foot={
        may.manageWork && (
          <FormFoot form={form} stored={Boolean(team)} onSave={save} />
        )
      }
    >
      <div className="form">
        <FormFault form={form} />
        {text("code", t("code"), true)}
        {text("phone", t("phone"), true)}
        {text("name_ar", t("cameras:field.name_ar"))}
        {text("name_en", t("cameras:field.name_en"))}
        {text("lat", t("cameras:field.lat"), true)}
        {text("lon", t("cameras:field.lon"), true)}
        <div className="all">
          <Check label={t("cameras:all_sectors")} value={values.everywhere} onChange={(value) => set("everywhere", value)} disabled={!may.manageWork} />
          {!values.everywhere &&
            sectors.map((one) => (
              <Check key={one.id} label={name(one)} value={values.sector_ids.includes(one.id)} onChange={(on) => set("sector_ids", on ? [...values.sector_ids, one.id] : values.sector_ids.filter((id) => id !== one.id))} disabled={!may.manageWork} />
            ))}
          <Check label={t("goes_out")} value={values.enabled} onChange={(value) => set("enabled", value)} disabled={!may.manageWork} />
        </div>
      </div>
    </Side>
  );
}
