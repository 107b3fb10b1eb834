/** A year of the site's cameras: a line a month, a square a day; the darker, the more was lost. */
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { IconButton } from "@/design";
import { useFormats } from "@/i18n/format";
import { serverNowMs } from "@/state/connection";
import { Panel } from "./Panel";
import type { SiteYear } from "./types";
import { useYear } from "./useSite";

type Day = SiteYear["days"][number];

/** How far a day fell short: 0 as it should be, 4 the cameras were gone most of the day. */
function shade(day: Day, level_pct: number): "unknown" | "planned" | 0 | 1 | 2 | 3 | 4 {
  if (day.available_pct === null) return day.planned_h > 0 ? "planned" : "unknown";
  if (day.available_pct >= level_pct) return 0;
  if (day.available_pct >= 99) return 1;
  if (day.available_pct >= 95) return 2;
  return day.available_pct >= 50 ? 3 : 4;
}

const LEGEND = [0, 1, 2, 3, 4] as const;

export function Year({ siteId }: { siteId: string }) {
  const { t } = useTranslation("site");
  const formats = useFormats();
  const present = Number(new Intl.DateTimeFormat("en", { timeZone: formats.timezone, year: "numeric" }).format(serverNowMs()));
  const [year, setYear] = useState(present);
  const { value, error } = useYear(siteId, year);
  const pct = (number: number) => `\u2068${formats.number(number, { minimumFractionDigits: 1, maximumFractionDigits: 2 })}%\u2069`;
  const days = new Map(value?.days.map((day) => [day.day, day]));
  const months = Array.from({ length: 12 }, (_, month) => ({
    month,
    name: new Intl.DateTimeFormat(formats.locale, { month: "short", timeZone: "UTC" }).format(Date.UTC(year, month, 15)),
    days: Array.from({ length: new Date(Date.UTC(year, month + 1, 0)).getUTCDate() }, (_, day) => `${year}-${String(month + 1).padStart(2, "0")}-${String(day + 1).padStart(2, "0")}`),
  }));
  const said = (key: string, day: Day) => {
    const date = new Intl.DateTimeFormat(formats.locale, { day: "numeric", month: "long", timeZone: "UTC" }).format(Date.parse(`${key}T12:00:00Z`));
    if (day.available_pct === null) return `${date}: ${t(day.planned_h > 0 ? "year.planned" : "year.unknown")}`;
    return `${date}: ${pct(day.available_pct)}${day.lost_h > 0 ? ` · ${t("year.lost", { hours: formats.number(day.lost_h) })}` : ""}${day.planned_h > 0 ? ` · ${t("year.planned")}` : ""}`;
  };
  return (
    <Panel
      title={t("panel.year")}
      aside={
        <span className="st-aside st-year-head">
          {value?.whole?.available_pct != null && (
            <span>
              <strong className={value.whole.available_pct < value.service_level_pct ? "number text-medium" : "number"}>{pct(value.whole.available_pct)}</strong>{" "}
              <span className="muted">{t("year.against", { level: pct(value.service_level_pct) })}</span>
            </span>
          )}
          <IconButton small icon="chevron" className="st-back" label={t("year.before")} onPress={() => setYear(year - 1)} />
          <span className="number">{formats.number(year, { useGrouping: false })}</span>
          <IconButton small icon="chevron" mirror label={t("year.after")} isDisabled={year >= present} onPress={() => setYear(year + 1)} />
        </span>
      }
    >
      <div className="inside">
        {error && <p className="form-error">{error}</p>}
        {value && value.cameras === 0 ? (
          <p className="muted">{t("year.no_cameras")}</p>
        ) : (
          <>
            <div className="st-year" dir="ltr" role="img" aria-label={t("year.label", { year: formats.number(year, { useGrouping: false }) })}>
              {months.map((one) => (
                <div key={one.month} className="st-month">
                  <span className="muted">{one.name}</span>
                  {one.days.map((key) => {
                    const day = days.get(key);
                    return <i key={key} data-shade={day ? shade(day, value?.service_level_pct ?? 100) : "ahead"} title={day ? said(key, day) : undefined} />;
                  })}
                </div>
              ))}
            </div>
            <p className="st-legend muted">
              {LEGEND.map((one) => (
                <span key={one}>
                  <i className="day" data-shade={one} /> {t(`year.shade.${one}`, { level: pct(value?.service_level_pct ?? 99.5) })}
                </span>
              ))}
              <span>
                <i className="day" data-shade="unknown" /> {t("year.unknown")}
              </span>
            </p>
          </>
        )}
      </div>
    </Panel>
  );
}
