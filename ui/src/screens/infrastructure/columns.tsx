/** The columns of each list. A link's and a switch's state come on the stream by themselves. */
import { useMemo } from "react";
import { Link } from "react-router";
import { useTranslation } from "react-i18next";
import { Code } from "@/design";
import type { Column } from "@/design/Table";
import { useFormats } from "@/i18n/format";
import { useWatchedOne } from "@/state/hooks";
import { useName } from "@/state/preferences";
import { world } from "@/state/world";
import { PartMark } from "@/screens/site/PartMark";
import type { Noun, Row } from "./nouns";

export type SortColumn = Column<Row> & { by?: (row: Row) => string | number };

function PartState({ kind, id }: { kind: "switch" | "link"; id: string }) {
  const { t } = useTranslation("site");
  const state = useWatchedOne(kind, id)?.state ?? "unknown";
  return (
    <span className="state-cell">
      <PartMark state={state} />
      <span className={state === "unknown" ? "muted" : undefined}>{t(`site:part.${state}`)}</span>
    </span>
  );
}

const text = (row: Row, key: string): string => (typeof row[key] === "string" ? (row[key] as string) : "");
const value = (row: Row, key: string): number => (typeof row[key] === "number" ? (row[key] as number) : -Infinity);

export function useColumns(noun: Noun): SortColumn[] {
  const { t } = useTranslation("infrastructure");
  const formats = useFormats();
  const name = useName();
  return useMemo(() => {
    const siteText = (id: unknown) => (typeof id === "string" ? world.sites.get(id) : undefined);
    const site = (key: string, head = t("common:site"), width = "minmax(150px, 1.6fr)"): SortColumn => ({
      id: key,
      head,
      width,
      sortable: true,
      by: (row) => siteText(row[key])?.code ?? "",
      cell: (row) => {
        const found = siteText(row[key]);
        return found ? (
          <Link to={`/site/${found.id}`} onClick={(event) => event.stopPropagation()}>
            {name(found)}
          </Link>
        ) : (
          "—"
        );
      },
    });
    const code: SortColumn = { id: "code", head: t("field.code"), width: "120px", sortable: true, by: (row) => text(row, "code"), cell: (row) => <Code>{text(row, "code")}</Code> };
    const siteCode: SortColumn = { id: "site_code", head: t("site_code"), width: "128px", sortable: true, by: (row) => siteText(row.site_id)?.code ?? "", cell: (row) => <Code>{siteText(row.site_id)?.code ?? ""}</Code> };
    const state = (kind: "switch" | "link"): SortColumn => ({ id: "state", head: t("common:state"), width: "124px", sortable: true, by: (row) => world.watched[kind].get(row.id)?.state ?? "", cell: (row) => <PartState kind={kind} id={row.id} /> });
    const number = (key: string, width = "110px"): SortColumn => ({
      id: key,
      head: t(`field.${key}`).split(/[,،]/)[0], // the unit stands in each cell
      width,
      end: true,
      sortable: true,
      by: (row) => value(row, key),
      cell: (row) => (typeof row[key] === "number" ? <bdi className="number">{t(`with_unit.${key}`, { value: formats.number(row[key] as number) })}</bdi> : <span className="muted">—</span>),
    });
    const choice = (key: string, width: string, sort = true): SortColumn => ({ id: key, head: t(`field.${key}`), width, sortable: sort, by: (row) => text(row, key), cell: (row) => t(`choice.${key}.${text(row, key)}`, { defaultValue: text(row, key) }) });
    const yes = (key: string): SortColumn => ({ id: key, head: t(`field.${key}`), width: "130px", cell: (row) => <span className={row[key] ? undefined : "muted"}>{t(row[key] ? "common:yes" : "common:no")}</span> });
    const latin = (key: string, width: string): SortColumn => ({ id: key, head: t(`field.${key}`), width, sortable: true, by: (row) => text(row, key), cell: (row) => (text(row, key) ? <Code>{text(row, key)}</Code> : <span className="muted">—</span>) });
    const made: Record<Noun, SortColumn[]> = {
      power_sources: [choice("kind", "130px"), siteCode, site("site_id"), number("capacity_wh", "130px"), number("peak_w"), number("nominal_v"), { id: "installed_us", head: t("field.installed_us"), width: "130px", sortable: true, by: (row) => value(row, "installed_us"), cell: (row) => (typeof row.installed_us === "number" ? <bdi className="number">{new Intl.DateTimeFormat(formats.locale, { dateStyle: "medium", timeZone: "UTC" }).format(row.installed_us / 1000)}</bdi> : <span className="muted">—</span>) }],
      cabinets: [siteCode, site("site_id"), number("hot_c", "130px"), yes("has_fan"), yes("has_door_sensor")],
      switches: [state("switch"), code, site("site_id"), { id: "make", head: t("field.make"), width: "minmax(130px, 1fr)", cell: (row) => <bdi>{[text(row, "make"), text(row, "model")].filter(Boolean).join(" ") || "—"}</bdi> }, number("ports", "90px")],
      links: [state("link"), code, site("a_site_id", t("field.a_site_id")), site("b_site_id", t("field.b_site_id")), { id: "kind", head: t("field.link_kind"), width: "104px", sortable: true, by: (row) => text(row, "kind"), cell: (row) => t(`site:link_kind.${text(row, "kind")}`) }, choice("role", "100px"), latin("ring", "90px"), number("length_km", "90px")],
      devices: [{ ...code, width: "170px" }, choice("protocol", "120px"), site("site_id"), latin("address", "minmax(140px, 1.4fr)"), latin("profile", "150px"), yes("enabled")],
    };
    return made[noun];
  }, [noun, t, formats, name]);
}
