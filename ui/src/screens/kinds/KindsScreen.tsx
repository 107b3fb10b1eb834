/** The rationalised table of alarms, edited with history; who is told off-screen; and what was sent. */
import { useCallback, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";
import { kindName } from "@/alarms/words";
import { api, errorText } from "@/api/client";
import { Button, Empty, Icon, Loading, PriorityMark, Segmented } from "@/design";
import { Page } from "@/design/Page";
import { type Column, Table } from "@/design/Table";
import { useFormats } from "@/i18n/format";
import { plainText } from "@/i18n/search";
import { useChangesOf } from "@/state/hooks";
import { useMay } from "@/state/session";
import { KindSide } from "./KindSide";
import { LogTable } from "./LogTable";
import { RouteSide } from "./RouteSide";
import { RouteTable } from "./RouteTable";
import type { KindRow, Route } from "./types";
import "./kinds.css";

type Tab = "table" | "routes" | "log";

export function KindsScreen() {
  const { t } = useTranslation("kinds");
  const formats = useFormats();
  const may = useMay();
  const navigate = useNavigate();
  const { id } = useParams();
  const [tab, setTab] = useState<Tab>("table");
  const [kinds, setKinds] = useState<KindRow[] | null>(null);
  const [routes, setRoutes] = useState<Route[]>([]);
  const [error, setError] = useState<string | null>(null);
  const [text, setText] = useState("");
  const [route, setRoute] = useState<string | null>(null);
  const fetchKinds = useCallback(() => {
    api
      .get<{ alarm_kinds: KindRow[] }>("/api/alarm-kinds")
      .then((found) => (setKinds(found.alarm_kinds), setError(null)))
      .catch((failure: unknown) => setError(errorText(failure)));
  }, []);
  const fetchRoutes = useCallback(() => {
    if (may.administerAlarms) api.get<Route[]>("/api/notification-routes").then(setRoutes, (failure: unknown) => setError(errorText(failure)));
  }, [may.administerAlarms]);
  useEffect(fetchKinds, [fetchKinds]);
  useEffect(() => {
    fetchRoutes();
    const timer = window.setInterval(fetchRoutes, 5000);
    return () => window.clearInterval(timer);
  }, [fetchRoutes]);
  useChangesOf("alarm_kind", fetchKinds);
  const wanted = plainText(text.trim());
  const rows = (kinds ?? []).filter((one) => !wanted || plainText(`${kindName(one.kind)} ${one.kind} ${one.consequence_ar} ${one.consequence_en}`).includes(wanted));
  const columns: Column<KindRow>[] = [
    { id: "priority", head: t("priority"), width: "128px", cell: (one) => <span className="state-cell"><PriorityMark priority={one.priority} /><span>{t(`common:priority.${one.priority}`)}</span></span> },
    { id: "kind", head: t("kind"), width: "minmax(150px, 1.3fr)", cell: (one) => kindName(one.kind) },
    { id: "consequence", head: t("consequence"), width: "minmax(180px, 2.4fr)", cell: (one) => <span className="muted">{formats.language === "ar" ? one.consequence_ar : one.consequence_en}</span> },
    { id: "respond", head: t("respond"), width: "128px", cell: (one) => formats.duration(one.respond_s * 1000) },
    { id: "owner", head: t("owner"), width: "120px", cell: (one) => t(`common:role.${one.owner_role}`) },
    { id: "delay", head: t("delays"), width: "170px", cell: (one) => <span className="muted">{t("delay_pair", { on: formats.number(one.delay_on_s), off: formats.number(one.delay_off_s) })}</span> },
    { id: "group", head: t("group_by"), width: "112px", cell: (one) => t(`group.${one.group_by}`) },
    { id: "changed", head: t("edited"), width: "130px", cell: (one) => (one.changed_us ? <span title={formats.stamp(one.changed_us)}><bdi>{one.changed_by}</bdi></span> : <span className="muted">{t("as_shipped")}</span>) },
  ];
  const open = (to: string | null) => void navigate(to ? `/kinds/${to}` : "/kinds");
  const chosen = kinds?.find((one) => one.kind === id);
  const routeOf = routes.find((one) => one.id === route);
  const turn = (to: Tab) => {
    setTab(to);
    setRoute(null);
    if (id) open(null);
  };
  return (
    <Page
      title={t("title")}
      count={tab === "table" && kinds ? t("count", { count: kinds.length }) : undefined}
      actions={
        tab === "routes" && (
          <Button icon="plus" look="primary" onPress={() => setRoute("new")}>
            {t("add_route")}
          </Button>
        )
      }
      tools={
        <>
          {may.administerAlarms && <Segmented label={t("title")} value={tab} onChange={turn} choices={(["table", "routes", "log"] as const).map((one) => ({ id: one, text: t(`tab.${one}`) }))} />}
          {tab === "table" && (
            <div className="search-field">
              <Icon name="filter" size={16} />
              <input className="search-input" value={text} onChange={(event) => setText(event.target.value)} placeholder={t("filter")} aria-label={t("filter")} />
            </div>
          )}
        </>
      }
      side={
        tab === "table" && chosen ? (
          <KindSide key={chosen.kind} kind={chosen} onClose={() => open(null)} onChanged={fetchKinds} />
        ) : tab === "routes" && (route === "new" || routeOf) ? (
          <RouteSide key={route ?? ""} route={routeOf} kinds={kinds ?? []} onClose={() => setRoute(null)} onChanged={(saved) => (fetchRoutes(), setRoute(saved))} />
        ) : undefined
      }
    >
      {error ? (
        <Empty title={t("failed")} action={<Button onPress={fetchKinds}>{t("common:try_again")}</Button>}>
          {error}
        </Empty>
      ) : kinds === null ? (
        <Loading what={t("common:loading.list")} />
      ) : tab === "table" ? (
        <Table label={t("title")} rows={rows} columns={columns} keyOf={(one) => one.kind} selected={id} onSelect={(one) => open(one.kind)} empty={<Empty title={t("none_match")} />} />
      ) : tab === "routes" ? (
        <RouteTable routes={routes} selected={route} onSelect={setRoute} />
      ) : (
        <LogTable routes={routes} />
      )}
    </Page>
  );
}
