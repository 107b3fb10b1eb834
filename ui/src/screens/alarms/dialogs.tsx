/** What is asked before an act: why and until when it is shelved, why it goes out of service, what the technician should know; and the keys. */
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { useSpeaker } from "@/alarms/hooks";
import { alarmPlace, alarmSentence } from "@/alarms/words";
import type { Alarm } from "@/api/health";
import { Button, DialogBox, Segmented, TextField } from "@/design";
import { useFormats } from "@/i18n/format";
import { serverNowMs } from "@/state/connection";
import { useSession } from "@/state/session";
import { useWatched } from "@/state/hooks";
import { outOfService, raiseWork, shelve } from "./acts";

export type Asked = { what: "shelve" | "out" | "work"; alarm: Alarm } | { what: "keys" };

interface Props {
  asked: Asked;
  onClose: () => void;
  onWork: (id: string) => void;
}

export function Dialogs({ asked, onClose, onWork }: Props) {
  switch (asked.what) {
    case "shelve":
      return <ShelveDialog alarm={asked.alarm} onClose={onClose} />;
    case "out":
      return <OutDialog alarm={asked.alarm} onClose={onClose} />;
    case "work":
      return <WorkDialog alarm={asked.alarm} onClose={onClose} onWork={onWork} />;
    case "keys":
      return <KeysDialog onClose={onClose} />;
  }
}

interface AskProps {
  title: string;
  alarm: Alarm;
  text: string;
  act: string;
  /** Whether it may be sent; the fault is shown below the field. */
  field: (error: string | undefined) => ReactNode;
  fault: () => string | undefined;
  send: () => Promise<boolean>;
  onClose: () => void;
}

function Ask({ title, alarm, text, act, field, fault, send, onClose }: AskProps) {
  const { t } = useTranslation("alarms");
  const speaker = useSpeaker();
  const { site, sector } = alarmPlace(alarm, speaker);
  const [busy, setBusy] = useState(false);
  const [tried, setTried] = useState(false);
  const go = async () => {
    setTried(true);
    if (fault()) return;
    setBusy(true);
    const done = await send();
    setBusy(false);
    if (done) onClose();
  };
  return (
    <DialogBox
      title={title}
      isOpen
      onClose={onClose}
      busy={busy}
      foot={
        <>
          <Button onPress={onClose}>{t("common:cancel")}</Button>
          <Button look="primary" isDisabled={busy} onPress={() => void go()}>
            {act}
          </Button>
        </>
      }
    >
      <form
        className="al-ask"
        onSubmit={(event) => {
          event.preventDefault();
          void go();
        }}
      >
        <p>
          <strong>{alarmSentence(alarm, speaker)}</strong>
          <br />
          <span className="muted">{[site, sector].filter(Boolean).join(" · ")}</span>
        </p>
        {field(tried ? fault() : undefined)}
        <p className="muted">{text}</p>
      </form>
    </DialogBox>
  );
}

const MINUTE_MS = 60_000;
const CHOICES = { m15: 15 * MINUTE_MS, h1: 60 * MINUTE_MS, h8: 480 * MINUTE_MS } as const;
type Until = keyof typeof CHOICES | "shift";

