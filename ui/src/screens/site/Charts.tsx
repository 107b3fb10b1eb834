/** The site's curves. Time runs left to right in both languages; a hole in the readings stays a hole. */
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useFormats } from "@/i18n/format";
import { hourMarks, runs } from "./facts";
import type { ForecastPoint, SeriesPoint } from "./types";

const WIDTH = 1000;
const HEIGHT = 200;

type Point = readonly [x: number, y: number];
const line = (points: readonly Point[]) => points.map(([x, y], index) => `${index ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
const area = (upper: readonly Point[], lower: readonly Point[]) => `${line(upper)}${line([...lower].reverse()).replace("M", "L")}Z`;

/** Local hour of the day, with its fraction. */
function useHourOf(): (us: number) => number {
  const { timezone } = useFormats();
  return useMemo(() => {
    const made = new Intl.DateTimeFormat("en-GB", { timeZone: timezone, hour: "numeric", minute: "numeric", hourCycle: "h23" });
    return (us: number) => {
      const parts = made.formatToParts(us / 1000);
      const of = (type: string) => Number(parts.find((part) => part.type === type)?.value ?? 0);
      return of("hour") + of("minute") / 60;
    };
  }, [timezone]);
}

interface BatteryProps {
  past: readonly SeriesPoint[];
  forecast: readonly ForecastPoint[];
  nights: readonly (readonly [number, number])[];
  from_us: number;
  to_us: number;
  now_us: number;
  /** States of charge at which a step of the shedding begins. */
  steps: readonly { pct: number; text: string }[];
  dark_at_us: number | null;
}

/** State of charge: the last day as it was, the coming hours as a band; nights shaded, sunset and sunrise marked. */
export function BatteryChart({ past, forecast, nights, from_us, to_us, now_us, steps, dark_at_us }: BatteryProps) {
  const { t } = useTranslation("site");
  const formats = useFormats();
  const hourOf = useHourOf();
  const x = (us: number) => ((Math.min(Math.max(us, from_us), to_us) - from_us) / (to_us - from_us)) * WIDTH;
  const y = (pct: number) => HEIGHT - (Math.min(100, Math.max(0, pct)) / 100) * HEIGHT;
  const share = (us: number) => `${((us - from_us) / (to_us - from_us)) * 100}%`;
  const marks = useMemo(() => hourMarks(from_us, to_us, hourOf, 9), [from_us, to_us, hourOf]);
  const ahead = forecast.filter((point) => point.at_us >= now_us - 1_800_000_000 && point.at_us <= to_us);
  const inside = past.filter((point) => point.at_us >= from_us);
  const suns = nights.flatMap(([set, rise]) => [
    { at: set, name: "sunset" as const },
    { at: rise, name: "sunrise" as const },
  ]);
  return (
    <figure className="st-chart" dir="ltr">
      <div className="st-chart-y" aria-hidden="true">
        {[100, 50, 0].map((pct) => (
          <span key={pct}>{formats.percent(pct)}</span>
        ))}
      </div>
      <div className="st-plot">
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={t("chart.battery")}>
          {nights.map(([set, rise]) => (
            <rect key={set} className="st-night" x={x(set)} width={Math.max(0, x(rise) - x(set))} y={0} height={HEIGHT} />
          ))}
          {[25, 50, 75].map((pct) => (
            <line key={pct} className="st-grid-line" x1={0} x2={WIDTH} y1={y(pct)} y2={y(pct)} vectorEffect="non-scaling-stroke" />
          ))}
          {steps.map((step) => (
            <line key={`${step.pct}${step.text}`} className="st-step-line" x1={0} x2={WIDTH} y1={y(step.pct)} y2={y(step.pct)} vectorEffect="non-scaling-stroke">
              <title>{step.text}</title>
            </line>
          ))}
          {ahead.length > 1 && (
            <>
              <path className="st-band" d={area(ahead.map((p) => [x(p.at_us), y(p.high_pct)]), ahead.map((p) => [x(p.at_us), y(p.low_pct)]))} />
              <path className="st-ahead" d={line(ahead.map((p) => [x(p.at_us), y(p.soc_pct)]))} vectorEffect="non-scaling-stroke" />
            </>
          )}
          {runs(inside).map((run) => (
            <g key={run[0]?.at_us}>
              {run.length > 1 && <path className="st-range" d={area(run.map((p) => [x(p.at_us), y(p.high)]), run.map((p) => [x(p.at_us), y(p.low)]))} />}
              <path className="st-past" d={run.length > 1 ? line(run.map((p) => [x(p.at_us), y(p.mean)])) : `M${x(run[0]!.at_us) - 1.5} ${y(run[0]!.mean)}h3`} vectorEffect="non-scaling-stroke" />
            </g>
          ))}
          <line className="st-now" x1={x(now_us)} x2={x(now_us)} y1={0} y2={HEIGHT} vectorEffect="non-scaling-stroke" />
          {dark_at_us !== null && dark_at_us < to_us && dark_at_us > now_us && <line className="st-dark-line" x1={x(dark_at_us)} x2={x(dark_at_us)} y1={0} y2={HEIGHT} vectorEffect="non-scaling-stroke" />}
        </svg>
        {suns
          .filter((sun) => sun.at > from_us && sun.at < to_us)
          .map((sun) => (
            <span key={sun.at} className={`st-sun ${sun.name}`} style={{ left: share(sun.at) }} title={`${t(`chart.${sun.name}`)} ${formats.clock(sun.at / 1000, false)}`}>
              {sun.name === "sunrise" ? "☼" : "☾"} {formats.clock(sun.at / 1000, false)}
            </span>
          ))}
        <span className="st-now-word" style={{ left: share(now_us) }}>
          {t("chart.now")}
        </span>
      </div>
      <div className="st-chart-x" aria-hidden="true">
        {marks.map((us) => (
          <span key={us} style={{ left: share(us) }}>
            {formats.clock(us / 1000, false)}
          </span>
        ))}
      </div>
    </figure>
  );
}

interface SparkProps {
  points: readonly SeriesPoint[];
  from_us: number;
  to_us: number;
  label: string;
  /** The axis goes at least from here to there. */
  low?: number;
  high?: number;
  /** A limit to draw, such as the temperature that is too hot. */
  limit?: number | null;
  nights?: readonly (readonly [number, number])[];
}

/** A small line with its range. Its own scale, so it is never without a number beside it. */
export function Spark({ points, from_us, to_us, label, low, high, limit, nights = [] }: SparkProps) {
  const inside = points.filter((point) => point.at_us >= from_us);
  const least = Math.min(low ?? Infinity, ...inside.map((p) => p.low), limit ?? Infinity);
  const most = Math.max(high ?? -Infinity, ...inside.map((p) => p.high), limit ?? -Infinity);
  const W = 200;
  const H = 44;
  const span = most > least ? most - least : 1;
  const x = (us: number) => ((Math.min(Math.max(us, from_us), to_us) - from_us) / (to_us - from_us)) * W;
  const y = (value: number) => H - 2 - ((value - least) / span) * (H - 4);
  return (
    <svg className="st-spark" viewBox={`0 0 ${W} ${H}`} preserveAspectRatio="none" role="img" aria-label={label}>
      {nights.map(([set, rise]) => (
        <rect key={set} className="st-night" x={x(set)} width={Math.max(0, x(rise) - x(set))} y={0} height={H} />
      ))}
      {limit != null && <line className="st-limit" x1={0} x2={W} y1={y(limit)} y2={y(limit)} vectorEffect="non-scaling-stroke" />}
      {runs(inside).map((run) => (
        <g key={run[0]?.at_us}>
          {run.length > 1 && <path className="st-range" d={area(run.map((p) => [x(p.at_us), y(p.high)]), run.map((p) => [x(p.at_us), y(p.low)]))} />}
          <path className="st-past" d={run.length > 1 ? line(run.map((p) => [x(p.at_us), y(p.mean)])) : `M${x(run[0]!.at_us) - 1} ${y(run[0]!.mean)}h2`} vectorEffect="non-scaling-stroke" />
        </g>
      ))}
    </svg>
  );
}
