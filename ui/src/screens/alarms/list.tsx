/** The cells of the alarm list. What changes by the second (since, time left) reads the clock by itself. */
import { createContext, useContext } from "react";
import { useTranslation } from "react-i18next";
import { AlarmMark } from "@/alarms/AlarmMark";
import { useSpeaker } from "@/alarms/hooks";
import { type FoldRow, isUnacknowledged, type Row } from "@/alarms/order";
import { alarmPlace, alarmSentence, alarmWords, kindName } from "@/alarms/words";
import type { Alarm } from "@/api/health";
import { Button, Icon } from "@/design";
import type { Column } from "@/design/Table";
import { useFormats } from "@/i18n/format";
import { useNow } from "@/state/hooks";
import { nameOfAcknowledger } from "./acts";

export interface ListContext {
  picked: ReadonlySet<string>;
  mayPick: boolean;
  pick(id: string): void;
  unfold(kind: string): void;
}
export const List = createContext<ListContext>({ picked: new Set(), mayPick: false, pick: () => undefined, unfold: () => undefined });

export function columnsOf(wide: boolean, t: (key: string) => string): Column<Row>[] {
  const alarmCell = (Cell: (props: { alarm: Alarm }) => React.ReactNode) => (row: Row) => (row.type === "alarm" ? <Cell alarm={row.alarm} /> : null);
  const columns: (Column<Row> | false)[] = [
    { id: "mark", head: <span className="visually-hidden">{t("column.mark")}</span>, width: "62px", cell: (row) => <Mark row={row} /> },
    {
      id: "what",
      head: t("column.what"),
      width: wide ? "minmax(280px, 4fr)" : "minmax(200px, 1fr)",
      cell: (row) => (row.type === "fold" ? <Fold row={row} /> : <What alarm={row.alarm} withPlace={!wide} inner={row.inner} />),
    },
    wide && { id: "where", head: t("column.where"), width: "minmax(140px, 1.5fr)", cell: alarmCell(Where) },
    { id: "state", head: t("column.state"), width: wide ? "136px" : "112px", cell: alarmCell(State) },
    { id: "since", head: t("column.since"), width: "118px", cell: alarmCell(Times) },
    wide && { id: "owner", head: t("column.owner"), width: "130px", cell: alarmCell(Owner) },
  ];
  return columns.filter((column) => column !== false);
}

function Mark({ row }: { row: Row }) {
  const { t } = useTranslation("alarms");
  const { picked, pick, mayPick } = useContext(List);
  const speaker = useSpeaker();
  if (row.type === "fold") return <span className="al-mark al-fold-mark"><AlarmMark alarm={{ priority: row.priority, state: row.unacknowledged > 0 ? "returned_unacknowledged" : "acknowledged" }} /></span>; // prettier-ignore
  return (
    <span className="al-mark">
      {mayPick && (
        <input
          type="checkbox"
          className="al-pick"
          tabIndex={-1}
          checked={picked.has(row.id)}
          onChange={() => pick(row.id)}
          onClick={(event) => event.stopPropagation()}
          aria-label={t("pick", { what: alarmSentence(row.alarm, speaker) })}
        />
      )}
      <AlarmMark alarm={row.alarm} />
    </span>
  );
}

function What({ alarm, withPlace, inner }: { alarm: Alarm; withPlace: boolean; inner: boolean }) {
  const { t } = useTranslation("alarms");
  const speaker = useSpeaker();
  const { said, how } = alarmWords(alarm, speaker);
  const more = alarm.grouped_count || 0;
  return (
    <span className="al-what" data-waits={isUnacknowledged(alarm) || undefined} data-inner={inner || undefined} title={said + how}>
      <span className="al-said">
        {said}
        <span className="al-because">{how}</span>
      </span>
      <span className="al-under">
        {withPlace && <Place alarm={alarm} />}
        {alarm.exercise && <span className="chip">{t("exercise")}</span>}
        {!alarm.direct && <span className="al-note">{t("inferred")}</span>}
        {alarm.flooded && <span className="al-note">{t("held")}</span>}
        {more > 0 && <span className="al-note">{t("holds", { count: more })}</span>}
        {alarm.chattering && <Icon name="refresh" size={13} />}
        {alarm.escalated > 0 && <span className="al-note text-high">{t(`escalated.${Math.min(2, alarm.escalated)}`)}</span>}
      </span>
    </span>
  );
}

