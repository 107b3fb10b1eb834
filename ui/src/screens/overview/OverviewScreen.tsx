/**
 * The overview that hangs in the room: what needs a person now, and how the network stands. Read from four metres, so few words and
 * large numbers; grey unless somebody must act. Key f leaves only this on the screen.
 */
import { type ReactNode, useEffect, useMemo, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";
import { AlarmMark } from "@/alarms/AlarmMark";
import { useAlarms, useFlood, useOpenAlarms, useSpeaker } from "@/alarms/hooks";
import { foldFlood, type FoldRow, isUnacknowledged, loadSlots, PRIORITIES, tally, toldLately } from "@/alarms/order";
import { alarmPlace, alarmWords, conditionName, kindName } from "@/alarms/words";
import type { Alarm, Vitals, WorkOrder } from "@/api/health";
import { Empty, IconButton, Icon } from "@/design";
import { useFormats } from "@/i18n/format";
import { useCalmVersion, useCameras, useConnection, useNow, useSectors, useVersion, useWatched, useWorld } from "@/state/hooks";
import { useName } from "@/state/preferences";
import { world } from "@/state/world";
import { Respond } from "../alarms/list";
import { darkSites, networkFacts, onBattery, recordingFacts, type SectorFacts, workFacts } from "./facts";
import "./overview.css";

const CALM_MS = 1000;

export function OverviewScreen() {
  const { t } = useTranslation("overview");
  const { bare, toggle } = useKiosk();
  const { phase } = useConnection();
  return (
    <div className="ov" data-bare={bare || undefined} data-stale={phase !== "live" || undefined} data-testid="overview">
      {bare && <KioskHead />}
      <div className="ov-grid">
        <Needed />
        <Network />
        <Dark />
        <Load />
        <Recording />
        <Work />
      </div>
      {!bare && (
        <span className="ov-full">
          <IconButton icon="fullscreen" label={t("kiosk")} onPress={toggle} />
        </span>
      )}
    </div>
  );
}

/** Name of the room and the time, where the bar is not. */
function KioskHead() {
  const f = useFormats();
  const now = useNow(1000);
  const names = useName();
  const place = useWorld((w) => w.deployment);
  return (
    <header className="ov-head">
      <strong>{names(place)}</strong>
      <span>{f.date(now)}</span>
      <time dir="ltr" className="number">
        {f.clock(now)}
      </time>
    </header>
  );
}

function Panel({ title, to, area, children, aside }: { title: string; to: string; area: string; children: ReactNode; aside?: ReactNode }) {
  return (
    <section className="ov-panel" style={{ gridArea: area }} data-area={area}>
      <header>
        <h2>
          <Link to={to}>{title}</Link>
        </h2>
        {aside}
      </header>
      {children}
    </section>
  );
}

const TOP = 5;
const NOTHING_OPENED: ReadonlySet<string> = new Set();

/** The few that need a person now. */
function Needed() {
  const { t } = useTranslation("overview");
  const f = useFormats();
  const open = useOpenAlarms();
  const counts = tally(open);
  const { phase } = useConnection();
  const waiting = open.filter(isUnacknowledged).length;
  const { flooded } = useFlood(useAlarms());
  const rows = foldFlood(open, flooded, NOTHING_OPENED).slice(0, TOP);
  const left = open.length - rows.reduce((sum, row) => sum + (row.type === "fold" ? row.count : 1), 0);
  return (
    <Panel
      area="needed"
      to="/alarms"
      title={t("needed")}
      aside={
        <span className="ov-priorities">
          {PRIORITIES.map((priority) => {
            const { open: count, unacknowledged } = counts[priority];
            return (
              <Link key={priority} to={`/alarms?priority=${priority}`} className={count ? "" : "none"} aria-label={t("priority_count", { priority: t(`common:priority.${priority}`), count })}>
                <AlarmMark alarm={{ priority, state: unacknowledged > 0 ? "unacknowledged" : "acknowledged" }} size={34} />
                <strong className="number">{f.number(count)}</strong>
              </Link>
            );
          })}
        </span>
      }
    >
      {open.length === 0 ? (
        <Empty title={t(phase === "live" ? "calm" : "unknown")}>{phase === "live" ? t("calm_text") : t("unknown_text")}</Empty>
      ) : (
        <>
          <ol className="ov-alarms">
            {rows.map((row) => (row.type === "alarm" ? <Alarmed key={row.id} alarm={row.alarm} /> : <Folded key={row.id} row={row} />))}
          </ol>
          {left > 0 && (
            <p className="ov-more">
              {t("more", { count: left })}
              {waiting > 0 && ` · ${t("waiting", { count: waiting })}`}
            </p>
          )}
        </>
      )}
    </Panel>
  );
}

function Alarmed({ alarm }: { alarm: Alarm }) {
  const { t } = useTranslation("overview");
  const speaker = useSpeaker();
  const f = useFormats();
  const now = useNow(1000);
  const { site, sector } = alarmPlace(alarm, speaker);
  const { said, how } = alarmWords(alarm, speaker);
  return (
    <li data-waits={isUnacknowledged(alarm) || undefined}>
      <Link to={`/alarms/${alarm.id}`}>
        <AlarmMark alarm={alarm} size={34} />
        <span className="ov-said">
          <strong>
            {said}
            <span className="ov-how">{how}</span>
          </strong>
          <span>
            {[site, sector].filter(Boolean).join(" · ")}
            {alarm.exercise && ` · ${t("alarms:exercise")}`}
          </span>
        </span>
        <span className="ov-when">
          <time>{f.when(alarm.since_us, now)}</time>
          {alarm.state === "unacknowledged" && alarm.respond_by_us !== null ? <Respond alarm={alarm} /> : <span>{t(`alarms:state.${alarm.state}`)}</span>}
        </span>
      </Link>
    </li>
  );
}

/** Many of one cause, in a flood. */
function Folded({ row }: { row: FoldRow }) {
  const { t } = useTranslation("alarms");
  return (
    <li data-waits={row.unacknowledged > 0 || undefined}>
      <Link to={`/alarms?kind=${row.kind}`}>
        <AlarmMark alarm={{ priority: row.priority, state: row.unacknowledged > 0 ? "returned_unacknowledged" : "acknowledged" }} size={34} />
        <span className="ov-said">
          <strong>{t("fold", { count: row.count, kind: kindName(row.kind) })}</strong>
          <span>{t("fold_sites", { count: row.sites })}</span>
        </span>
        <span className="ov-when">{row.unacknowledged > 0 && t("fold_waiting", { count: row.unacknowledged })}</span>
      </Link>
    </li>
  );
}

const SECTORS = 9;

function Network() {
  const { t } = useTranslation("overview");
  const f = useFormats();
  const sectors = useSectors();
  const cameras = useCameras();
  const alarms = useAlarms();
  const statusVersion = useCalmVersion("status", CALM_MS);
  const healthVersion = useCalmVersion("health", CALM_MS);
  const facts = useMemo(
    () => networkFacts(sectors, cameras, world.statuses, world.watched.health, alarms),
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [sectors, cameras, alarms, statusVersion, healthVersion],
  );
  const shown = facts.sectors.slice(0, SECTORS);
  return (
    <Panel area="network" to="/map" title={t("network")}>
      {facts.cameras === 0 ? (
        <Empty title={t("no_cameras")} />
      ) : (
        <>
          <p className="ov-figure">
            <strong className="number">{f.number(facts.working)}</strong>
            <span>
              {t("of_cameras", { count: facts.cameras })}
              {facts.failing > 0 && <b> · {t("failing", { count: facts.failing })}</b>}
              {facts.unknown > 0 && ` · ${t("not_known", { count: facts.unknown })}`}
            </span>
          </p>
          <ul className="ov-sectors">
            {shown.map((one) => (
              <SectorLine key={one.sector?.id ?? ""} facts={one} />
            ))}
          </ul>
          {facts.sectors.length > SECTORS && <p className="ov-more">{t("more_sectors", { count: facts.sectors.length - SECTORS })}</p>}
        </>
      )}
    </Panel>
  );
}

function causeName(cause: string, t: (key: string) => string): string {
  if (!cause.startsWith(":")) return kindName(cause);
  const name = cause.slice(1);
  return name === "lost" || name === "refused" ? t(`common:camera_state.${name}`) : conditionName(name);
}

function SectorLine({ facts }: { facts: SectorFacts }) {
  const { t } = useTranslation("overview");
  const f = useFormats();
  const names = useName();
  const working = facts.cameras - facts.failing - facts.unknown;
  // The number of failing cameras stands before it: the count of an only cause would say it again.
  const causes = facts.causes.slice(0, 2).map(([cause, count]) => (count === facts.failing ? causeName(cause, t as (key: string) => string) : t("cause_count", { cause: causeName(cause, t as (key: string) => string), count })));
  const name = facts.sector ? names(facts.sector) : t("no_sector");
  return (
    <li>
      <span className="ov-sector">{name}</span>
      <span className="ov-bar" role="img" aria-label={t("sector_bar", { name, working: f.number(working), cameras: f.number(facts.cameras) })}>
        <i style={{ flexGrow: working }} className="works" />
        <i style={{ flexGrow: facts.unknown }} className="unknown" />
        <i style={{ flexGrow: facts.failing }} className={`fails ${facts.worst ?? "medium"}`} />
      </span>
      <strong className="number">{facts.failing > 0 ? f.number(facts.failing) : ""}</strong>
      <span className="ov-causes">{f.list(causes)}</span>
    </li>
  );
}

const DARK = 5;

function Dark() {
  const { t } = useTranslation("overview");
  const f = useFormats();
  const vitals = useWatched("vitals");
  const dark = useMemo(() => darkSites(vitals), [vitals]);
  const battery = onBattery(vitals);
  const mostH = Math.max(1, ...dark.slice(0, DARK).map((one) => one.hours_left_high ?? one.hours_left ?? 1));
  return (
    <Panel area="dark" to="/sites" title={t("dark")}>
      {vitals.length === 0 ? (
        <p className="ov-none">{t("dark_unknown")}</p>
      ) : (
        <>
          <p className="ov-figure">
            <strong className={`number${dark.length ? " text-high" : ""}`}>{f.number(dark.length)}</strong>
            <span>
              {t("dark_sites", { count: dark.length })}
              {battery > 0 && ` · ${t("on_battery", { count: battery })}`}
            </span>
          </p>
          <ul className="ov-dark">
            {dark.slice(0, DARK).map((one) => (
              <DarkLine key={one.id} vitals={one} mostH={mostH} />
            ))}
          </ul>
        </>
      )}
    </Panel>
  );
}

/** Hours left as a mark within its interval; time runs left to right. */
function DarkLine({ vitals, mostH }: { vitals: Vitals; mostH: number }) {
  const { t } = useTranslation("overview");
  const f = useFormats();
  const names = useName();
  const site = useWorld((w) => w.sites.get(vitals.id));
  const hours = vitals.hours_left ?? 0;
  const low = vitals.hours_left_low ?? hours;
  const high = vitals.hours_left_high ?? hours;
  const share = (value: number) => `${Math.min(100, (value / mostH) * 100)}%`;
  const one = (value: number) => f.number(value, { maximumFractionDigits: 1 });
  return (
    <li title={t("dark_title", { hours: one(hours), low: one(low), high: one(high) })}>
      <Link to={`/site/${vitals.id}`}>{names(site) || vitals.id}</Link>
      <span className="ov-interval" dir="ltr" aria-hidden="true">
        <i className="range" style={{ left: share(low), width: `calc(${share(high)} - ${share(low)})` }} />
        <i className="point" style={{ left: share(hours) }} />
      </span>
      <span className="number">{t("hours", { count: hours < 1 ? 0 : Math.round(hours * 10) / 10 })}</span>
    </li>
  );
}

const SLOTS = 6;
const TARGET = 1;
const LIMIT = 10;

function Load() {
  const { t } = useTranslation("overview");
  const f = useFormats();
  const alarms = useAlarms();
  const now = useNow(5000);
  const slots = useMemo(() => loadSlots(alarms, now * 1000, SLOTS), [alarms, now]);
  const count = toldLately(alarms, now * 1000);
  const most = Math.max(LIMIT + 2, ...slots);
  return (
    <Panel area="load" to="/load" title={t("load")}>
      <p className="ov-figure">
        <strong className={`number${count > LIMIT ? " text-high" : ""}`}>{f.number(count)}</strong>
        <span>{t(count > LIMIT ? "load_flood" : count > 2 * TARGET ? "load_over" : "load_good", { count })}</span>
      </p>
      <svg className="ov-load" viewBox={`0 0 ${SLOTS * 20} 60`} preserveAspectRatio="none" role="img" aria-label={t("load_bars", { values: f.list(slots.map((one) => f.number(one))) })}>
        {[TARGET, LIMIT].map((line) => (
          <line key={line} x1="0" x2={SLOTS * 20} y1={60 - (line / most) * 58} y2={60 - (line / most) * 58} className={line === LIMIT ? "limit" : "target"} />
        ))}
        {slots.map((value, index) => (
          <rect key={index} x={index * 20 + 3} width="14" y={60 - Math.max(value > 0 ? 1.5 : 0.6, (value / most) * 58)} height={60} className={value > LIMIT ? "over" : ""} />
        ))}
      </svg>
      <p className="ov-more ov-ends" dir="ltr">
        <span dir="auto">{t("hour_ago")}</span>
        <span dir="auto">{t("target")}</span>
        <span dir="auto">{t("now")}</span>
      </p>
    </Panel>
  );
}

function Recording() {
  const { t } = useTranslation("overview");
  const f = useFormats();
  const cameras = useCameras();
  const system = useWorld((w) => w.system);
  const version = useCalmVersion("status", CALM_MS);
  const facts = useMemo(
    () => recordingFacts(cameras, world.statuses, system),
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [cameras, system, version],
  );
  return (
    <Panel area="recording" to="/system" title={t("recording")}>
      <p className="ov-figure">
        <strong className="number">{f.number(facts.recording)}</strong>
        <span>{t("of_recorded", { count: facts.wanted })}</span>
      </p>
      <ul className="ov-lines">
        <li className={facts.gapsToday > 0 ? "note" : ""}>{facts.gapsToday > 0 ? t("gaps", { count: facts.gapsToday, cameras: t("common:count.camera", { count: facts.camerasWithGaps }) }) : t("no_gaps")}</li>
        <li className={facts.silent > 0 ? "text-high" : ""}>{facts.silent > 0 ? t("recorders_silent", { count: facts.silent, of: f.number(facts.recorders) }) : t("recorders", { count: facts.recorders })}</li>
        {facts.disks && (
          <li className={facts.disks.bad > 0 ? "text-high" : ""}>{facts.disks.bad > 0 ? t("disks_bad", { count: facts.disks.bad }) : t("disks_free", { free: f.bytes(facts.disks.free), total: f.bytes(facts.disks.total) })}</li>
        )}
      </ul>
    </Panel>
  );
}

const ORDERS = 4;

function Work() {
  const { t } = useTranslation("overview");
  const f = useFormats();
  const orders = useWatched("work_order");
  const now = useNow(30_000);
  const facts = useMemo(() => workFacts(orders, now * 1000, endOfDay(now, f.timezone) * 1000), [orders, now, f.timezone]);
  return (
    <Panel area="work" to="/work" title={t("work")}>
      <p className="ov-figure">
        <strong className={`number${facts.overdue ? " text-medium" : ""}`}>{f.number(facts.open)}</strong>
        <span>
          {t("orders", { count: facts.open })}
          {facts.dueToday > 0 && ` · ${t("today", { count: facts.dueToday })}`}
          {facts.overdue > 0 && ` · ${t("overdue", { count: facts.overdue })}`}
        </span>
      </p>
      {facts.next.length === 0 ? (
        <p className="ov-none">{t("no_work")}</p>
      ) : (
        <ul className="ov-orders">
          {facts.next.slice(0, ORDERS).map((order) => (
            <OrderLine key={order.id} order={order} nowMs={now} />
          ))}
        </ul>
      )}
    </Panel>
  );
}

function OrderLine({ order, nowMs }: { order: WorkOrder; nowMs: number }) {
  const f = useFormats();
  const names = useName();
  const site = useWorld((w) => w.sites.get(order.site_id));
  useVersion("site");
  const late = order.due_us !== null && order.due_us / 1000 < nowMs;
  return (
    <li>
      <Link to={`/work/${order.id}`} dir="auto">{order.cause_kind ? kindName(order.cause_kind) : order.description || names(site) || order.id}</Link>
      <span className="muted">{names(site)}</span>
      <time className={late ? "text-medium" : "muted"}>
        {late && <Icon name="warning" size={14} />} {order.due_us === null ? "—" : f.when(order.due_us, nowMs)}
      </time>
    </li>
  );
}

/** The control room's own midnight, ms. */
function endOfDay(nowMs: number, timezone: string): number {
  const parts = new Intl.DateTimeFormat("en-GB", { timeZone: timezone, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }).formatToParts(nowMs);
  const of = (type: string) => Number(parts.find((part) => part.type === type)?.value ?? 0);
  return nowMs + 86_400_000 - ((of("hour") * 60 + of("minute")) * 60 + of("second")) * 1000;
}

/** The overview alone on its monitor: `?frame=none`, and the whole screen where the browser allows it. */
function useKiosk(): { bare: boolean; toggle: () => void } {
  const [query, setQuery] = useSearchParams();
  const bare = query.get("frame") === "none";
  const toggle = () => {
    setQuery(bare ? {} : { frame: "none" }, { replace: true });
    if (bare && document.fullscreenElement) void document.exitFullscreen();
    else if (!bare) document.documentElement.requestFullscreen?.().catch(() => undefined); // refused: the frame is gone all the same
  };
  const latest = useRef(toggle);
  latest.current = toggle;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.code !== "KeyF") return;
      if ((event.target as HTMLElement).closest("input, textarea, [role=dialog], [role=listbox]")) return;
      event.preventDefault();
      latest.current();
    };
    // Escape out of full screen brings the frame back, so that nobody is caught in it.
    const onFull = () => {
      if (!document.fullscreenElement && new URLSearchParams(window.location.search).get("frame") === "none") latest.current();
    };
    window.addEventListener("keydown", onKey);
    document.addEventListener("fullscreenchange", onFull);
    return () => {
      window.removeEventListener("keydown", onKey);
      document.removeEventListener("fullscreenchange", onFull);
    };
  }, []);
  return { bare, toggle };
}
