/** One shift: its log, what it carries, and its hand-over. Printed as it stands. */
import { useCallback, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, errorText } from "@/api/client";
import { Button, Empty, Icon, Loading, PriorityMark, Select, TextField } from "@/design";
import { Facts, Group, Side } from "@/design/Page";
import { say } from "@/design/toast";
import { useFormats } from "@/i18n/format";
import { useChangesOf } from "@/state/hooks";
import { useName, usePreferences } from "@/state/preferences";
import { useMay, useSession } from "@/state/session";
import type { Carried, CarriedAlarm, ConsoleView, ShiftDetail } from "./types";

interface Props {
  id: string;
  console?: ConsoleView;
  /** Moves when the shift does. */
  version: string;
  onClose: () => void;
  onChanged: () => void;
}

export function ShiftSide({ id, console: seat, version, onClose, onChanged }: Props) {
  const { t } = useTranslation("shifts");
  const formats = useFormats();
  const name = useName();
  const may = useMay();
  const { me } = useSession();
  const [shift, setShift] = useState<ShiftDetail | null>(null);
  const [now, setNow] = useState<Carried | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [handing, setHanding] = useState(false);
  const [text, setText] = useState("");
  const load = useCallback(() => {
    api
      .get<ShiftDetail>(`/api/shifts/${id}`)
      .then((found) => {
        setShift(found);
        if (!found.carried) void api.get<Carried>(`/api/shifts/${id}/carries`).then(setNow, (failure: unknown) => say(errorText(failure), { tone: "high" }));
      })
      .catch((failure: unknown) => setError(errorText(failure)));
  }, [id]);
  useEffect(load, [load, version]);
  useChangesOf("shift", load);
  if (error)
    return (
      <Side title={t("log")} onClose={onClose}>
        <Empty title={error} />
      </Side>
    );
  if (!shift)
    return (
      <Side title={t("log")} onClose={onClose}>
        <Loading what={t("common:loading.screen")} />
      </Side>
    );
  const writes = shift.handed_us === null && shift.ended_us === null && may.actOnAlarms && (shift.account_id === me.account_id || may.manageAlarms);
  const write = async () => {
    try {
      setShift(await api.post<ShiftDetail>(`/api/shifts/${id}/entry`, { text }));
      setText("");
    } catch (failure) {
      say(errorText(failure), { tone: "high" });
    }
  };
  const carries = shift.carried ?? now;
  return (
    <Side
      title={t("log_of", { console: name(seat) || seat?.code || "" })}
      subtitle={<bdi>{shift.account_name}</bdi>}
      onClose={onClose}
      actions={
        <Button small look="quiet" icon="file" onPress={() => window.print()}>
          {t("print")}
        </Button>
      }
      foot={
        writes && !handing ? (
          <Button look="primary" icon="shift" mirror onPress={() => setHanding(true)}>
            {t("hand_over")}
          </Button>
        ) : undefined
      }
    >
      <Facts
        items={[
          [t("from"), formats.stamp(shift.started_us)],
          shift.handed_us !== null && [t("handed"), <>{formats.stamp(shift.handed_us)}{shift.handed_by !== shift.account_name && <> (<bdi>{shift.handed_by}</bdi>)</>}</>],
          Boolean(shift.to_account_name) && [t("to"), <bdi>{shift.to_account_name}</bdi>],
          [t("until"), shift.ended_us ? formats.stamp(shift.ended_us) : t("still_sits")],
          carries !== null && [t("annunciated"), formats.number(carries.annunciated)],
        ]}
      />
      {shift.handed_us !== null && (
        <div className="notice">
          <Icon name="lock" />
          <span>
            {t("closed")} <bdi className="code" title={shift.carried_sha256}>{shift.carried_sha256.slice(0, 12)}</bdi>
          </span>
        </div>
      )}
      {handing && writes && <HandOver shift={shift} onClose={() => setHanding(false)} onDone={(done) => (setHanding(false), setShift(done), onChanged())} />}
      {shift.note && (
        <Group title={t("note")}>
          <p className="log-text">{shift.note}</p>
        </Group>
      )}
      <Group title={t("entries")}>
        {shift.entries.length ? (
          <ol className="log">
            {shift.entries.map((entry) => (
              <li key={entry.number}>
                <time title={formats.stamp(entry.at_us)}>{formats.clock(entry.at_us / 1000, false)}</time>
                <p className="log-text">
                  {entry.text} {entry.account_name !== shift.account_name && <span className="muted">(<bdi>{entry.account_name}</bdi>)</span>}
                </p>
              </li>
            ))}
          </ol>
        ) : (
          <p className="muted">{t("no_entries")}</p>
        )}
        {writes && (
          <div className="log-write">
            <TextField label={t("write")} value={text} onChange={setText} lines={2} />
            <Button icon="plus" isDisabled={!text.trim()} onPress={() => void write()}>
              {t("write_do")}
            </Button>
          </div>
        )}
      </Group>
      {carries && <CarriedView carries={carries} />}
    </Side>
  );
}

