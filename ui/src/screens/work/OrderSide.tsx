/**
 * One work order, for the person in the room and for the technician with a phone: what is wrong and where, what to bring, the next step as
 * one large button, aiming by the live picture against the reference view, photographs, history.
 */
import { useCallback, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, errorText } from "@/api/client";
import type { OrderState } from "@/api/health";
import { Button, Code, Empty, Icon, Loading, PriorityMark, Select, TextField } from "@/design";
import { Facts, Group, Side } from "@/design/Page";
import { say } from "@/design/toast";
import { useFormats } from "@/i18n/format";
import { PlaceMap } from "@/map/PlaceMap";
import { useChangesOf, useNow, useSite, useWorld } from "@/state/hooks";
import { useName } from "@/state/preferences";
import { useMay } from "@/state/session";
import { Aiming } from "./Aiming";
import { OrderStateText } from "./OrdersSheet";
import { Photos } from "./Photos";
import { NEXT, type OrderDetail, type Team } from "./types";
import { useOrderTitle } from "./words";

const NONE = "";
const MOST_CODES = 4;

/** On a pole with several cameras the technician must know which; of a whole site's it is said by the cause. */
function CameraCodes({ ids }: { ids: string[] }) {
  const codes = useWorld((world) => (ids.length > MOST_CODES ? "" : ids.map((id) => world.cameras.get(id)?.code ?? "").join(" ")));
  return codes.trim() ? <> · <Code>{codes}</Code></> : null;
}

export function OrderSide({ id, teams, onClose }: { id: string; teams: Team[]; onClose: () => void }) {
  const { t } = useTranslation("work");
  const name = useName();
  const formats = useFormats();
  const may = useMay();
  const title = useOrderTitle();
  const now = useNow(10_000);
  const [order, setOrder] = useState<OrderDetail | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [note, setNote] = useState("");
  const [busy, setBusy] = useState(false);
  const fetchOne = useCallback(() => {
    api
      .get<OrderDetail>(`/api/work-orders/${id}`)
      .then((found) => (setOrder(found), setError(null)))
      .catch((failure: unknown) => setError(errorText(failure)));
  }, [id]);
  useEffect(fetchOne, [fetchOne]);
  useChangesOf("work_order", fetchOne);
  const site = useSite(order?.site_id);
  if (error && !order) {
    return (
      <Side title={t("gone_title")} onClose={onClose}>
        <Empty title={t("gone_title")}>{error}</Empty>
      </Side>
    );
  }
  if (!order) {
    return (
      <Side title={t("order")} onClose={onClose}>
        <Loading what={t("common:loading.list")} />
      </Side>
    );
  }
  const run = async (work: () => Promise<unknown>, said?: string) => {
    setBusy(true);
    try {
      await work();
      if (said) say(said);
      fetchOne();
    } catch (failure) {
      say(errorText(failure), { tone: "high" });
    } finally {
      setBusy(false);
    }
  };
  const move = (state: OrderState) =>
    run(async () => {
      await api.post(`/api/work-orders/${id}/state`, { state, note });
      setNote("");
    }, t(`moved.${state}`));
  const steps = NEXT[order.state].filter((state) => (state === "cancelled" ? may.manageWork : may.doWork));
  const kit = (group: "part" | "tool" | "safety", keys: string[]) => keys.map((key) => t(`${group}.${key}`));
  return (
    <Side
      title={title(order)}
      subtitle={
        <>
          {t("numbered", { number: formats.number(order.number, { useGrouping: false }) })} · <OrderStateText order={order} />
          <CameraCodes ids={order.camera_ids} />
        </>
      }
      onClose={onClose}
      foot={
        steps.length > 0 && (
          <div className="order-steps">
            {steps.map((state, at) => (
              <Button key={state} look={state === "cancelled" ? "danger" : at === 0 ? "primary" : "plain"} isDisabled={busy} onPress={() => void move(state)}>
                {t(`step.${state}`)}
              </Button>
            ))}
          </div>
        )
      }
    >
      {order.state === "done" && (
        <div className="notice">
          <span className="spinner" />
          <span>{t("checking_text")}</span>
        </div>
      )}
      {order.state === "reopened" && (
        <div className="notice high">
          <PriorityMark priority="high" />
          <span>{t("reopened_text")}</span>
        </div>
      )}
      <Group title={t("where")}>
        {site ? (
          <p className="order-site">
            <Link to={`/site/${site.id}`}>{name(site)}</Link> <Code>{site.code}</Code>
            <a className="button small" href={`geo:${site.lat},${site.lon}?q=${site.lat},${site.lon}`}>
              <Icon name="map" size={16} />
              {t("navigate")}
            </a>
          </p>
        ) : (
          <Code>{order.site_id}</Code>
        )}
        <div className="order-map">
          <PlaceMap siteId={order.site_id} cameraIds={order.camera_ids} />
        </div>
        {order.description && <p className="order-text" dir="auto">{order.description}</p>}
      </Group>
      {(order.parts.length > 0 || order.tools.length > 0) && (
        <Group title={t("bring")}>
          <Facts
            items={[
              order.parts.length > 0 && [t("parts"), formats.list(kit("part", order.parts))],
              [t("tools"), formats.list(kit("tool", order.tools))],
              [t("mind"), kit("safety", order.safety).map((line) => <p key={line}>{line}</p>)],
            ]}
          />
        </Group>
      )}
      {may.watch && <Aiming cameraIds={order.camera_ids} siteId={order.site_id} />}
      <Photos order={order} onAdded={fetchOne} mayAdd={may.doWork && order.open} />
      <Group title={t("work")}>
        <Facts
          items={[
            [t("priority"), t(`common:priority.${order.priority}`)],
            [t("opened"), `${formats.stamp(order.opened_us)} · ${order.opened_by_name}`],
            order.accepted_us !== null && [t("state.accepted"), formats.stamp(order.accepted_us)],
            order.arrived_us !== null && [t("state.on_site"), formats.stamp(order.arrived_us)],
            order.done_us !== null && [t("state.done"), formats.stamp(order.done_us)],
            order.closed_us !== null && [t("ended"), formats.stamp(order.closed_us)],
            order.alarm_id !== null && [t("alarm"), <Link key="a" to={`/alarms/${order.alarm_id}`}>{t("to_alarm")}</Link>],
          ]}
        />
        {may.raiseWork && order.open && (
          <Select
            label={t("team")}
            value={order.team_id ?? NONE}
            onChange={(team) => void run(() => api.patch(`/api/work-orders/${id}`, { team_id: team || null, changed_us: order.changed_us }))}
            choices={[
              { id: NONE, text: t("no_team") },
              ...nearestFirst(teams, order).map(({ team, away_km }) => ({
                id: team.id,
                text: away_km === null ? name(team) || team.code : t("away", { team: name(team) || team.code, km: formats.number(away_km) }),
              })),
            ]}
          />
        )}
        {may.doWork && order.open && <PartsUsed order={order} onSave={(body) => run(() => api.patch(`/api/work-orders/${id}`, { ...body, changed_us: order.changed_us }), t("parts_saved"))} />}
      </Group>
      <Group title={t("history")}>
        {may.raiseWork && order.open && (
          <div className="order-note">
            <TextField className="all" label={t("note")} value={note} onChange={setNote} lines={2} />
            <Button small isDisabled={busy || !note.trim()} onPress={() => void run(async () => (await api.post(`/api/work-orders/${id}/notes`, { text: note }), setNote("")))}>
              {t("write")}
            </Button>
          </div>
        )}
        <ol className="order-entries">
          {[...order.entries].reverse().map((entry) => (
            <li key={entry.id}>
              <span className="muted" title={formats.stamp(entry.at_us)}>
                {formats.when(entry.at_us, now)}
              </span>
              <span>
                <b>{t(`entry.${entry.what}`)}</b> {entry.by ? <bdi className="muted">{entry.by_name}</bdi> : <span className="muted">{t("health_check")}</span>}
                {entry.text && <p className="order-text" dir="auto">{entry.text}</p>}
                {entry.detail.still && entry.detail.still.length > 0 && <p className="order-text">{t("still", { count: entry.detail.still.length })}</p>}
              </span>
            </li>
          ))}
        </ol>
      </Group>
    </Side>
  );
}

