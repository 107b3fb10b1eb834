/** Annunciations in ten minutes over a span, with target, limit and floods. Time runs left to right in both languages. */
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useFormats } from "@/i18n/format";
import { bars, top } from "./bars";
import type { Load } from "./types";

const WIDTH = 1000;
const HEIGHT = 190;
const BARS = 240;
const LINES = [
  { at: 1, name: "line_target" },
  { at: 2, name: "line_limit" },
  { at: 10, name: "line_flood" },
] as const;

export function LoadChart({ load }: { load: Load }) {
  const { t } = useTranslation("load");
  const formats = useFormats();
  const { from_us, to_us } = load;
  const made = useMemo(() => bars(load.slots, from_us, to_us, BARS), [load.slots, from_us, to_us]);
  const most = Math.max(0, ...made.map((bar) => bar.most));
  const high = top(most);
  const x = (us: number) => ((us - from_us) / (to_us - from_us)) * WIDTH;
  const y = (value: number) => HEIGHT - (value / high) * HEIGHT;
  const days = to_us - from_us > 3 * 86_400_000_000;
  const marks = Array.from({ length: 7 }, (_, n) => from_us + ((to_us - from_us) * n) / 6);
  const said = (us: number) => (days ? new Intl.DateTimeFormat(formats.locale, { day: "numeric", month: "short", timeZone: formats.timezone }).format(us / 1000) : formats.clock(us / 1000, false));
  return (
    <figure className="load-chart" dir="ltr">
      <div className="load-chart-y" aria-hidden="true">
        <span>{formats.number(high)}</span>
        <span>{formats.number(high / 2)}</span>
        <span>{formats.number(0)}</span>
      </div>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={t("chart_label", { most: formats.number(most) })}>
        {load.floods.map(([start, end]) => (
          <rect key={start} className="flood" x={x(start)} width={Math.max(2, x(end) - x(start))} y={0} height={HEIGHT}>
            <title>{t("flood_from_to", { from: formats.stamp(start), to: formats.stamp(end) })}</title>
          </rect>
        ))}
        {LINES.filter((line) => line.at <= high).map((line) => (
          <line key={line.at} className={line.name} x1={0} x2={WIDTH} y1={y(line.at)} y2={y(line.at)} vectorEffect="non-scaling-stroke" />
        ))}
        {made.map((bar) => {
          const left = Math.max(0, x(bar.from_us));
          const width = Math.min(WIDTH, x(bar.to_us)) - left;
          return (
            <rect key={bar.from_us} className={bar.most > 10 ? "bar-slot over" : "bar-slot"} x={left} width={Math.max(0.8, width * 0.86)} y={y(bar.most)} height={HEIGHT - y(bar.most)}>
              <title>{`${formats.stamp(bar.from_us)}: ${formats.number(bar.most)}`}</title>
            </rect>
          );
        })}
      </svg>
      <div className="load-chart-x" aria-hidden="true">
        {marks.map((us) => (
          <span key={us}>{said(us)}</span>
        ))}
      </div>
    </figure>
  );
}
