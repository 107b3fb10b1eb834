/** A reading as it is: the value in its unit, and, where it stands, how old it is or why a newer one was not believed. */
import { useTranslation } from "react-i18next";
import { useFormats } from "@/i18n/format";
import { useNow } from "@/state/hooks";
import type { Reading } from "./types";

const YES_NO: ReadonlySet<string> = new Set(["grid_present", "battery_present", "cabinet_door_open", "switch_up", "port_up", "link_up", "reachable"]);
/** Younger than this needs no telling. */
const AGE_TOLD_S = 120;

export function useValueText(): (reading: Pick<Reading, "quantity" | "unit" | "value">) => string {
  const { t } = useTranslation("site");
  const formats = useFormats();
  return ({ quantity, unit, value }) => {
    if (YES_NO.has(quantity)) return t(`truth.${quantity}.${value === 1 ? "yes" : "no"}`);
    if (quantity.endsWith("_bps")) return formats.bitrate(value);
    if (quantity === "uptime_s") return formats.duration(value * 1000);
    if (unit === "%") return formats.percent(value);
    const text = formats.number(value, { maximumFractionDigits: unit === "W" || unit === "1/min" ? 0 : 1 });
    return unit ? `\u2068${t(`unit.${unit.replace("/", "_")}`, { defaultValue: unit, value: text })}\u2069` : text;
  };
}

/** "since …": the time of day, whatever the age; with its day when that is another. */
export function useSince(): (us: number) => string {
  const formats = useFormats();
  const now = useNow(30_000);
  return (us) => formats.when(us, Math.max(now, us / 1000 + 3_600_000));
}

/** The forecast looks no further ahead. */
const HORIZON_H = 48;

/** "5.2 h (4.1–6.6)"; what lies beyond the forecast's horizon is said so. */
export function useHoursText(): (told: { hours_left: number | null; hours_left_low: number | null; hours_left_high: number | null }) => string {
  const { t } = useTranslation("site");
  const formats = useFormats();
  return ({ hours_left, hours_left_low, hours_left_high }) => {
    const hours = hours_left ?? 0;
    const low = hours_left_low ?? hours;
    const high = hours_left_high ?? hours;
    const said = (value: number) => formats.number(value, { maximumFractionDigits: 1 });
    if (low >= HORIZON_H) return t("hours_more", { hours: said(HORIZON_H) });
    if (hours >= HORIZON_H) return t("hours_at_least", { hours: said(HORIZON_H), low: said(low) });
    return t("hours", { hours: said(hours), low: said(low), high: said(high), more: high >= HORIZON_H ? "+" : "" });
  };
}

export function Value({ reading }: { reading: Reading }) {
  const { t } = useTranslation("site");
  const formats = useFormats();
  const text = useValueText();
  const now = useNow(5000);
  const age_s = Math.max(0, now / 1000 - reading.at_us / 1e6);
  const when = formats.when(reading.at_us, now);
  return (
    <span className={reading.stale ? "st-value stale" : "st-value"} title={formats.stamp(reading.at_us)}>
      <bdi className="number">{text(reading)}</bdi>
      {(reading.stale || age_s > AGE_TOLD_S) && <small>{t(reading.stale ? "stale" : "age", { when })}</small>}
      {reading.fault && <small className="refused">{t("refused", { why: t(`refusal.${reading.fault}`, { defaultValue: reading.fault }) })}</small>}
    </span>
  );
}
