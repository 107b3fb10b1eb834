/**
 * Sounds and notifies for the whole browser: mounted once in each window; of several windows only one is heard.
 *
 * Draws nothing. Who may not act on alarms is not called by them.
 */
import { useEffect } from "react";
import { useNavigate } from "react-router";
import type { AlarmPriority } from "@/api/health";
import { serverNowMs } from "@/state/connection";
import { useMay } from "@/state/session";
import { world } from "@/state/world";
import { newcomers, silenceOf, soundingNow, subscribeSilence } from "./bell";
import { notify } from "./desktop";
import { useSpeaker } from "./hooks";
import { isUnacknowledged, rankOf } from "./order";
import { REPEAT_MS, sound } from "./sound";
import { alarmPlace, alarmSentence, type Speaker } from "./words";

/** True in the one window of this browser that may be heard; where the browser has no locks, in each. */
let heard = !("locks" in navigator);
let asked = false;

function askToBeHeard(): void {
  if (asked || heard) return;
  asked = true;
  // Held until the window closes; the next in line takes over.
  navigator.locks.request("manara.alarms.sound", () => new Promise<void>(() => void (heard = true))).catch(() => void (heard = true));
}

export function AlarmBell() {
  const may = useMay().actOnAlarms;
  const speaker = useSpeaker();
  const navigate = useNavigate();
  useEffect(() => {
    if (!may) return;
    sound.begin();
    askToBeHeard();
    return ring();
  }, [may]);
  useEffect(() => {
    if (!may) return;
    return call(speaker, (id) => void navigate(`/alarms/${id}`));
  }, [may, speaker, navigate]);
  return null;
}

/** Plays what is due, now and while it lasts. Returns the way to stop. */
function ring(): () => void {
  let last: { priority: AlarmPriority; atMs: number } | null = null;
  const judge = () => {
    const due = soundingNow([...world.watched.alarm.values()], serverNowMs(), silenceOf());
    document.documentElement.dataset["sounding"] = due ?? "";
    if (!due || !heard) {
      if (!due) last = null;
      return;
    }
    const now = performance.now();
    const worse = last !== null && rankOf(due) < rankOf(last.priority);
    if (last && !worse && now - last.atMs < REPEAT_MS[due]) return;
    if (sound.play(due)) last = { priority: due, atMs: now };
  };
  const timer = window.setInterval(judge, 500);
  const offs = [world.subscribe(judge), subscribeSilence(judge), sound.subscribe(judge)];
  judge();
  return () => {
    window.clearInterval(timer);
    for (const off of offs) off();
    document.documentElement.dataset["sounding"] = "";
  };
}

/** What was told once in this window; not told again when the language changes. */
let told: Set<string> | null = null;

function call(speaker: Speaker, open: (id: string) => void): () => void {
  const judge = () => {
    if (world.epoch === null) return;
    const alarms = [...world.watched.alarm.values()];
    const waiting = alarms.filter(isUnacknowledged);
    if (told !== null && heard && !document.hasFocus()) {
      for (const alarm of newcomers(alarms, told)) {
        const { site, sector } = alarmPlace(alarm, speaker);
        notify(alarm.id, alarmSentence(alarm, speaker), [site, sector].filter(Boolean).join(" · "), () => open(alarm.id));
      }
    }
    told = new Set(waiting.map((alarm) => alarm.id));
  };
  judge();
  return world.subscribe(judge);
}