/** Never for ever: the longest is eight hours or the end of one's shift, whichever the server allows. */
function ShelveDialog({ alarm, onClose }: { alarm: Alarm; onClose: () => void }) {
  const { t } = useTranslation("alarms");
  const f = useFormats();
  const endMs = useShiftEnd();
  const [until, setUntil] = useState<Until>("m15");
  const [reason, setReason] = useState("");
  const [openedMs] = useState(serverNowMs);
  const untilMs = until === "shift" && endMs ? endMs : openedMs + CHOICES[until === "shift" ? "h1" : until];
  const choices: { id: Until; text: string }[] = [
    { id: "m15", text: t("shelve.m15") },
    { id: "h1", text: t("shelve.h1") },
    { id: "h8", text: t("shelve.h8") },
  ];
  if (endMs) choices.push({ id: "shift", text: t("shelve.shift", { time: f.clock(endMs, false) }) });
  return (
    <Ask
      title={t("shelve.title")}
      alarm={alarm}
      text={t("shelve.text")}
      act={t("shelve.do", { time: f.clock(untilMs, false) })}
      fault={() => (reason.trim() ? undefined : t("shelve.reason_wanted"))}
      send={() => shelve(alarm.id, Math.round(untilMs * 1000), reason.trim())}
      onClose={onClose}
      field={(error) => (
        <>
          <div className="field">
            <span className="label">{t("shelve.until")}</span>
            <Segmented label={t("shelve.until")} value={until} onChange={setUntil} choices={choices} />
          </div>
          <TextField label={t("shelve.reason")} value={reason} onChange={setReason} placeholder={t("shelve.reason_hint")} error={error} required autoFocus />
        </>
      )}
    />
  );
}

const LONGEST_MS = 8 * 60 * MINUTE_MS;
const SHORTEST_MS = 5 * MINUTE_MS;

/** When this person's shift ends, where the server says so and it lies within what may be shelved. */
function useShiftEnd(): number | null {
  const { me } = useSession();
  const shifts = useWatched("shift");
  const mine = shifts.find((shift) => shift.account_id === me.account_id && !shift.ended_us);
  const ends = mine?.["ends_us"];
  if (typeof ends !== "number") return null;
  const leftMs = ends / 1000 - serverNowMs();
  return leftMs >= SHORTEST_MS && leftMs <= LONGEST_MS ? ends / 1000 : null;
}

function OutDialog({ alarm, onClose }: { alarm: Alarm; onClose: () => void }) {
  const { t } = useTranslation("alarms");
  const [reason, setReason] = useState("");
  return (
    <Ask
      title={t("out.title")}
      alarm={alarm}
      text={t("out.text")}
      act={t("out.do")}
      fault={() => (reason.trim() ? undefined : t("shelve.reason_wanted"))}
      send={() => outOfService(alarm.id, reason.trim())}
      onClose={onClose}
      field={(error) => <TextField label={t("shelve.reason")} value={reason} onChange={setReason} error={error} required autoFocus />}
    />
  );
}

function WorkDialog({ alarm, onClose, onWork }: { alarm: Alarm; onClose: () => void; onWork: (id: string) => void }) {
  const { t } = useTranslation("alarms");
  const [note, setNote] = useState("");
  const send = async () => {
    const id = await raiseWork(alarm, note.trim());
    if (id) onWork(id);
    return id !== null;
  };
  return (
    <Ask
      title={t("work.title")}
      alarm={alarm}
      text={t("work.text")}
      act={t("work.do")}
      fault={() => undefined}
      send={send}
      onClose={onClose}
      field={() => <TextField label={t("work.note")} value={note} onChange={setNote} placeholder={t("work.note_hint")} lines={3} autoFocus />}
    />
  );
}

const KEYS: readonly (readonly [string, string])[] = [
  ["j", "next"],
  ["k", "previous"],
  ["n", "waiting"],
  ["a", "acknowledge"],
  ["x", "pick"],
  ["Enter", "open"],
  ["s", "shelve"],
  ["w", "work"],
  ["l", "live"],
  ["p", "playback"],
  ["c", "comment"],
  ["m", "silence"],
  ["Esc", "close"],
  ["?", "help"],
];

function KeysDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("alarms");
  return (
    <DialogBox title={t("keys.title")} isOpen onClose={onClose}>
      <dl className="al-keys">
        {KEYS.map(([key, does]) => (
          <div key={key}>
            <dt>
              <kbd className="kbd" dir="ltr">
                {key}
              </kbd>
            </dt>
            <dd>{t(`keys.${does}`)}</dd>
          </div>
        ))}
      </dl>
    </DialogBox>
  );
}
