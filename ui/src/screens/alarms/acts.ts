/** What a person does to alarms, and what came of it, said. Nothing is done to the list here: the server's changes do that. */
import i18next from "i18next";
import { api, ApiError, errorText } from "@/api/client";
import { isUnacknowledged } from "@/alarms/order";
import type { Alarm } from "@/api/types";
import { say } from "@/design/toast";
import { formats } from "@/i18n/format";
import { serverNowMs } from "@/state/connection";
import { world } from "@/state/world";

interface Answer {
  alarms: Alarm[];
}

export const nameOfAcknowledger = (alarm: Alarm): string => alarm.acknowledged_by_name || alarm.acknowledged_by || "—";

function fail(error: unknown): void {
  const offline = error instanceof ApiError && error.status === 0;
  say(offline ? i18next.t("alarms:stale_act") : errorText(error), { tone: "high" });
}

/** Takes those of `ids` that wait. Somebody may have been quicker: then it is said who. */
export async function acknowledge(ids: readonly string[], accountId: string): Promise<void> {
  const asked = ids.flatMap((id) => world.watched.alarm.get(id) ?? []);
  const waiting = asked.filter(isUnacknowledged);
  if (waiting.length === 0) {
    const taken = asked.find((alarm) => alarm.acknowledged_us !== null);
    say(taken ? already(taken) : i18next.t("alarms:done.nothing"));
    return;
  }
  try {
    const { alarms } = await api.post<Answer>("/api/alarms/acknowledge", { ids: waiting.map((alarm) => alarm.id) });
    const others = alarms.filter((alarm) => alarm.acknowledged_by !== null && alarm.acknowledged_by !== accountId);
    const done = waiting.length - others.length;
    if (done > 0) say(i18next.t("alarms:done.acknowledged", { count: done }));
    if (others.length === 1) say(already(others[0]!));
    else if (others.length > 1) say(i18next.t("alarms:done.already_some", { count: others.length }));
  } catch (error) {
    // Between our list and the server's a colleague was quicker: their change is on its way here.
    if (error instanceof ApiError && error.code === "alarm_not_unacknowledged") {
      const taken = waiting.map((alarm) => world.watched.alarm.get(alarm.id)).find((alarm) => alarm && !isUnacknowledged(alarm));
      say(taken ? already(taken) : i18next.t("alarms:done.nothing"));
      return;
    }
    fail(error);
  }
}

function already(alarm: Alarm): string {
  return i18next.t("alarms:done.already", { name: nameOfAcknowledger(alarm), when: formats().when(alarm.acknowledged_us ?? 0, serverNowMs()) });
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

/** One order for the alarm's cause. Returns its id. */
export async function raiseWork(alarm: Alarm, note: string): Promise<string | null> {
  try {
    const made = await api.post<{ id: string }>("/api/work-orders", { alarm_id: alarm.id, cause_id: alarm.signal_id, site_id: alarm.site_id, camera_ids: alarm.camera_ids, notes: note });
    say(i18next.t("alarms:done.work"));
    return made.id;
  } catch (error) {
    fail(error);
    return null;
  }
}
