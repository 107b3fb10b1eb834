/** The routes by which people are told off-screen: what each is told of, and what stands in its way. */
import { useTranslation } from "react-i18next";
import { Code, Empty, PriorityMark } from "@/design";
import { type Column, Table } from "@/design/Table";
import { useFormats } from "@/i18n/format";
import { useNow, useSectors } from "@/state/hooks";
import { useName } from "@/state/preferences";
import { PRIORITIES, type Route } from "./types";

export function RouteTable({ routes, selected, onSelect }: { routes: Route[]; selected: string | null; onSelect: (id: string) => void }) {
  const { t } = useTranslation("kinds");
  const formats = useFormats();
  const name = useName();
  const sectors = useSectors();
  const now = useNow(10_000);
  const columns: Column<Route>[] = [
    { id: "name", head: t("route"), width: "minmax(130px, 1.2fr)", cell: (one) => <span className={one.enabled ? "" : "muted"}><bdi>{one.name}</bdi></span> },
    { id: "channel", head: t("channel_head"), width: "110px", cell: (one) => t(`channel.${one.channel}`) },
    { id: "address", head: t("address"), width: "minmax(150px, 1.6fr)", cell: (one) => <Code>{one.address}</Code> },
    { id: "priorities", head: t("priorities"), width: "110px", cell: (one) => <span className="marks">{PRIORITIES.filter((p) => one.priorities.includes(p)).map((p) => <PriorityMark key={p} priority={p} />)}</span> },
    { id: "sectors", head: t("sectors"), width: "minmax(90px, 1fr)", cell: (one) => (one.sector_ids === null ? t("all_sectors") : formats.list(one.sector_ids.map((id) => name(sectors.find((s) => s.id === id)) || id))) },
    { id: "when", head: t("when"), width: "minmax(130px, 1.2fr)", cell: (one) => t(`when_step.${one.escalated_min}`) },
    {
      id: "state",
      head: t("common:state"),
      width: "minmax(140px, 1.2fr)",
      cell: (one) =>
        !one.enabled ? (
          <span className="muted">{t("route_off")}</span>
        ) : one.error ? (
          <span className="state-cell text-medium" title={one.error}>
            <PriorityMark priority="medium" />
            <span>{t("waits", { count: one.waiting })}</span>
          </span>
        ) : one.last_sent_us ? (
          <span className="muted" title={formats.stamp(one.last_sent_us)}>
            {t("last_sent", { when: formats.when(one.last_sent_us, now) })}
          </span>
        ) : (
          <span className="muted">{t("never_sent")}</span>
        ),
    },
  ];
  return <Table label={t("tab.routes")} rows={routes} columns={columns} keyOf={(one) => one.id} selected={selected} onSelect={(one) => onSelect(one.id)} empty={<Empty title={t("no_routes")}>{t("no_routes_text")}</Empty>} />;
}
