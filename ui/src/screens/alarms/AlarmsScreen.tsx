/**
 * The alarms: the list in the order of what matters, and beside it everything needed to judge the chosen one and act.
 *
 * Keyboard first; the keys are read by their place on the keyboard, so that they work under an Arabic layout. The chosen alarm and the
 * filter are in the address.
 */
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams, useSearchParams } from "react-router";
import { useAlarms, useFlood, useOwn } from "@/alarms/hooks";
import { compareAlarms, type Filter, foldFlood, isUnacknowledged, NO_FILTER, passes, PRIORITIES, type Row, type Tab, tabOf, TABS } from "@/alarms/order";
import { kindName } from "@/alarms/words";
import { silence } from "@/alarms/bell";
import type { Alarm } from "@/api/health";
import { Button, Empty, IconButton, PriorityMark, Segmented, Select } from "@/design";
import { Table } from "@/design/Table";
import { useFormats } from "@/i18n/format";
import { serverNowMs } from "@/state/connection";
import { useConnection, useSectors } from "@/state/hooks";
import { useName } from "@/state/preferences";
import { useMay } from "@/state/session";
import { acknowledge, mayHaveWork } from "./acts";
import { AlarmSide } from "./AlarmSide";
import { type Asked, Dialogs } from "./dialogs";
import { columnsOf, List } from "./list";
import { addressOfLive, addressOfPlayback } from "./places";
import { useSplit } from "./split";
import "@/design/page.css";
import "./screen.css";

const STATES = ["all", "unacknowledged", "acknowledged", "returned_unacknowledged"] as const;
const WIDE_PX = 980;

