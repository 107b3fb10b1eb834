/** Work orders: what is open first, by how pressing it is. */
import type { WorkOrder } from "@/api/health";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button, Code, Empty, Icon, Loading, PriorityMark, Select } from "@/design";
import { type Column, Table } from "@/design/Table";
import { useFormats } from "@/i18n/format";
import { plainText } from "@/i18n/search";
import { useNow } from "@/state/hooks";
import { useName } from "@/state/preferences";
import { world } from "@/state/world";
import type { Team } from "./types";
import { useOrders } from "./useWork";
import { useOrderTitle } from "./words";

const RANK = { critical: 0, high: 1, medium: 2, low: 3 } as const;
type Which = "open" | "checking" | "ended" | "all";

export function OrdersSheet({ selected, teams, onOpen }: { selected?: string; teams: Team[]; onOpen: (id: string) => void }) {
  const { t } = useTranslation("work");
  const formats = useFormats();
  const name = useName();
  const title = useOrderTitle();
  const now = useNow(10_000);
  const { value: orders, error, refetch } = useOrders();
  const [which, setWhich] = useState<Which>("open");
  const [text, setText] = useState("");
  if (error) {
    return (
      <Empty title={t("failed")} action={<Button onPress={refetch}>{t("common:try_again")}</Button>}>
        {error}
      </Empty>
    );
  }
  if (orders === null) return <Loading what={t("common:loading.list")} />;
  const wanted = plainText(text.trim());
  const siteOf = (order: WorkOrder) => world.sites.get(order.site_id);
  const rows = orders
    .filter((one) => (which === "all" ? true : which === "checking" ? one.state === "done" : which === "open" ? one.open : !one.open))
    .filter((one) => {
      const site = siteOf(one);
      return !wanted || plainText(`${one.number} ${title(one)} ${site?.code ?? ""} ${site?.name_ar ?? ""} ${site?.name_en ?? ""}`).includes(wanted);
    })
    .sort((a, b) => Number(b.open) - Number(a.open) || RANK[a.priority] - RANK[b.priority] || b.opened_us - a.opened_us);
  const columns: Column<WorkOrder>[] = [
    { id: "mark", head: "", width: "40px", cell: (one) => (one.open ? <PriorityMark priority={one.priority} title={t(`common:priority.${one.priority}`)} /> : null) },
    { id: "number", head: t("number"), width: "64px", cell: (one) => <span className="muted number">{formats.number(one.number, { useGrouping: false })}</span> },
    { id: "what", head: t("what"), width: "minmax(180px, 2fr)", cell: (one) => <bdi>{title(one)}</bdi> },
    {
      id: "site",
      head: t("common:site"),
      width: "minmax(140px, 1.4fr)",
      cell: (one) => {
        const site = siteOf(one);
        return site ? (
          <>
            {name(site)} <Code>{site.code}</Code>
          </>
        ) : (
          <Code>{one.site_id}</Code>
        );
      },
    },
    { id: "state", head: t("common:state"), width: "minmax(110px, 0.9fr)", cell: (one) => <OrderStateText order={one} /> },
    { id: "team", head: t("team"), width: "minmax(100px, 1fr)", cell: (one) => name(teams.find((team) => team.id === one.team_id)) || <span className="muted">{t("no_team")}</span> },
    { id: "opened", head: t("opened"), width: "120px", cell: (one) => <span title={formats.stamp(one.opened_us)}>{formats.when(one.opened_us, now)}</span> },
  ];
  return (
    <>
      <div className="work-filter">
        <div className="search-field">
          <Icon name="filter" size={16} />
          <input className="search-input" value={text} onChange={(event) => setText(event.target.value)} placeholder={t("filter")} aria-label={t("filter")} />
        </div>
        <Select<Which> inline label={t("show")} value={which} onChange={setWhich} choices={(["open", "checking", "ended", "all"] as const).map((one) => ({ id: one, text: t(`which.${one}`) }))} />
        <span className="muted">{t("count", { count: rows.length })}</span>
      </div>
      <Table label={t("sheet.orders")} rows={rows} columns={columns} keyOf={(one) => one.id} selected={selected} onSelect={(one) => onOpen(one.id)} empty={<Empty title={t(orders.length ? "none_match" : "none_yet")}>{orders.length ? undefined : t("none_yet_text")}</Empty>} />
    </>
  );
}

export function OrderStateText({ order }: { order: WorkOrder }) {
  const { t } = useTranslation("work");
  return <span className={`order-state ${order.state}`}>{t(`state.${order.state}`)}</span>;
}
