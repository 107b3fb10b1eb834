/** Preventive rounds: cleaning, battery tests, inspections that come back, and what is due where. */
import { useTranslation } from "react-i18next";
import { api, errorText } from "@/api/client";
import type { PreventiveRound } from "@/api/health";
import { Button, Check, Code, Empty, Loading, PriorityMark, Select, TextField } from "@/design";
import { FormFault, FormFoot } from "@/design/FormFoot";
import { MomentField } from "@/design/MomentField";
import { Group, Side } from "@/design/Page";
import { type Column, Table } from "@/design/Table";
import { say } from "@/design/toast";
import { useFormats } from "@/i18n/format";
import { fromLocal, toLocal } from "@/i18n/localTime";
import { zoneOffsetUs } from "@/video/timeline/scale";
import { useForm } from "@/state/form";
import { useNow } from "@/state/hooks";
import { useName } from "@/state/preferences";
import { useMay } from "@/state/session";
import { world } from "@/state/world";
import { SitePicker } from "./Outages";
import type { Team } from "./types";
import { useRounds } from "./useWork";

const NONE = "";
const KINDS = ["cleaning", "battery_test", "inspection"] as const;

export function RoundsSheet({ selected, teams, onOpen }: { selected: string | null; teams: Team[]; onOpen: (id: string) => void }) {
  const { t } = useTranslation("work");
  const formats = useFormats();
  const name = useName();
  const now = useNow(30_000);
  const { value: rounds, error, refetch } = useRounds();
  if (error) {
    return (
      <Empty title={t("failed")} action={<Button onPress={refetch}>{t("common:try_again")}</Button>}>
        {error}
      </Empty>
    );
  }
  if (rounds === null) return <Loading what={t("common:loading.list")} />;
  const columns: Column<PreventiveRound>[] = [
    { id: "name", head: t("name"), width: "minmax(160px, 2fr)", cell: (one) => <span className={one.enabled ? "" : "muted"}>{name(one)}</span> },
    { id: "kind", head: t("kind"), width: "minmax(110px, 1fr)", cell: (one) => t(`round.${one.kind}`) },
    { id: "sites", head: t("sites"), width: "90px", cell: (one) => formats.number(one.site_ids.length) },
    { id: "every", head: t("every"), width: "110px", cell: (one) => t("days", { count: one.every_days }) },
    {
      id: "due",
      head: t("due"),
      width: "minmax(150px, 1.2fr)",
      cell: (one) =>
        one.overdue > 0 ? (
          <span className="round-due">
            <PriorityMark priority="medium" size={15} /> {t("overdue", { count: one.overdue })}
          </span>
        ) : one.next_due_us ? (
          formats.when(one.next_due_us, now)
        ) : (
          "—"
        ),
    },
    { id: "team", head: t("team"), width: "minmax(100px, 1fr)", cell: (one) => name(teams.find((team) => team.id === one.team_id)) || <span className="muted">{t("no_team")}</span> },
  ];
  return <Table label={t("sheet.rounds")} rows={rounds} columns={columns} keyOf={(one) => one.id} selected={selected ?? undefined} onSelect={(one) => onOpen(one.id)} empty={<Empty title={t("no_rounds")}>{t("no_rounds_text")}</Empty>} />;
}

export function RoundForm({ id, teams, onClose }: { id: string; teams: Team[]; onClose: () => void }) {
  const { t } = useTranslation("work");
  const { value: rounds, refetch } = useRounds();
  const round = rounds?.find((one) => one.id === id);
  if (id !== "new" && !round) {
    return (
      <Side title={t("sheet.rounds")} onClose={onClose}>
        <Loading what={t("common:loading.list")} />
      </Side>
    );
  }
  return <Form key={round?.changed_us ?? "new"} round={round} teams={teams} onClose={onClose} onChanged={refetch} />;
}