export function AlarmsScreen() {
  const { t } = useTranslation("alarms");
  const f = useFormats();
  const { id, goTo } = useChosen();
  const [query, setQuery] = useSearchParams();
  const navigate = useNavigate();
  const may = useMay();
  const own = useOwn();
  const { phase } = useConnection();
  const all = useAlarms();
  const filter = useMemo(() => filterOf(query), [query]);
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set());
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const [fold, setFold] = useState<string | null>(null);
  const [asked, setAsked] = useState<Asked | null>(null);
  const side = useRef<HTMLElement>(null);
  const split = useSplit();

  const chosen = id ? all.find((alarm) => alarm.id === id) : undefined;
  const tab: Tab = (query.get("tab") as Tab | null) ?? (chosen ? (tabOf(chosen) ?? "open") : "open");
  const { byTab, shown } = useMemo(() => {
    const byTab: Record<Tab, Alarm[]> = { open: [], shelved: [], suppressed: [], ended: [] };
    for (const alarm of all) {
      const at = tabOf(alarm);
      if (at) byTab[at].push(alarm);
    }
    const list = byTab[tab] ?? byTab.open;
    const shown = list.filter((alarm) => passes(alarm, filter, own));
    if (tab === "ended") shown.sort((a, b) => b.changed_us - a.changed_us);
    else shown.sort(compareAlarms);
    return { byTab, shown };
  }, [all, filter, own, tab]);
  const flood = useFlood(all);
  const rows = useMemo(() => foldFlood(shown, tab === "open" && flood.flooded, opened), [shown, tab, flood.flooded, opened]);
  const kinds = useMemo(() => [...new Set(all.map((alarm) => alarm.kind))].sort(), [all]);
  const sectors = useSectors();
  const names = useName();
  const columns = useMemo(() => columnsOf(split.listPx >= WIDE_PX, t as (key: string) => string), [split.listPx, t]);

  const cursor = fold ?? id;
  const choose = useCallback(
    (row: Row) => {
      if (row.type === "fold") return setFold(row.id);
      setFold(null);
      goTo(row.id);
    },
    [goTo],
  );
  const close = () => goTo(null);
  const change = (part: Record<string, string>) => {
    const next = new URLSearchParams(query);
    for (const [key, value] of Object.entries(part)) {
      if (value === "all" || value === "") next.delete(key);
      else next.set(key, value);
    }
    setQuery(next, { replace: true });
  };
  const unfold = useCallback((kind: string) => setOpened((old) => toggled(old, kind)), []);
  const pick = useCallback((one: string) => setPicked((old) => toggled(old, one)), []);
  // Picked ones that ended or were acknowledged meanwhile are let go.
  const pickedNow = useMemo(() => new Set(shown.filter((alarm) => picked.has(alarm.id)).map((alarm) => alarm.id)), [shown, picked]);
  const list = useMemo(() => ({ picked: pickedNow, mayPick: may.actOnAlarms && tab === "open", pick, unfold }), [pickedNow, may.actOnAlarms, tab, pick, unfold]);

  const take = (ids: readonly string[]) => {
    setPicked(new Set());
    void acknowledge(ids);
  };
  const step = (by: number) => {
    const at = rows.findIndex((row) => row.id === cursor);
    const to = rows[at < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, at + by))];
    if (to) choose(to);
  };
  const nextWaiting = () => {
    const at = rows.findIndex((row) => row.id === cursor);
    const order = [...rows.slice(at + 1), ...rows.slice(0, at + 1)];
    const to = order.find((row) => row.type === "alarm" && isUnacknowledged(row.alarm));
    if (to) choose(to);
  };
  const current = rows.find((row) => row.id === cursor);
  const alarm = fold ? undefined : chosen;

  useKeys({
    KeyJ: () => step(1),
    KeyK: () => step(-1),
    KeyN: nextWaiting,
    KeyA: () => {
      if (!may.actOnAlarms) return;
      if (pickedNow.size > 0) take([...pickedNow]);
      else if (current?.type === "fold") take(current.ids);
      else if (alarm) take([alarm.id]);
    },
    KeyX: () => may.actOnAlarms && current?.type === "alarm" && pick(current.id),
    KeyS: () => may.actOnAlarms && alarm && tabOf(alarm) === "open" && setAsked({ what: "shelve", alarm }),
    KeyW: () => {
      if (!alarm) return;
      if (alarm.work_order_id) void navigate(`/work/${alarm.work_order_id}`);
      else if (may.raiseWork && mayHaveWork(alarm)) setAsked({ what: "work", alarm });
    },
    KeyL: () => {
      const to = alarm && may.watch && addressOfLive(alarm);
      if (to) void navigate(to);
    },
    KeyP: () => {
      const to = alarm && may.playback && addressOfPlayback(alarm);
      if (to) void navigate(to);
    },
    KeyC: () => side.current?.querySelector<HTMLInputElement>(".al-comment input")?.focus(),
    KeyM: () => silence(serverNowMs()),
    Enter: () => {
      if (current?.type === "fold") unfold(current.kind);
      else if (current) side.current?.focus();
    },
    Escape: () => {
      if (pickedNow.size > 0) setPicked(new Set());
      else if (id || fold) {
        setFold(null);
        close();
      }
    },
    "?": () => setAsked({ what: "keys" }),
  });

  const open = byTab.open.length;
  const waiting = byTab.open.filter(isUnacknowledged).length;
  const filtered = JSON.stringify(filter) !== JSON.stringify(NO_FILTER);
  return (
    <List value={list}>
      <div className="al-screen" ref={split.host}>
        <section className="al-main" style={split.mainStyle}>
          <header className="page-head">
            <h1>{t("title")}</h1>
            <span className="page-count" role="status">
              {t("open_count", { count: open })}
              {waiting > 0 && <strong className="al-waiting"> · {t("waiting_count", { count: waiting })}</strong>}
            </span>
            <span className="page-gap" />
            <div className="tally al-tabs" role="tablist">
              {TABS.map((one) => (
                <button key={one} type="button" role="tab" aria-selected={one === tab} aria-pressed={one === tab} onClick={() => change({ tab: one === "open" ? "" : one })}>
                  {one === "ended" ? t("tab.ended") : t("tab_count", { name: t(`tab.${one}`), count: byTab[one].length })}
                </button>
              ))}
            </div>
            <IconButton icon="more" label={t("keys.title")} onPress={() => setAsked({ what: "keys" })} />
          </header>
          <div className="page-tools">
            <Segmented
              label={t("filter.mine")}
              value={filter.mine ? "mine" : "all"}
              onChange={(value) => change({ mine: value === "mine" ? "1" : "" })}
              choices={[
                { id: "all", text: t("filter.mine_all") },
                { id: "mine", text: t("filter.mine_mine") },
              ]}
            />
            <Select inline label={t("filter.sector")} value={filter.sector} onChange={(sector) => change({ sector })} choices={[{ id: "all", text: t("filter.all_sectors") }, ...sectors.map((one) => ({ id: one.id, text: names(one) }))]} />
            <Select
              inline
              label={t("filter.priority")}
              value={filter.priority}
              onChange={(priority) => change({ priority })}
              choices={[{ id: "all", text: t("filter.all_priorities") }, ...PRIORITIES.map((one) => ({ id: one, text: t(`common:priority.${one}`) }))]}
            />
            <Select inline label={t("filter.kind")} value={filter.kind} onChange={(kind) => change({ kind })} choices={[{ id: "all", text: t("filter.all_kinds") }, ...kinds.map((one) => ({ id: one, text: kindName(one) }))]} />
            {tab === "open" && (
              <Select inline label={t("filter.state")} value={filter.state} onChange={(state) => change({ state })} choices={STATES.map((one) => ({ id: one, text: one === "all" ? t("filter.all_states") : t(`state.${one}`) }))} />
            )}
            {pickedNow.size > 0 && (
              <span className="al-picked">
                <span className="muted">{t("picked", { count: pickedNow.size })}</span>
                <Button small look="primary" icon="check" onPress={() => take([...pickedNow])}>
                  {t("act.acknowledge_n", { count: pickedNow.size })}
                </Button>
                <IconButton small icon="close" label={t("unpick")} onPress={() => setPicked(new Set())} />
              </span>
            )}
          </div>
          {tab === "open" && flood.flooded && (
            <p className="al-flood" role="status">
              <PriorityMark priority="high" size={17} />
              {t("flood", { count: flood.count })}
            </p>
          )}
          <Table
            label={t("title")}
            rows={rows}
            columns={columns}
            keyOf={(row) => row.id}
            selected={cursor}
            onSelect={choose}
            rowHeight={56}
            empty={<Nothing tab={tab} hidden={filtered ? (byTab[tab]?.length ?? 0) : 0} stale={phase !== "live"} onClear={() => setQuery(tab === "open" ? {} : { tab }, { replace: true })} />}
          />
        </section>
        <div {...split.handle} aria-label={t("common:resize")} />
        <aside className="al-side" ref={side} tabIndex={-1}>
          {alarm ? (
            <AlarmSide alarm={alarm} onAsk={setAsked} onAcknowledge={() => take([alarm.id])} onClose={close} />
          ) : id && !fold ? (
            <Empty title={t("gone")}>{t("gone_text")}</Empty>
          ) : (
            <Empty title={t("choose")}>{f.digits(t("choose_text"))}</Empty>
          )}
        </aside>
      </div>
      {asked && <Dialogs asked={asked} onClose={() => setAsked(null)} onWork={(workId) => void navigate(`/work/${workId}`)} />}
    </List>
  );
}

