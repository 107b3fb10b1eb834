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
