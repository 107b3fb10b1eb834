/** Planned outages: what is switched off on purpose raises no alarm, visibly, until it ends by itself. */
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, errorText } from "@/api/client";
import type { Outage } from "@/api/health";
import { Button, Code, Empty, IconButton, Loading, Select, TextField } from "@/design";
import { FormFault, FormFoot } from "@/design/FormFoot";
import { MomentField } from "@/design/MomentField";
import { Side } from "@/design/Page";
import { type Column, Table } from "@/design/Table";
import { say } from "@/design/toast";
import { useFormats } from "@/i18n/format";
import { fromLocal, toLocal } from "@/i18n/localTime";
import { zoneOffsetUs } from "@/video/timeline/scale";
import { useForm } from "@/state/form";
import { useNow, useSites } from "@/state/hooks";
import { useName } from "@/state/preferences";
import { useMay } from "@/state/session";
import { world } from "@/state/world";
import { useOutages } from "./useWork";

const HOUR_US = 3_600_000_000;

export function OutagesSheet({ selected, onOpen }: { selected: string | null; onOpen: (id: string) => void }) {
  const { t } = useTranslation("work");
  const formats = useFormats();
  const name = useName();
  const now = useNow(30_000);
  const { value: outages, error, refetch } = useOutages();
  if (error) {
    return (
      <Empty title={t("failed")} action={<Button onPress={refetch}>{t("common:try_again")}</Button>}>
        {error}
      </Empty>
    );
  }
  if (outages === null) return <Loading what={t("common:loading.list")} />;
  const columns: Column<Outage>[] = [
    { id: "reason", head: t("reason"), width: "minmax(180px, 2fr)", cell: (one) => one.reason },
    { id: "sites", head: t("sites"), width: "minmax(150px, 1.6fr)", cell: (one) => formats.list(one.site_ids.slice(0, 3).map((id) => name(world.sites.get(id)) || id)) + (one.site_ids.length > 3 ? ` +${formats.number(one.site_ids.length - 3)}` : "") },
    { id: "from", head: t("from"), width: "170px", cell: (one) => formats.stamp(one.from_us) },
    { id: "until", head: t("until"), width: "170px", cell: (one) => formats.stamp(one.ended_us ?? one.until_us) },
    { id: "state", head: t("common:state"), width: "110px", cell: (one) => t(`outage.${outageState(one, now * 1000)}`) },
  ];
  return <Table label={t("sheet.outages")} rows={outages} columns={columns} keyOf={(one) => one.id} selected={selected ?? undefined} onSelect={(one) => onOpen(one.id)} empty={<Empty title={t("no_outages")}>{t("no_outages_text")}</Empty>} />;
}

function outageState(one: Outage, nowUs: number): "coming" | "now" | "over" {
  if (one.ended_us !== null || one.until_us <= nowUs) return "over";
  return one.from_us > nowUs ? "coming" : "now";
}

export function OutageForm({ id, onClose }: { id: string; onClose: () => void }) {
  const { t } = useTranslation("work");
  const { value: outages } = useOutages();
  const outage = outages?.find((one) => one.id === id);
  if (id !== "new" && !outage) {
    return (
      <Side title={t("sheet.outages")} onClose={onClose}>
        <Loading what={t("common:loading.list")} />
      </Side>
    );
  }
  return <Form key={outage?.changed_us ?? "new"} outage={outage} onClose={onClose} />;
}

function Form({ outage, onClose }: { outage?: Outage; onClose: () => void }) {
  const { t } = useTranslation("work");
  const formats = useFormats();
  const may = useMay();
  const now = useNow(60_000);
  const first = Math.ceil((now * 1000) / HOUR_US) * HOUR_US;
  const local = (us: number) => toLocal(us, zoneOffsetUs(us, formats.timezone)).slice(0, 16);
  const form = useForm({
    reason: outage?.reason ?? "",
    site_ids: outage?.site_ids ?? ([] as string[]),
    from_us: local(outage?.from_us ?? first),
    until_us: local(outage?.until_us ?? first + 4 * HOUR_US),
  });
  const { values, set, errors } = form;
  const over = outage ? outageState(outage, now * 1000) === "over" : false;
  const save = () => {
    const found: Record<string, string> = {};
    if (!values.reason.trim()) found.reason = t("fields:required");
    if (!values.site_ids.length) found.site_ids = t("fields:required");
    const from_us = fromLocal(values.from_us, formats.timezone);
    const until_us = fromLocal(values.until_us, formats.timezone);
    if (from_us === null) found.from_us = t("fields:required");
    if (until_us === null || (from_us !== null && until_us <= from_us)) found.until_us = t("until_after");
    void form.submit(found, async () => {
      const body = { reason: values.reason, site_ids: values.site_ids, from_us, until_us };
      await (outage ? api.patch(`/api/outages/${outage.id}`, { ...body, changed_us: outage.changed_us }) : api.post("/api/outages", body));
      say(t("outage_saved"));
      onClose();
    });
  };
  const end = async () => {
    try {
      await api.delete(`/api/outages/${outage!.id}`);
      say(t("outage_ended"));
      onClose();
    } catch (failure) {
      say(errorText(failure), { tone: "high" });
    }
  };
  return (
    <Side
      title={outage ? outage.reason : t("add.outages")}
      onClose={onClose}
      foot={
        may.manageWork &&
        !over && (
          <>
            <FormFoot form={form} stored={Boolean(outage)} onSave={save} />
            <span className="gap" />
            {outage && (
              <Button look="danger" onPress={() => void end()}>
                {t("end_now")}
              </Button>
            )}
          </>
        )
      }
    >
      <div className="form">
        <FormFault form={form} />
        <p className="muted all">{t("outage_text")}</p>
        <TextField className="all" label={t("reason")} value={values.reason} onChange={(value) => set("reason", value)} error={errors.reason} required disabled={over} />
        <MomentField label={t("from")} value={values.from_us} onChange={(value) => set("from_us", value)} error={errors.from_us} disabled={over} />
        <MomentField label={t("until")} value={values.until_us} onChange={(value) => set("until_us", value)} error={errors.until_us} disabled={over} />
        <SitePicker chosen={values.site_ids} onChange={(site_ids) => set("site_ids", site_ids)} error={errors.site_ids} disabled={over} />
      </div>
    </Side>
  );
}

/** Several sites: chosen one after the other, each with a way to take it back. */
export function SitePicker({ chosen, onChange, error, disabled }: { chosen: readonly string[]; onChange: (ids: string[]) => void; error?: string; disabled?: boolean }) {
  const { t } = useTranslation("work");
  const name = useName();
  const sites = useSites();
  const [next, setNext] = useState("");
  return (
    <div className="all site-picker">
      <Select
        label={t("sites")}
        value={next}
        onChange={(id) => {
          setNext("");
          if (id && !chosen.includes(id)) onChange([...chosen, id]);
        }}
        error={error}
        disabled={disabled}
        placeholder={t("add_site")}
        choices={sites.filter((one) => !chosen.includes(one.id)).map((one) => ({ id: one.id, text: `${name(one)} · ${one.code}` }))}
      />
      <ul>
        {chosen.map((id) => {
          const site = world.sites.get(id);
          return (
            <li key={id}>
              <span>{name(site) || id}</span> {site && <Code>{site.code}</Code>}
              {!disabled && <IconButton small icon="close" label={t("take_out")} onPress={() => onChange(chosen.filter((one) => one !== id))} />}
            </li>
          );
        })}
      </ul>
    </div>
  );
}
