/** Power: how full the battery was, is and will be; each source with what it says now, and how old that is. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { Icon, type IconName } from "@/design";
import { useFormats } from "@/i18n/format";
import { useNow } from "@/state/hooks";
import { useMay } from "@/state/session";
import { BatteryChart, Spark } from "./Charts";
import { pick, powerNow, subjectOf } from "./facts";
import { Panel } from "./Panel";
import { useHoursText, Value } from "./Value";
import type { Reading, SiteCondition } from "./types";
import { useSeries } from "./useSite";

const HOUR_US = 3_600_000_000;
const PAST_H = 24;
const AHEAD_H = 20;
const KINDS = ["grid", "solar", "battery"] as const;
const ICONS: Record<(typeof KINDS)[number], IconName> = { grid: "link", solar: "sun", battery: "battery" };
const SHOWN: Record<(typeof KINDS)[number], readonly string[]> = {
  grid: ["grid_present", "grid_voltage_v"],
  solar: ["solar_power_w", "solar_voltage_v"],
  battery: ["state_of_charge_pct", "battery_voltage_v", "battery_current_a", "battery_temperature_c", "battery_present"],
};

export function Power({ site }: { site: SiteCondition }) {
  const { t } = useTranslation("site");
  const formats = useFormats();
  const may = useMay();
  const now = useNow(30_000) * 1000;
  const { power_sources: sources, readings, forecast, shedding, vitals } = site;
  const id = site.site.id;
  const here = `site:${id}`;
  const of = (kind: string) => subjectOf(sources.find((one) => one.kind === kind));
  const battery = of("battery");
  const soc = pick(readings, "state_of_charge_pct", [battery, here]);
  const solar = pick(readings, "solar_power_w", [of("solar"), here]);
  const load = pick(readings, "load_power_w", [here, battery, of("solar"), of("grid")]);
  const past = useSeries(id, soc?.subject ?? battery, "state_of_charge_pct", PAST_H);
  const from_us = now - PAST_H * HOUR_US;
  const to_us = now + AHEAD_H * HOUR_US;
  const onGrid = vitals?.grid === true;
  const steps = shedding.policy?.enabled
    ? shedding.policy.steps.flatMap((step, index) => (step.soc_below_pct === null ? [] : [{ pct: step.soc_below_pct, text: t("shed.step_at", { step: formats.number(index + 1), pct: formats.percent(step.soc_below_pct) }) }]))
    : [];
  const hours = useHoursText();
  if (!sources.length && !readings.some((reading) => KINDS.some((kind) => SHOWN[kind].includes(reading.quantity)))) {
    return (
      <Panel title={t("panel.power")}>
        <p className="inside muted">{t("no_sources")}</p>
        {may.editNetwork && <AddSource id={id} />}
      </Panel>
    );
  }
  return (
    <Panel
      title={t("panel.power")}
      aside={
        powerNow(site).state === "dark" ? null : forecast?.hours_left != null ? (
          <span className="st-aside">
            {t(onGrid ? "if_grid_went" : "left", { hours: hours(forecast) })}
          </span>
        ) : (
          forecast === null && battery && <span className="st-aside muted">{t("no_forecast")}</span>
        )
      }
    >
      {(battery || soc) && (
        <div className="inside st-battery">
          <BatteryChart past={past.points} forecast={forecast?.curve ?? []} nights={site.nights} from_us={from_us} to_us={to_us} now_us={now} steps={steps} dark_at_us={forecast?.dark_at_us ?? null} />
          <p className="st-legend muted">
            <span>
              <i className="past" /> {t("chart.measured")}
            </span>
            {(forecast?.curve.length ?? 0) > 1 && (
              <span>
                <i className="band" /> {t(onGrid ? "chart.forecast_grid" : "chart.forecast")}
              </span>
            )}
            {steps.length > 0 && (
              <span>
                <i className="step" /> {t("chart.steps")}
              </span>
            )}
            <span>
              <i className="night" /> {t("chart.night")}
            </span>
            {past.points.length === 0 && !past.waiting && <span>{t(past.failed ? "chart.failed" : "chart.nothing")}</span>}
          </p>
        </div>
      )}
      <div className="st-sources">
        {KINDS.flatMap((kind) => {
          const source = sources.find((found) => found.kind === kind);
          const told = SHOWN[kind].map((quantity) => [quantity, pick(readings, quantity, [subjectOf(source), here])] as const);
          if (!source && !told.some(([, reading]) => reading)) return [];
          return [
            <section key={kind} className="st-source" data-kind={kind}>
              <h3>
                <Icon name={ICONS[kind]} size={17} />
                <span>{t(`source.${kind}`)}</span>
                {source && <span className="muted">{detailOf(source)}</span>}
              </h3>
              <Readings told={told} quiet={kind === "battery" ? ["battery_present"] : []} />
            </section>,
          ];
        })}
        <Trend title={t("quantity.solar_power_w")} site={site} reading={solar} nights={site.nights} />
        <Trend title={t("quantity.load_power_w")} site={site} reading={load} nights={site.nights} />
      </div>
      {sources.length < KINDS.length && may.editNetwork && <AddSource id={id} />}
    </Panel>
  );

  function detailOf(source: SiteCondition["power_sources"][number]): string {
    if (source.capacity_wh !== null) return t("capacity", { value: formats.number(source.capacity_wh) });
    if (source.peak_w !== null) return t("peak", { value: formats.number(source.peak_w) });
    return "";
  }
}

function AddSource({ id }: { id: string }) {
  const { t } = useTranslation("site");
  return (
    <p className="inside st-add">
      <Link to={`/infrastructure/power_sources/new?site=${id}`}>{t("add_source")}</Link>
    </p>
  );
}

/** Readings one a line; `quiet` ones are told only when they are not as they should be. */
export function Readings({ told, quiet = [], none }: { told: readonly (readonly [string, Reading | null])[]; quiet?: readonly string[]; none?: string }) {
  const { t } = useTranslation("site");
  const lines = told.filter(([quantity, reading]) => reading && !(quiet.includes(quantity) && reading.value === 1 && !reading.stale && !reading.fault));
  if (!lines.length) return none === "" ? null : <p className="muted">{none ?? t("nothing_told")}</p>;
  return (
    <dl className="st-readings">
      {lines.map(([quantity, reading]) => (
        <div key={quantity}>
          <dt>{t(`quantity.${quantity}`)}</dt>
          <dd>
            <Value reading={reading as Reading} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

const TREND_H = 24;

export function Trend({ title, site, reading, limit, nights, children }: { title: string; site: SiteCondition; reading: Reading | null; limit?: number | null; nights?: SiteCondition["nights"]; children?: ReactNode }) {
  const { t } = useTranslation("site");
  const now = useNow(30_000) * 1000;
  const series = useSeries(site.site.id, reading?.subject ?? null, reading?.quantity ?? "", TREND_H, 96);
  if (!reading) return null;
  return (
    <section className="st-trend">
      <h3>{title}</h3>
      <strong>
        <Value reading={reading} />
      </strong>
      <Spark points={series.points} from_us={now - TREND_H * HOUR_US} to_us={now} label={t("chart.last_day", { what: title })} low={reading.unit === "W" ? 0 : undefined} limit={limit} nights={nights} />
      {children}
    </section>
  );
}