function Form({ round, teams, onClose, onChanged }: { round?: PreventiveRound; teams: Team[]; onClose: () => void; onChanged: () => void }) {
  const { t } = useTranslation("work");
  const formats = useFormats();
  const name = useName();
  const may = useMay();
  const now = useNow(60_000);
  const first = round?.first_due_us ?? now * 1000;
  const form = useForm({
    name_ar: round?.name_ar ?? "",
    name_en: round?.name_en ?? "",
    kind: round?.kind ?? ("cleaning" as PreventiveRound["kind"]),
    site_ids: round?.site_ids ?? ([] as string[]),
    every_days: String(round?.every_days ?? 30),
    first_due_us: toLocal(first, zoneOffsetUs(first, formats.timezone)).slice(0, 16),
    team_id: round?.team_id ?? NONE,
    enabled: round?.enabled ?? true,
  });
  const { values, set, errors } = form;
  const save = () => {
    const found: Record<string, string> = {};
    if (!values.name_ar.trim() && !values.name_en.trim()) found.name_ar = t("fields:required");
    if (!values.site_ids.length) found.site_ids = t("fields:required");
    if (!/^\d+$/.test(values.every_days)) found.every_days = t("fields:whole");
    const first_due_us = fromLocal(values.first_due_us, formats.timezone);
    if (first_due_us === null) found.first_due_us = t("fields:required");
    void form.submit(found, async () => {
      const body = { ...values, every_days: Number(values.every_days), first_due_us, team_id: values.team_id || null };
      await (round ? api.patch(`/api/rounds/${round.id}`, { ...body, changed_us: round.changed_us }) : api.post("/api/rounds", body));
      say(t("round_saved"));
      onClose();
    });
  };
  const done = async (site_id: string) => {
    try {
      await api.post(`/api/rounds/${round!.id}/done`, { site_id });
      onChanged();
    } catch (failure) {
      say(errorText(failure), { tone: "high" });
    }
  };
  const due = round ? [...round.site_ids].sort((a, b) => (round.due_us[a] ?? 0) - (round.due_us[b] ?? 0)) : [];
  return (
    <Side
      title={round ? name(round) : t("add.rounds")}
      onClose={onClose}
      foot={
        may.manageWork && (
          <FormFoot form={form} stored={Boolean(round)} onSave={save} />
        )
      }
    >
      {round && (
        <Group title={t("due")}>
          <ul className="round-sites">
            {due.map((site_id) => {
              const site = world.sites.get(site_id);
              const at_us = round.due_us[site_id] ?? 0;
              return (
                <li key={site_id}>
                  <span>
                    {name(site) || site_id} {site && <Code>{site.code}</Code>}
                  </span>
                  <span className={at_us <= now * 1000 ? "text-medium" : "muted"}>{formats.when(at_us, now)}</span>
                  {may.doWork && (
                    <Button small onPress={() => void done(site_id)}>
                      {t("done_now")}
                    </Button>
                  )}
                </li>
              );
            })}
          </ul>
        </Group>
      )}
      <div className="form">
        <FormFault form={form} />
        <TextField label={t("cameras:field.name_ar")} value={values.name_ar} onChange={(value) => set("name_ar", value)} error={errors.name_ar} disabled={!may.manageWork} />
        <TextField label={t("cameras:field.name_en")} value={values.name_en} onChange={(value) => set("name_en", value)} error={errors.name_en} disabled={!may.manageWork} />
        <Select<PreventiveRound["kind"]> label={t("kind")} value={values.kind} onChange={(value) => set("kind", value)} disabled={!may.manageWork} choices={KINDS.map((one) => ({ id: one, text: t(`round.${one}`) }))} />
        <TextField label={t("every_days")} value={values.every_days} onChange={(value) => set("every_days", value)} error={errors.every_days} inputMode="numeric" disabled={!may.manageWork} />
        <Select label={t("team")} value={values.team_id} onChange={(value) => set("team_id", value)} disabled={!may.manageWork} choices={[{ id: NONE, text: t("no_team") }, ...teams.map((one) => ({ id: one.id, text: name(one) || one.code }))]} />
        <MomentField label={t("first_due")} value={values.first_due_us} onChange={(value) => set("first_due_us", value)} error={errors.first_due_us} disabled={!may.manageWork} />
        <SitePicker chosen={values.site_ids} onChange={(site_ids) => set("site_ids", site_ids)} error={errors.site_ids} disabled={!may.manageWork} />
        <Check label={t("in_force")} value={values.enabled} onChange={(value) => set("enabled", value)} disabled={!may.manageWork} />
      </div>
    </Side>
  );
}
