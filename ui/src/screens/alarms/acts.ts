/** What a person does to alarms, and what came of it, said. Nothing is done to the list here: the server's changes do that. */
import i18next from "i18next";
import { api, ApiError, errorText } from "@/api/client";
import { isUnacknowledged } from "@/alarms/order";
import type { Alarm } from "@/api/health";
import { say } from "@/design/toast";
import { formats } from "@/i18n/format";
import { serverNowMs } from "@/state/connection";
import { world } from "@/state/world";

interface Answer {
  alarms: Alarm[];
  /** With which somebody was quicker, or which no longer ask. */
  already?: { id: string; code: string; by?: string; at_us?: number }[];
}

export const nameOfAcknowledger = (alarm: Alarm): string => alarm.acknowledged_by_name || alarm.acknowledged_by || "—";

function fail(error: unknown): void {
  const offline = error instanceof ApiError && error.status === 0;
  say(offline ? i18next.t("alarms:stale_act") : errorText(error), { tone: "high" });
}

/** Takes those of `ids` that wait. Somebody may have been quicker: then it is said who. */
export async function acknowledge(ids: readonly string[]): Promise<void> {
  const asked = ids.flatMap((id) => world.watched.alarm.get(id) ?? []);
  const waiting = asked.filter(isUnacknowledged);
  if (waiting.length === 0) {
    const taken = asked.find((alarm) => alarm.acknowledged_us !== null);
    say(taken ? already(nameOfAcknowledger(taken), taken.acknowledged_us) : i18next.t("alarms:done.nothing"));
    return;
  }
  try {
    for (let from = 0; from < waiting.length; from += TOGETHER) {
      const answer = await api.post<Answer>("/api/alarms/acknowledge", { ids: waiting.slice(from, from + TOGETHER).map((alarm) => alarm.id) });
      if (answer.alarms.length > 0) say(i18next.t("alarms:done.acknowledged", { count: answer.alarms.length }));
      const others = answer.already ?? [];
      if (others.length === 1) say(already(others[0]?.by, others[0]?.at_us));
      else if (others.length > 1) say(i18next.t("alarms:done.already_some", { count: others.length }));
    }
  } catch (error) {
    if (error instanceof ApiError && error.code === "already_acknowledged") say(already(error.detail["by"], error.detail["at_us"]));
    else if (error instanceof ApiError && error.code === "alarm_not_unacknowledged") say(i18next.t("alarms:done.nothing"));
    else fail(error);
  }
}

/** The server takes so many at once. */
const TOGETHER = 200;

function already(by: unknown, atUs: unknown): string {
  return i18next.t("alarms:done.already", { name: typeof by === "string" && by ? by : "—", when: formats().when(Number(atUs) || 0, serverNowMs()) });
}

/** Returns whether it was done; a refusal is said. */
async function order(run: () => Promise<unknown>, words: string): Promise<boolean> {
  try {
    await run();
    say(words);
    return true;
  } catch (error) {
    fail(error);
    return false;
  }
}

const at = (id: string, act: string): string => `/api/alarms/${encodeURIComponent(id)}/${act}`;

export const unshelve = (id: string): Promise<boolean> => order(() => api.post(at(id, "unshelve")), i18next.t("alarms:done.unshelved"));

export async function shelve(id: string, untilUs: number, reason: string): Promise<boolean> {
  const time = formats().clock(untilUs / 1000, false);
  const done = order(() => api.post(at(id, "shelve"), { until_us: untilUs, reason }), i18next.t("alarms:done.shelved", { time }));
  return done;
}

export const comment = (id: string, text: string): Promise<boolean> => order(() => api.post(at(id, "comment"), { text }), i18next.t("alarms:done.comment"));

export const outOfService = (id: string, reason: string): Promise<boolean> =>
  order(() => api.post(at(id, "out-of-service"), { reason }), i18next.t("alarms:done.out"));

export const inService = (id: string): Promise<boolean> => order(() => api.post(at(id, "in-service")), i18next.t("alarms:done.in"));

/** One order for the alarm's cause; where there is one already, that one. Returns its id. */
export async function raiseWork(alarm: Alarm, description: string): Promise<string | null> {
  try {
    const { id } = await api.post<{ id: string }>("/api/work-orders", {
      alarm_id: alarm.id,
      cause_id: alarm.signal_id,
      site_id: alarm.site_id,
      camera_ids: alarm.camera_ids,
      priority: alarm.priority,
      description,
    });
    say(i18next.t("alarms:done.work"));
    return id;
  } catch (error) {
    fail(error);
    return null;
  }
}

/** Technicians go to a site: an alarm without one (of a recorder, of a whole sector) has no order. */
export const mayHaveWork = (alarm: Alarm): boolean => alarm.site_id !== null;

/** Of a latched alarm whose cause has ended. */
export const reset = (id: string): Promise<boolean> => order(() => api.post(at(id, "reset")), i18next.t("alarms:done.reset"));