function CarriedView({ carries }: { carries: Carried }) {
  const { t } = useTranslation("shifts");
  const formats = useFormats();
  return (
    <>
      <Group title={t("carries_open", { count: carries.open.length })}>
        <AlarmLines alarms={carries.open} none={t("none_open")} />
        {carries.left_out > 0 && <p className="text-medium">{t("left_out", { count: carries.left_out })}</p>}
      </Group>
      {carries.shelved.length > 0 && (
        <Group title={t("carries_shelved", { count: carries.shelved.length })}>
          <AlarmLines alarms={carries.shelved} none="" />
        </Group>
      )}
      {carries.suppressions.length > 0 && (
        <Group title={t("carries_suppressions", { count: carries.suppressions.length })}>
          <ul className="carried">
            {carries.suppressions.map((one) => (
              <li key={one.id}>
                <span>{one.reason}</span>
                <span className="muted">{t("until_time", { time: formats.stamp(one.until_us) })}</span>
              </li>
            ))}
          </ul>
        </Group>
      )}
    </>
  );
}

function AlarmLines({ alarms, none }: { alarms: CarriedAlarm[]; none: string }) {
  const { t } = useTranslation("shifts");
  const formats = useFormats();
  const { language } = usePreferences().preferences;
  if (!alarms.length) return <p className="muted">{none}</p>;
  return (
    <ul className="carried">
      {alarms.map((alarm) => {
        const aside = alarm.shelved ?? alarm.out_of_service;
        return (
          <li key={alarm.id}>
            <PriorityMark priority={alarm.priority} />
            <Link to={`/alarms/${alarm.id}`}>{language === "ar" ? alarm.title_ar : alarm.title_en}</Link>
            <span className="muted">
              {formats.stamp(alarm.since_us)} · {t(`alarms:state.${alarm.state}`)}
              {alarm.acknowledged_by && <> · <bdi>{alarm.acknowledged_by}</bdi></>}
              {alarm.escalated > 0 && <> · {t(`escalated.${alarm.escalated}`)}</>}
              {aside && <> · {aside.by_name && <bdi>{aside.by_name}: </bdi>}{aside.reason}</>}
              {alarm.shelved && <> · {t("until_time", { time: formats.stamp(alarm.shelved.until_us) })}</>}
              {alarm.suppressed && <> · {alarm.suppressed.why} · {t("until_time", { time: formats.stamp(alarm.suppressed.until_us) })}</>}
            </span>
          </li>
        );
      })}
    </ul>
  );
}

function HandOver({ shift, onClose, onDone }: { shift: ShiftDetail; onClose: () => void; onDone: (done: ShiftDetail) => void }) {
  const { t } = useTranslation("shifts");
  const [people, setPeople] = useState<{ account_id: string; name: string }[]>([]);
  const [to, setTo] = useState("nobody");
  const [note, setNote] = useState("");
  const [fault, setFault] = useState("");
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    api
      .get<{ account_id: string; name: string }[]>(`/api/consoles/${shift.console_id}/people`)
      .then((list) => setPeople(list.filter((one) => one.account_id !== shift.account_id)))
      .catch((failure: unknown) => say(errorText(failure), { tone: "high" }));
  }, [shift.console_id, shift.account_id]);
  const send = async () => {
    if (note.trim().length < 3) return setFault(t("note_needed"));
    setBusy(true);
    try {
      onDone(await api.post<ShiftDetail>(`/api/shifts/${shift.id}/hand-over`, { note, to_account_id: to === "nobody" ? null : to }));
      say(t("was_handed"));
    } catch (failure) {
      setFault(errorText(failure));
    } finally {
      setBusy(false);
    }
  };
  return (
    <section className="hand-over" aria-label={t("hand_over")}>
      <h3>{t("hand_over")}</h3>
      <TextField label={t("note")} hint={t("note_hint")} value={note} onChange={(value) => (setNote(value), setFault(""))} error={fault} lines={4} required autoFocus />
      <Select label={t("to")} value={to} onChange={setTo} choices={[{ id: "nobody", text: t("to_nobody") }, ...people.map((one) => ({ id: one.account_id, text: one.name }))]} hint={t(to === "nobody" ? "to_nobody_hint" : "to_hint")} />
      <p className="muted">{t("closes")}</p>
      <div className="hand-over-foot">
        <Button look="primary" onPress={() => void send()} isDisabled={busy}>
          {t("hand_over_do")}
        </Button>
        <Button look="quiet" onPress={onClose}>
          {t("common:cancel")}
        </Button>
      </div>
    </section>
  );
}
