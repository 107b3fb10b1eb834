/** What was sent off-screen: its state, its receipt, what waits and why. */
import { useCallback, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, errorText } from "@/api/client";
import { Button, Empty, Loading, PriorityMark, Select } from "@/design";
import { type Column, Table } from "@/design/Table";
import { say } from "@/design/toast";
import { useFormats } from "@/i18n/format";
import { useNow } from "@/state/hooks";
import type { NotificationRow, Route } from "./types";

const STATES = ["waiting", "sent", "failed", "withdrawn"] as const;

export function LogTable({ routes }: { routes: Route[] }) {
  const { t } = useTranslation("kinds");
  const formats = useFormats();
  const now = useNow(5000);
  const [rows, setRows] = useState<NotificationRow[] | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [state, setState] = useState("all");
  const [route, setRoute] = useState("all");
  const load = useCallback(() => {
    api
      .get<NotificationRow[]>("/api/notifications", { limit: 500, state: state === "all" ? "" : state, route_id: route === "all" ? "" : route })
      .then((list) => (setRows(list), setError(null)))
      .catch((failure: unknown) => setError(errorText(failure)));
  }, [state, route]);
  useEffect(() => {
    load();
    const timer = window.setInterval(load, 3000);
    return () => window.clearInterval(timer);
  }, [load]);
  const again = async (one: NotificationRow) => {
    try {
      await api.post(`/api/notifications/${one.id}/send-again`);
      load();
    } catch (failure) {
      say(errorText(failure), { tone: "high" });
    }
  };
  const columns: Column<NotificationRow>[] = [
    { id: "at", head: t("written"), width: "130px", cell: (one) => <span title={formats.stamp(one.created_us)}>{formats.when(one.created_us, now)}</span> },
    { id: "route", head: t("route"), width: "minmax(110px, 1fr)", cell: (one) => <bdi>{one.route_name}</bdi> },
    { id: "occasion", head: t("occasion_head"), width: "120px", cell: (one) => t(`occasion.${one.occasion}`) },
    { id: "subject", head: t("message"), width: "minmax(180px, 2.4fr)", cell: (one) => <bdi title={one.subject}>{one.subject}</bdi> },
    {
      id: "state",
      head: t("common:state"),
      width: "130px",
      cell: (one) => (
        <span className="state-cell">
          {one.state === "failed" && <PriorityMark priority="high" />}
          <span className={one.state === "failed" ? "text-high" : "muted"}>{t(`sent_state.${one.state}`)}</span>
        </span>
      ),
    },
    {
      id: "detail",
      head: t("receipt"),
      width: "minmax(170px, 2fr)",
      cell: (one) => (
        <span className="muted answer" title={one.receipt || one.error}>
          {one.state !== "sent" && one.cause && <span>{t(`cause.${one.cause}`)}</span>}
          {one.state === "waiting" && one.attempts > 0 && <span>{t("tried", { count: one.attempts })}</span>}
          {/* what a server said is Latin and is cut at its end, whatever the direction of the page */}
          <span className="clip" dir="auto">
            {one.state === "sent" ? one.receipt : one.error}
          </span>
        </span>
      ),
    },
    { id: "again", head: "", width: "110px", cell: (one) => one.state === "failed" && <Button small onPress={() => void again(one)}>{t("again")}</Button> },
  ];
  if (error) return <Empty title={t("failed")}>{error}</Empty>;
  if (rows === null) return <Loading what={t("common:loading.list")} />;
  return (
    <>
      <div className="page-tools log-tools">
        <Select inline label={t("common:state")} value={state} onChange={setState} choices={[{ id: "all", text: t("all_states") }, ...STATES.map((one) => ({ id: one as string, text: t(`sent_state.${one}`) }))]} />
        <Select inline label={t("route")} value={route} onChange={setRoute} choices={[{ id: "all", text: t("all_routes") }, ...routes.map((one) => ({ id: one.id, text: one.name }))]} />
      </div>
      <Table label={t("tab.log")} rows={rows} columns={columns} keyOf={(one) => one.id} empty={<Empty title={t("log_empty")}>{t("log_empty_text")}</Empty>} />
    </>
  );
}
