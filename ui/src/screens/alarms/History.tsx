/** The last 30 days of the same fault at the same place, as a strip: each time it came, as long as it lasted. Time runs left to right. */
import { useTranslation } from "react-i18next";
import type { Alarm } from "@/api/health";
import { useFormats } from "@/i18n/format";
import { useNow } from "@/state/hooks";

const DAYS = 30;
const DAY_US = 86_400_000_000;
const WIDTH = 600;
const HEIGHT = 34;

export function History({ alarm, history }: { alarm: Alarm; history: readonly Alarm[] }) {
  const { t } = useTranslation("alarms");
  const f = useFormats();
  const nowUs = useNow(60_000) * 1000;
  const fromUs = nowUs - DAYS * DAY_US;
  const x = (us: number) => Math.max(0, Math.min(1, (us - fromUs) / (nowUs - fromUs))) * WIDTH;
  const all = history.some((one) => one.id === alarm.id) ? history : [...history, alarm];
  const times = all.filter((one) => (one.returned_us ?? nowUs) >= fromUs);
  return (
    <div className="al-history">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={t("detail.history_count", { count: times.length })}>
        {Array.from({ length: DAYS + 1 }, (_, day) => (
          <line key={day} x1={(day / DAYS) * WIDTH} x2={(day / DAYS) * WIDTH} y1={day % 7 === 0 ? 0 : 24} y2={HEIGHT} className="tick" />
        ))}
        {times.map((one) => {
          const from = x(one.since_us);
          const to = x(one.returned_us ?? one.closed_us ?? nowUs);
          return <rect key={one.id} x={Math.min(from, WIDTH - 3)} width={Math.max(3, to - from)} y="4" height="20" className={`span ${one.priority}`} data-own={one.id === alarm.id || undefined} />;
        })}
      </svg>
      <p className="al-history-ends" dir="ltr">
        <span dir="auto">{f.when(fromUs, nowUs / 1000)}</span>
        <span dir="auto">{times.length <= 1 ? t("detail.history_none") : t("detail.history_count", { count: times.length })}</span>
        <span dir="auto">{f.when(nowUs, nowUs / 1000)}</span>
      </p>
    </div>
  );
}