function Nothing({ tab, hidden, stale, onClear }: { tab: Tab; hidden: number; stale: boolean; onClear: () => void }) {
  const { t } = useTranslation("alarms");
  if (hidden > 0) {
    return (
      <Empty title={t("empty.filtered")} action={<Button onPress={onClear}>{t("empty.clear")}</Button>}>
        {t("empty.filtered_text", { count: hidden })}
      </Empty>
    );
  }
  if (stale) return <Empty title={t("empty.open_stale")} />;
  return <Empty title={t(`empty.${tab}`)}>{t(`empty.${tab}_text`)}</Empty>;
}

function toggled(old: ReadonlySet<string>, one: string): Set<string> {
  const next = new Set(old);
  if (!next.delete(one)) next.add(one);
  return next;
}

function filterOf(query: URLSearchParams): Filter {
  const state = query.get("state") ?? "all";
  const priority = query.get("priority") ?? "all";
  return {
    mine: query.get("mine") === "1",
    sector: query.get("sector") ?? "all",
    kind: query.get("kind") ?? "all",
    state: STATES.find((one) => one === state) ?? "all",
    priority: PRIORITIES.find((one) => one === priority) ?? "all",
  };
}

/**
 * The chosen alarm: at once here, and in the address a moment later. A key pressed right after another must mean the alarm that the
 * first one chose, and the router takes its time.
 */
function useChosen(): { id: string | null; goTo: (id: string | null) => void } {
  const { id: inAddress = null } = useParams();
  const navigate = useNavigate();
  const [id, setId] = useState(inAddress);
  const wanted = useRef(inAddress);
  const onTheWay = useRef(0);
  const goTo = useCallback(
    (next: string | null) => {
      setId(next);
      wanted.current = next;
      onTheWay.current += 1;
      void Promise.resolve(navigate({ pathname: next ? `/alarms/${next}` : "/alarms", search: window.location.search }, { replace: true })).finally(() => (onTheWay.current -= 1));
    },
    [navigate],
  );
  useEffect(() => {
    // An address that this screen did not ask for (a link, the way back) wins.
    if (onTheWay.current === 0 && inAddress !== wanted.current) {
      wanted.current = inAddress;
      setId(inAddress);
    }
  }, [inAddress]);
  return { id, goTo };
}

/** Single keys, wherever the focus is but in a field, a menu or a dialog. */
function useKeys(keys: Record<string, () => unknown>): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const target = event.target as HTMLElement;
      if (target.closest("input:not([type=checkbox]), textarea, [role=dialog], [role=listbox], [role=menu]")) return;
      // A button keeps Enter for itself.
      if (event.key === "Enter" && target.closest("button, a")) return;
      const name = event.key === "?" || event.key === "؟" ? "?" : event.shiftKey ? "" : event.code === "NumpadEnter" ? "Enter" : event.code;
      const run = latest.current[name];
      if (!run) return;
      event.preventDefault();
      run();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
}
