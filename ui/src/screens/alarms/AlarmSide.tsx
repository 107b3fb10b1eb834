/** One alarm: what it is, what to do, its pictures, why we think so, where it is, what was done. Acting comes before reading. */
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { AlarmMark } from "@/alarms/AlarmMark";
import { useSpeaker } from "@/alarms/hooks";
import { isUnacknowledged } from "@/alarms/order";
import { alarmPlace, alarmSentence } from "@/alarms/words";
import { api, errorText } from "@/api/client";
import type { Alarm, AlarmDetail } from "@/api/health";
import { Button, Icon, IconButton, TextField } from "@/design";
import { useFormats } from "@/i18n/format";
import { PlaceMap } from "@/map/PlaceMap";
import { useConnection, useNow, useWatchedOne } from "@/state/hooks";
import { useMay } from "@/state/session";
import { comment, inService, mayHaveWork, nameOfAcknowledger, reset, unshelve } from "./acts";
import { CauseTree } from "./CauseTree";
import type { Asked } from "./dialogs";
import { History } from "./History";
import { Respond } from "./list";
import { Pictures } from "./Pictures";
import { addressOfLive, addressOfPlayback, addressOfSite, camerasOf } from "./places";

const FETCH_AFTER_MS = 150;

interface Props {
  alarm: Alarm;
  onAsk: (asked: Asked) => void;
  onAcknowledge: () => void;
  onClose: () => void;
}

export function AlarmSide({ alarm, onAsk, onAcknowledge, onClose }: Props) {
  const { t } = useTranslation("alarms");
  const speaker = useSpeaker();
  const f = useFormats();
  const now = useNow(1000);
  const { detail, error } = useDetail(alarm);
  const { site, sector } = alarmPlace(alarm, speaker);
  return (
    <>
      <header className="al-head">
        <AlarmMark alarm={alarm} size={26} />
        <div>
          <h2>{alarmSentence(alarm, speaker)}</h2>
          <p>
            {[site, sector].filter(Boolean).join(" · ")}
            {(site || sector) && " · "}
            <time className="number" title={f.stamp(alarm.since_us)}>
              {f.when(alarm.since_us, now)}
            </time>
            {" · "}
            <span className={isUnacknowledged(alarm) ? "al-waits" : ""}>{t(`state.${alarm.state}`)}</span>
            {alarm.exercise && <span className="chip">{t("exercise")}</span>}
          </p>
          <Standing alarm={alarm} />
        </div>
        <span className="al-countdown">{alarm.state === "unacknowledged" && alarm.respond_by_us !== null && <Respond alarm={alarm} />}</span>
        <IconButton icon="close" label={t("common:close")} onPress={onClose} />
      </header>
      <Acts alarm={alarm} onAsk={onAsk} onAcknowledge={onAcknowledge} />
      <div className="al-body">
        <Age />
        <Pictures alarm={alarm} detail={detail} />
        <div className="al-columns">
          <Advice alarm={alarm} />
          <section className="al-part">
            <h3>{t("detail.why")}</h3>
            <CauseTree alarm={alarm} detail={detail} />
          </section>
          <section className="al-part">
            <h3>{t("detail.place")}</h3>
            <PlaceMap siteId={alarm.site_id} cameraIds={camerasOf(alarm)} />
          </section>
          <section className="al-part">
            <h3>{t("detail.history")}</h3>
            {detail ? <History alarm={alarm} history={detail.history} /> : <p className="muted">{error ? t("detail.failed") : t("detail.loading")}</p>}
          </section>
          <section className="al-part">
            <h3>{t("detail.entries")}</h3>
            {error && <p className="text-high">{error}</p>}
            <Entries detail={detail} />
            <Comment key={alarm.id} id={alarm.id} />
          </section>
        </div>
      </div>
    </>
  );
}