/** The teams that work there by distance, then all others. */
function nearestFirst(teams: Team[], order: OrderDetail): { team: Team; away_km: number | null }[] {
  const near = order.nearest_teams.flatMap((one) => {
    const team = teams.find((some) => some.id === one.team_id);
    return team ? [{ team, away_km: one.away_km }] : [];
  });
  const others = teams.filter((team) => team.enabled && !near.some((one) => one.team.id === team.id));
  return [...near, ...others.map((team) => ({ team, away_km: null }))];
}

function PartsUsed({ order, onSave }: { order: OrderDetail; onSave: (body: { parts_used: { part: string; count: number }[]; work_min: number }) => Promise<void> }) {
  const { t } = useTranslation("work");
  const [parts, setParts] = useState(order.parts_used.map((one) => `${one.count} ${one.part}`).join("\n"));
  const [minutes, setMinutes] = useState(String(order.work_min || ""));
  const save = () => {
    const used = parts
      .split("\n")
      .map((line) => line.trim())
      .filter(Boolean)
      .map((line) => {
        const found = /^(\d+)\s+(.+)$/.exec(line);
        return found ? { part: found[2]!, count: Number(found[1]) } : { part: line, count: 1 };
      });
    void onSave({ parts_used: used, work_min: Number(minutes) || 0 });
  };
  return (
    <div className="order-parts">
      <TextField className="all" label={t("parts_used")} hint={t("parts_hint")} value={parts} onChange={setParts} lines={2} />
      <TextField label={t("minutes")} value={minutes} onChange={(value) => setMinutes(value.replace(/\D/g, ""))} inputMode="numeric" />
      <Button small onPress={save}>
        {t("common:save")}
      </Button>
    </div>
  );
}
