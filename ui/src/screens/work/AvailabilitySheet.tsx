/** How much of their time the cameras did their job in a month, by sector, cause, supplier, site or camera; and the report to print. */
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button, Code, Empty, Icon, Loading, Select } from "@/design";
import { type Column, Table } from "@/design/Table";
import { useFormats } from "@/i18n/format";
import { fromLocal } from "@/i18n/localTime";
import { useNow } from "@/state/hooks";
import { useName, usePreferences } from "@/state/preferences";
import { world } from "@/state/world";
import type { Availability, AvailabilityGroup } from "./types";
import { useFetched } from "./useWork";

const BY = ["sector", "cause", "supplier", "site", "camera"] as const;
type By = (typeof BY)[number];
const MONTHS_BACK = 12;

export function AvailabilitySheet() {
  const { t } = useTranslation(["work", "alarms"]);
  const formats = useFormats();
  const { preferences } = usePreferences();
  const name = useName();
  const now = useNow(60_000);
  const months = useMemo(() => lastMonths(now), [now]);
  const [month, setMonth] = useState(months[0]!);
  const [by, setBy] = useState<By>("sector");
  const from_us = fromLocal(`${month}-01T00:00`, formats.timezone) ?? 0;
  const to_us = fromLocal(`${monthAfter(month)}-01T00:00`, formats.timezone) ?? 0;
  const { value, error, refetch } = useFetched<Availability>(`/api/availability?from_us=${from_us}&to_us=${to_us}&by=${by}`);
  const monthName = (key: string) => new Intl.DateTimeFormat(formats.locale, { month: "long", year: "numeric", timeZone: "UTC" }).format(new Date(`${key}-15T00:00Z`));
  const named = (group: AvailabilityGroup) => {
    if (!group.key) return <span className="muted">{t("not_stated")}</span>;
    if (by === "cause") return t(`alarms:kind.${group.key}`, { defaultValue: group.key });
    const thing = world.sectors.get(group.key) ?? world.sites.get(group.key) ?? world.cameras.get(group.key);
    if (!thing) return <bdi>{group.key}</bdi>;
    return by === "sector" ? name(thing) : <>{name(thing)} <Code>{thing.code}</Code></>;
  };
  const pct = (value: number | null) => (value === null ? "—" : `${formats.number(value, { minimumFractionDigits: 2, maximumFractionDigits: 2 })}%`);
  const span = (value_s: number | null) => (value_s === null ? "—" : formats.duration(value_s * 1000));
  const columns: Column<AvailabilityGroup>[] = [
    { id: "name", head: t("name"), width: "minmax(160px, 2fr)", cell: named },
    { id: "cameras", head: t("cameras"), width: "90px", cell: (one) => formats.number(one.cameras) },
    { id: "available", head: t("available"), width: "minmax(130px, 1fr)", cell: (one) => <Share group={one} level={value?.service_level_pct ?? 99} text={by === "cause" ? "" : pct(one.available_pct)} /> },
    { id: "lost", head: t("lost_h"), width: "156px", cell: (one) => formats.number(one.lost_h, { maximumFractionDigits: 1 }) },
    { id: "spans", head: t("faults"), width: "80px", cell: (one) => formats.number(one.spans) },
    { id: "know", head: t("know"), width: "130px", cell: (one) => span(one.know_s) },
    { id: "respond", head: t("respond"), width: "130px", cell: (one) => span(one.respond_s) },
    { id: "repair", head: t("repair"), width: "130px", cell: (one) => span(one.repair_s) },
  ];
  return (
    <>
      <div className="work-filter">
        <Select inline label={t("month")} value={month} onChange={setMonth} choices={months.map((one) => ({ id: one, text: monthName(one) }))} />
        <Select<By> inline label={t("by")} value={by} onChange={setBy} choices={BY.map((one) => ({ id: one, text: t(`by_${one}`) }))} />
        <span className="gap" />
        <a className="button" href={`/api/reports/monthly.pdf?month=${month}&language=${preferences.language}`}>
          <Icon name="file" size={17} />
          {t("report_pdf")}
        </a>
        <a className="button" href={`/api/reports/monthly.csv?month=${month}`}>
          <Icon name="exports" size={17} />
          {t("report_csv")}
        </a>
      </div>
      {error ? (
        <Empty title={t("failed")} action={<Button onPress={refetch}>{t("common:try_again")}</Button>}>
          {error}
        </Empty>
      ) : value === null ? (
        <Loading what={t("common:loading.list")} />
      ) : (
        <>
          <dl className="work-tiles">
            <div className={value.whole.met === false ? "missed" : ""}>
              <dt>{t("available")}</dt>
              <dd>{pct(value.whole.available_pct)}</dd>
              <p>{t(value.whole.met === false ? "level_missed" : "level_met", { level: pct(value.service_level_pct) })}</p>
            </div>
            <div>
              <dt>{t("lost_h")}</dt>
              <dd>{formats.number(value.whole.lost_h, { maximumFractionDigits: 1 })}</dd>
              <p>{t("planned_h", { hours: formats.number(value.whole.planned_h, { maximumFractionDigits: 1 }) })}</p>
            </div>
            {(["know", "respond", "repair"] as const).map((key) => (
              <div key={key}>
                <dt>{t(key)}</dt>
                <dd>{span(value.whole[`${key}_s`])}</dd>
                <p>{t(`${key}_text`)}</p>
              </div>
            ))}
          </dl>
          <Table label={t("sheet.availability")} rows={value.groups} columns={columns} keyOf={(one) => one.key} empty={<Empty title={t("no_groups")} />} />
        </>
      )}
    </>
  );
}

/** The share of the time, as text and as a bar from 90 to 100 per cent with the level marked. */
function Share({ group, level, text }: { group: AvailabilityGroup; level: number; text: string }) {
  const place = (pct: number) => Math.max(0, Math.min(100, (pct - 90) * 10));
  if (!text) return <span className="muted">—</span>;
  return (
    <span className={`share${group.met === false ? " missed" : ""}`}>
      <b>{text}</b>
      <span className="share-bar" aria-hidden="true">
        <i style={{ inlineSize: `${place(group.available_pct ?? 0)}%` }} />
        <u style={{ insetInlineStart: `${place(level)}%` }} />
      </span>
    </span>
  );
}

function lastMonths(nowMs: number): string[] {
  const now = new Date(nowMs);
  return Array.from({ length: MONTHS_BACK }, (_, back) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back, 1)).toISOString().slice(0, 7));
}

function monthAfter(month: string): string {
  const [year, number] = month.split("-").map(Number) as [number, number];
  return new Date(Date.UTC(year, number, 1)).toISOString().slice(0, 7);
}