/** Who has it, why it is aside, that it keeps coming back. */
function Standing({ alarm }: { alarm: Alarm }) {
  const { t } = useTranslation("alarms");
  const f = useFormats();
  const now = useNow(10_000);
  const lines = [
    alarm.acknowledged_us !== null && alarm.state === "acknowledged" && t("detail.acknowledged", { name: nameOfAcknowledger(alarm), when: f.when(alarm.acknowledged_us, now) }),
    alarm.shelved && `${t("detail.shelved", { name: alarm.shelved.by_name ?? alarm.shelved.by, time: f.clock(alarm.shelved.until_us / 1000, false) })}: ${alarm.shelved.reason}`,
    alarm.suppressed && `${alarm.suppressed.until_us ? t("detail.suppressed", { time: f.when(alarm.suppressed.until_us, now) }) : t("detail.suppressed_open")}: ${alarm.suppressed.why}`,
    alarm.out_of_service && `${t("state.out_of_service")}: ${alarm.out_of_service.reason}`,
    alarm.returned_us !== null && alarm.state === "returned_unacknowledged" && t("detail.returned", { when: f.when(alarm.returned_us, now) }),
    alarm.latched && alarm.active === false && alarm.state === "acknowledged" && t("detail.latched"),
    alarm.escalated > 0 && t(`escalated.${Math.min(2, alarm.escalated)}`),
    alarm.chattering && t("chattering", { count: alarm.count_24h }),
  ].filter(Boolean);
  return lines.map((line, index) => (
    <p key={index} className="al-standing" dir="auto">
      {line}
    </p>
  ));
}

function Acts({ alarm, onAsk, onAcknowledge }: Omit<Props, "onClose">) {
  const { t } = useTranslation("alarms");
  const may = useMay();
  const live = may.watch ? addressOfLive(alarm) : null;
  const playback = may.playback ? addressOfPlayback(alarm) : null;
  const site = addressOfSite(alarm);
  const shelvable = may.actOnAlarms && ["unacknowledged", "acknowledged", "returned_unacknowledged"].includes(alarm.state);
  return (
    <div className="al-acts" role="toolbar">
      {may.actOnAlarms && isUnacknowledged(alarm) && (
        <Button look="primary" icon="check" onPress={onAcknowledge}>
          {t("act.acknowledge")} <kbd className="kbd">a</kbd>
        </Button>
      )}
      {may.actOnAlarms && alarm.latched && alarm.active === false && alarm.state === "acknowledged" && (
        <Button look="primary" icon="refresh" onPress={() => void reset(alarm.id)}>
          {t("act.reset")}
        </Button>
      )}
      {live && (
        <Link className="button" to={live}>
          <Icon name="eye" size={17} /> {t("act.live")}
        </Link>
      )}
      {playback && (
        <Link className="button" to={playback}>
          <Icon name="playback" size={17} /> {t("act.playback")}
        </Link>
      )}
      {alarm.work_order_id ? (
        <Link className="button" to={`/work/${alarm.work_order_id}`}>
          <Icon name="work" size={17} /> {t("act.open_work")}
        </Link>
      ) : (
        may.raiseWork && mayHaveWork(alarm) && (
          <Button icon="work" onPress={() => onAsk({ what: "work", alarm })}>
            {t("act.work")}
          </Button>
        )
      )}
      {site && (
        <Link className="button" to={site}>
          <Icon name="site" size={17} /> {t("act.site")}
        </Link>
      )}
      <span className="page-gap" />
      {shelvable && (
        <Button look="quiet" icon="clock" onPress={() => onAsk({ what: "shelve", alarm })}>
          {t("act.shelve")}
        </Button>
      )}
      {may.actOnAlarms && alarm.state === "shelved" && <Button onPress={() => void unshelve(alarm.id)}>{t("act.unshelve")}</Button>}
      {may.manageAlarms && alarm.state !== "out_of_service" && alarm.state !== "normal" && (
        <Button look="quiet" onPress={() => onAsk({ what: "out", alarm })}>
          {t("act.out")}
        </Button>
      )}
      {may.manageAlarms && alarm.state === "out_of_service" && <Button onPress={() => void inService(alarm.id)}>{t("act.in")}</Button>}
    </div>
  );
}

