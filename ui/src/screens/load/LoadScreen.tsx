/** Alarm load of a console against the targets of ISA-18.2 and EEMUA 191, live and by month; and the week's bad actors. */
import { useCallback, useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { kindName, subjectName } from "@/alarms/words";
import { api, errorText } from "@/api/client";
import type { AlarmPriority } from "@/api/health";
import { Button, Empty, Icon, Loading, PriorityMark, Segmented, Select } from "@/design";
import { Page } from "@/design/Page";
import { useFormats } from "@/i18n/format";
import { useNow } from "@/state/hooks";
import { useName, usePreferences } from "@/state/preferences";
import { useMay } from "@/state/session";
import { world } from "@/state/world";
import type { ConsoleView } from "../shifts/types";
import { LoadChart } from "./LoadChart";
import type { BadActor, Figure, Load, SourceCount } from "./types";
import "./load.css";

type SpanName = "day" | "week" | "month" | "last_month";
const SPANS: readonly SpanName[] = ["day", "week", "month", "last_month"];
const PRIORITIES: readonly AlarmPriority[] = ["critical", "high", "medium", "low"];
const MIX: Record<AlarmPriority, number> = { critical: 1, high: 5, medium: 15, low: 80 };
const MAIN = ["average_10min", "peak_10min", "busy_slots", "flood_time", "stale", "chattering", "top_ten", "acknowledged_in_time"];
const DAY_US = 86_400_000_000;
const RENEW_MS = 30_000;

/** The first moment of a month in the control room's time zone, in µs. */
function monthStart(nowMs: number, back: number, timezone: string): number {
  const parts = new Intl.DateTimeFormat("en-CA-u-nu-latn", { timeZone: timezone, year: "numeric", month: "2-digit" }).formatToParts(nowMs);
  const part = (type: string) => Number(parts.find((one) => one.type === type)?.value);
  const utc = Date.UTC(part("year"), part("month") - 1 - back, 1);
  const shown = new Intl.DateTimeFormat("en-GB-u-nu-latn", { timeZone: timezone, hour: "2-digit", minute: "2-digit", hourCycle: "h23", day: "numeric" }).formatToParts(utc);
  const local = (type: string) => Number(shown.find((one) => one.type === type)?.value);
  const ahead_min = local("hour") * 60 + local("minute") - (local("day") === 1 ? 0 : 1440);
  return (utc - ahead_min * 60_000) * 1000;
}

function spanOf(name: SpanName, nowMs: number, timezone: string): { from_us: number; to_us: number } {
  const to_us = Math.floor(nowMs) * 1000;
  if (name === "month") return { from_us: Math.min(monthStart(nowMs, 0, timezone), to_us - 1), to_us };
  if (name === "last_month") return { from_us: monthStart(nowMs, 1, timezone), to_us: monthStart(nowMs, 0, timezone) };
  return { from_us: to_us - (name === "day" ? 1 : 7) * DAY_US, to_us };
}

export function LoadScreen() {
  const { t } = useTranslation("load");
  const formats = useFormats();
  const name = useName();
  const [consoles, setConsoles] = useState<ConsoleView[]>([]);
  const [consoleId, setConsoleId] = useState("all");
  const [span, setSpan] = useState<SpanName>("day");
  const [load, setLoad] = useState<Load | null>(null);
  const [actors, setActors] = useState<BadActor[] | null>(null);
  const [error, setError] = useState<string | null>(null);
  const fetchAll = useCallback(() => {
    const nowMs = Date.now();
    const week = { from_us: (nowMs * 1000) - 7 * DAY_US, to_us: nowMs * 1000 };
    Promise.all([
      api.get<Load>("/api/alarms/load", { ...spanOf(span, nowMs, formats.timezone), console_id: consoleId === "all" ? "" : consoleId }),
      api.get<BadActor[]>("/api/alarms/bad-actors", week),
    ])
      .then(([found, worst]) => (setLoad(found), setActors(worst), setError(null)))
      .catch((failure: unknown) => setError(errorText(failure)));
  }, [span, consoleId, formats.timezone]);
  useEffect(() => {
    api.get<ConsoleView[]>("/api/consoles").then(setConsoles, (failure: unknown) => setError(errorText(failure)));
  }, []);
  useEffect(() => {
    fetchAll();
    const id = window.setInterval(fetchAll, RENEW_MS);
    return () => window.clearInterval(id);
  }, [fetchAll]);
  const main = useMemo(() => MAIN.flatMap((key) => load?.figures.find((figure) => figure.name === key) ?? []), [load]);
  const more = useMemo(() => load?.figures.filter((figure) => !MAIN.includes(figure.name) && !figure.name.startsWith("priority_")) ?? [], [load]);
  return (
    <Page
      title={t("title")}
      count={load ? t("annunciations", { count: load.annunciations }) : undefined}
      tools={
        <>
          <Select inline label={t("console")} value={consoleId} onChange={setConsoleId} choices={[{ id: "all", text: t("all_consoles") }, ...consoles.map((one) => ({ id: one.id, text: name(one) || one.code }))]} />
          <Segmented label={t("span")} value={span} onChange={setSpan} choices={SPANS.map((one) => ({ id: one, text: t(`spans.${one}`) }))} />
          {load && consoleId !== "all" && <span className="muted">{t("manned", { time: formats.duration(load.manned_s * 1000) })}</span>}
        </>
      }
    >
      {error ? (
        <Empty title={t("failed")} action={<Button onPress={fetchAll}>{t("common:try_again")}</Button>}>
          {error}
        </Empty>
      ) : load === null ? (
        <Loading what={t("loading")} />
      ) : (
        <div className="load-body">
          <div className="load-figures">
            {main.map((figure) => (
              <FigureCard key={figure.name} figure={figure} />
            ))}
          </div>
          <section className="panel all">
            <header>
              <h2>{t("chart")}</h2>
              <ChartKey />
            </header>
            <div className="inside">
              <LoadChart load={load} />
            </div>
          </section>
          <div className="load-columns">
            <section className="panel">
              <header>
                <h2>{t("mix")}</h2>
              </header>
              <div className="inside">
                <Mix load={load} />
              </div>
            </section>
            <section className="panel">
              <header>
                <h2>{t("more")}</h2>
              </header>
              <table className="plain-table">
                <tbody>
                  {more.map((figure) => (
                    <tr key={figure.name}>
                      <td>{t(`figure.${figure.name}`)}</td>
                      <td className="end">
                        <Value figure={figure} />
                      </td>
                      <td className="end">
                        <Judged figure={figure} />
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </section>
            <Sources title={t("top")} list={load.top} none={t("top_none")} />
            <section className="panel">
              <header>
                <h2>{t("stale_list")}</h2>
              </header>
              <StaleList load={load} />
            </section>
          </div>
          <BadActors actors={actors ?? []} />
        </div>
      )}
    </Page>
  );
}

function useSaid(): (kind: string, subject: string) => { what: string; where: string } {
  const { language } = usePreferences().preferences;
  return (kind, subject) => ({ what: kindName(kind), where: subject.startsWith("program:") ? "" : subjectName(subject, { world, language }) });
}

function Value({ figure }: { figure: Figure }) {
  const formats = useFormats();
  const { t } = useTranslation("load");
  if (figure.value === null) return <>{t("no_value")}</>;
  if (figure.unit === "s") return <>{formats.duration(figure.value * 1000)}</>;
  const text = formats.number(figure.value, { maximumFractionDigits: figure.value < 10 && !Number.isInteger(figure.value) ? 1 : 0 });
  return <bdi>{figure.unit === "%" ? `${text}%` : text}</bdi>;
}

/** Whether a figure is met: in words and with a sign, colour only where something is missed. */
function Judged({ figure }: { figure: Figure }) {
  const { t } = useTranslation("load");
  if (figure.met === "missed")
    return (
      <span className="judged text-high">
        <Icon name="warning" size={15} /> {t("met.missed")}
      </span>
    );
  if (figure.met === "limit") return <span className="judged text-medium">{t("met.limit")}</span>;
  return (
    <span className="judged muted">
      {figure.met === "target" && <Icon name="check" size={15} />} {t(`met.${figure.target === null && figure.limit === null ? "none" : figure.met}`)}
    </span>
  );
}

function FigureCard({ figure }: { figure: Figure }) {
  const { t } = useTranslation("load");
  const formats = useFormats();
  const bound = (value: number) => (figure.unit === "%" ? `${formats.number(value)}%` : formats.number(value));
  return (
    <article className={`figure-card ${figure.met}`}>
      <h2>{t(`figure.${figure.name}`)}</h2>
      <strong>
        <Value figure={figure} />
      </strong>
      <p className="muted">
        {figure.target !== null && <span>{t(figure.name === "acknowledged_in_time" ? "at_least" : "target", { value: `\u2066${bound(figure.target)}\u2069` })}</span>}
        {figure.limit !== null && <span>{t("limit", { value: `\u2066${bound(figure.limit)}\u2069` })}</span>}
      </p>
      <Judged figure={figure} />
    </article>
  );
}

function ChartKey() {
  const { t } = useTranslation("load");
  return (
    <ul className="chart-key">
      {(["line_target", "line_limit", "line_flood"] as const).map((one) => (
        <li key={one}>
          <i className={one} />
          {t(one)}
        </li>
      ))}
    </ul>
  );
}

function Mix({ load }: { load: Load }) {
  const { t } = useTranslation("load");
  const formats = useFormats();
  if (!load.annunciations) return <p className="muted">{t("nothing_told")}</p>;
  return (
    <ul className="mix">
      {PRIORITIES.map((one) => {
        const share = (100 * load.priorities[one]) / load.annunciations;
        return (
          <li key={one}>
            <PriorityMark priority={one} />
            <span>{t(`common:priority.${one}`)}</span>
            <span className="mix-bar" dir="ltr">
              <i className={one} style={{ inlineSize: `${share}%` }} />
              <b style={{ insetInlineStart: `${MIX[one]}%` }} />
            </span>
            <bdi className="end">{formats.percent(share)}</bdi>
            <span className="muted">{t("target", { value: `\u2066${one === "critical" ? "<" : ""}${formats.number(MIX[one])}%\u2069` })}</span>
          </li>
        );
      })}
    </ul>
  );
}

function Sources({ title, list, none }: { title: string; list: SourceCount[]; none: string }) {
  const formats = useFormats();
  const said = useSaid();
  const most = list[0]?.count ?? 1;
  return (
    <section className="panel">
      <header>
        <h2>{title}</h2>
      </header>
      {list.length ? (
        <ul className="sources">
          {list.map((one) => {
            const { what, where } = said(one.kind, one.subject);
            return (
              <li key={one.kind + one.subject}>
                <span>
                  {what} <bdi className="muted">{where}</bdi>
                </span>
                <i style={{ inlineSize: `${(40 * one.count) / most}%` }} />
                <bdi>{formats.number(one.count)}</bdi>
                <bdi className="muted">{formats.percent(one.share_pct)}</bdi>
              </li>
            );
          })}
        </ul>
      ) : (
        <p className="inside muted">{none}</p>
      )}
    </section>
  );
}

function StaleList({ load }: { load: Load }) {
  const { t } = useTranslation("load");
  const formats = useFormats();
  const said = useSaid();
  const now = useNow(60_000);
  if (!load.stale.length) return <p className="inside muted">{t("stale_none")}</p>;
  return (
    <ul className="rows">
      {load.stale.map((one) => {
        const { what, where } = said(one.kind, one.subject);
        return (
          <li key={one.alarm_id}>
            <Link className="grow" to={`/alarms/${one.alarm_id}`}>
              {what} <bdi>{where}</bdi>
            </Link>
            <span className="muted">{formats.duration(now - one.since_us / 1000)}</span>
            <span className={one.planned ? "muted" : "text-medium"}>{t(one.planned ? "planned" : "unplanned")}</span>
          </li>
        );
      })}
    </ul>
  );
}

function BadActors({ actors }: { actors: BadActor[] }) {
  const { t } = useTranslation("load");
  const formats = useFormats();
  const said = useSaid();
  const may = useMay();
  return (
    <section className="panel all">
      <header>
        <h2>{t("bad_actors")}</h2>
        <span className="muted">{t("bad_actors_span")}</span>
      </header>
      {actors.length ? (
        <div className="scroll-x">
          <table className="plain-table actors">
            <thead>
              <tr>
                <th>{t("source")}</th>
                <th className="end">{t("times")}</th>
                <th className="end">{t("share")}</th>
                <th className="end">{t("chattering")}</th>
                <th className="end">{t("fleeting")}</th>
                <th className="end">{t("stood")}</th>
                <th>{t("mend")}</th>
              </tr>
            </thead>
            <tbody>
              {actors.map((one) => {
                const { what, where } = said(one.kind, one.subject);
                return (
                  <tr key={one.kind + one.subject}>
                    <td>
                      <span className="actor">
                        <PriorityMark priority={one.priority} />
                        <span>
                          {what} <bdi className="muted">{where}</bdi>
                        </span>
                      </span>
                    </td>
                    <td className="end">{formats.number(one.annunciations)}</td>
                    <td className="end">{formats.percent(one.share_pct)}</td>
                    <td className="end">{one.chattering ? formats.number(one.chattering) : ""}</td>
                    <td className="end">{one.fleeting ? formats.number(one.fleeting) : ""}</td>
                    <td className="end">{one.stale_s ? formats.duration(one.stale_s * 1000) : ""}</td>
                    <td>
                      <ul className="mends">
                        {one.mends.map((mend) => (
                          <li key={mend.what}>
                            <b>{t(`mends.${mend.what}`, { time: mend.value_s === null ? "" : formats.duration(mend.value_s * 1000) })}</b>{" "}
                            <span className="muted">{t(`why.${mend.why}`, { count: Math.round(mend.figure) })}</span>
                          </li>
                        ))}
                      </ul>
                      {may.administerAlarms && one.mends.some((mend) => mend.what !== "maintenance") && <Link to={`/kinds/${one.kind}`}>{t("to_kind")}</Link>}
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      ) : (
        <p className="inside muted">{t("bad_none")}</p>
      )}
    </section>
  );
}