function Place({ alarm }: { alarm: Alarm }) {
  const { site, sector } = alarmPlace(alarm, useSpeaker());
  return <span className="al-place">{[site, sector].filter(Boolean).join(" · ") || "—"}</span>;
}

function Where({ alarm }: { alarm: Alarm }) {
  const { site, sector } = alarmPlace(alarm, useSpeaker());
  return (
    <span className="al-what">
      <span className="al-site">{site || "—"}</span>
      <span className="al-under">{sector}</span>
    </span>
  );
}

function State({ alarm }: { alarm: Alarm }) {
  const { t } = useTranslation("alarms");
  const f = useFormats();
  const by = alarm.state === "acknowledged" ? nameOfAcknowledger(alarm) : alarm.state === "shelved" && alarm.shelved ? f.clock(alarm.shelved.until_us / 1000, false) : "";
  return (
    <span className="al-what">
      <span className={isUnacknowledged(alarm) ? "al-waits" : "muted"}>{t(`state.${alarm.state}`)}</span>
      {by && <span className="al-under">{by}</span>}
    </span>
  );
}

function Times({ alarm }: { alarm: Alarm }) {
  const f = useFormats();
  const now = useNow(1000);
  return (
    <span className="al-what">
      <time className="number" title={f.stamp(alarm.since_us)}>
        {f.when(alarm.since_us, now)}
      </time>
      {alarm.state === "unacknowledged" && alarm.respond_by_us !== null && (
        <span className="al-under">
          <Respond alarm={alarm} />
        </span>
      )}
    </span>
  );
}

/** Time left to respond, then how far it is over; nothing once somebody has it or it is gone. */
export function Respond({ alarm }: { alarm: Alarm }) {
  const { t } = useTranslation("alarms");
  const f = useFormats();
  const now = useNow(1000);
  if (alarm.respond_by_us === null || alarm.state !== "unacknowledged") return <span className="muted">—</span>;
  const leftMs = alarm.respond_by_us / 1000 - now;
  // By the second where it presses, in hours where it does not.
  const text = Math.abs(leftMs) < CLOCK_UNDER_MS ? f.digits(clockOf(Math.abs(leftMs))) : f.duration(Math.round(Math.abs(leftMs) / CLOCK_UNDER_MS) * CLOCK_UNDER_MS);
  return (
    <span className={`number al-respond${leftMs < 0 ? " text-critical" : leftMs < 60_000 ? " text-high" : ""}`} title={t("respond.by", { time: f.clock(alarm.respond_by_us / 1000) })}>
      {t(leftMs < 0 ? "respond.over" : "respond.left", { time: text })}
    </span>
  );
}

const CLOCK_UNDER_MS = 3_600_000;

/** 4:05 */
function clockOf(ms: number): string {
  const s = Math.floor(ms / 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  return `\u2066${Math.floor(s / 60)}:${two(s % 60)}\u2069`;
}

function Owner({ alarm }: { alarm: Alarm }) {
  const { t } = useTranslation("common");
  return <span className="muted">{alarm.owner_role ? t(`role.${alarm.owner_role}`, { defaultValue: alarm.owner_role }) : "—"}</span>;
}

function Fold({ row }: { row: FoldRow }) {
  const { t } = useTranslation("alarms");
  const { unfold } = useContext(List);
  return (
    <span className="al-fold">
      <span className="al-what" data-waits={row.unacknowledged > 0 || undefined}>
        <span className="al-said">{t("fold", { count: row.count, kind: kindName(row.kind) })}</span>
        <span className="al-under">
          {t("fold_sites", { count: row.sites })}
          {row.unacknowledged > 0 && ` · ${t("fold_waiting", { count: row.unacknowledged })}`}
        </span>
      </span>
      <Button small look="quiet" icon={row.opened ? "up" : "down"} onPress={() => unfold(row.kind)} excludeFromTabOrder>
        {t(row.opened ? "fold_close" : "fold_open")}
      </Button>
    </span>
  );
}