/** Beside the frame's own banner: what stands here is as old as the silence. */
function Age() {
  const { t } = useTranslation("alarms");
  const f = useFormats();
  const { phase, lastHeardMs, skewMs } = useConnection();
  const now = useNow(1000);
  if (phase === "live") return null;
  return <p className="al-age text-high">{t("silent_since", { age: f.duration(now - lastHeardMs - skewMs) })}</p>;
}

function Advice({ alarm }: { alarm: Alarm }) {
  const { t } = useTranslation("alarms");
  const f = useFormats();
  const kind = useWatchedOne("alarm_kind", alarm.kind);
  const [first, second] = f.language === "ar" ? (["ar", "en"] as const) : (["en", "ar"] as const);
  const advice = kind ? kind[`advice_${first}`] || kind[`advice_${second}`] : "";
  const consequence = kind ? kind[`consequence_${first}`] || kind[`consequence_${second}`] : "";
  const steps = advice.split("\n").map((line) => line.replace(/^\s*(?:[\d\u0660-\u0669]+[.)-]|[-•])\s*/, "").trim()).filter(Boolean); // prettier-ignore
  return (
    <section className="al-part al-advice">
      <h3>{t("detail.advice")}</h3>
      {steps.length > 0 ? (
        <ol dir="auto">
          {steps.map((step, index) => (
            <li key={index}>{step}</li>
          ))}
        </ol>
      ) : (
        <p className="muted">{t("detail.no_advice")}</p>
      )}
      {consequence && (
        <p dir="auto">
          <strong>{t("detail.consequence")}</strong> {consequence}
        </p>
      )}
      {kind && kind.respond_s > 0 && <p className="muted">{t("detail.respond_in", { time: f.duration(kind.respond_s * 1000) })}</p>}
    </section>
  );
}

function Entries({ detail }: { detail: AlarmDetail | null }) {
  const { t } = useTranslation("alarms");
  const f = useFormats();
  const now = useNow(10_000);
  if (!detail) return null;
  if (detail.entries.length === 0) return <p className="muted">{t("detail.entries_none")}</p>;
  return (
    <ol className="al-entries">
      {detail.entries.map((entry) => (
        <li key={entry.number}>
          <time className="number muted" title={f.stamp(entry.at_us)}>
            {f.when(entry.at_us, now)}
          </time>
          <span>
            {t(`entry.${entry.what}`, { defaultValue: entry.what.replaceAll("_", " ") })}
            {entry.by_name && <span className="muted"> · {entry.by_name}</span>}
            {entry.text && (
              <span className="al-text" dir="auto">
                {entry.text}
              </span>
            )}
          </span>
        </li>
      ))}
    </ol>
  );
}

function Comment({ id }: { id: string }) {
  const { t } = useTranslation("alarms");
  const may = useMay();
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  if (!may.actOnAlarms) return null;
  const send = async () => {
    if (!text.trim()) return;
    setBusy(true);
    if (await comment(id, text.trim())) setText("");
    setBusy(false);
  };
  return (
    <form
      className="al-comment"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <TextField label={t("detail.comment")} value={text} onChange={setText} placeholder={t("detail.comment_hint")} />
      <Button type="submit" isDisabled={busy || !text.trim()}>
        {t("act.send")}
      </Button>
    </form>
  );
}

/** The rest of an alarm, asked for a moment after the choice and again when it changes: what is known of it stays until then. */
function useDetail(alarm: Alarm): { detail: AlarmDetail | null; error: string } {
  const [detail, setDetail] = useState<AlarmDetail | null>(null);
  const [error, setError] = useState("");
  useEffect(() => {
    const abort = new AbortController();
    const ask = async () => {
      try {
        setDetail(await api.get<AlarmDetail>(`/api/alarms/${encodeURIComponent(alarm.id)}`, undefined, abort.signal));
        setError("");
      } catch (failure) {
        if (!abort.signal.aborted) setError(errorText(failure));
      }
    };
    const id = window.setTimeout(() => void ask(), FETCH_AFTER_MS);
    return () => {
      window.clearTimeout(id);
      abort.abort();
    };
  }, [alarm.id, alarm.changed_us]);
  return { detail: detail?.id === alarm.id ? detail : null, error };
}
