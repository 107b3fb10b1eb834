/** React's way to the alarms: the lists, the reader's words, what may be done. */
import { useMemo, useRef } from "react";
import type { Alarm } from "@/api/health";
import { useFormats } from "@/i18n/format";
import { serverNowMs } from "@/state/connection";
import { useNow, useVersion, useWatched } from "@/state/hooks";
import { usePreferences } from "@/state/preferences";
import { useSession } from "@/state/session";
import { world } from "@/state/world";
import { compareAlarms, inFlood, isOpen, type Own, toldLately } from "./order";
import type { Speaker } from "./words";

export const useAlarms = (): Alarm[] => useWatched("alarm");

/** In the order of what matters. */
export function useOpenAlarms(): Alarm[] {
  const alarms = useAlarms();
  return useMemo(() => alarms.filter(isOpen).sort(compareAlarms), [alarms]);
}

/** Renewed when names or cameras' health change, so that sentences are said anew. */
export function useSpeaker(): Speaker {
  const { language } = usePreferences().preferences;
  const formats = useFormats();
  const versions = [useVersion("site"), useVersion("camera"), useVersion("sector"), useVersion("link"), useVersion("switch"), useVersion("health")].join();
  // eslint-disable-next-line react-hooks/exhaustive-deps
  return useMemo(() => ({ world, language, formats }), [language, formats, versions]);
}

/** Whose alarms are one's own: by the shift that one has taken, else by one's role. */
export function useOwn(): Own {
  const { me } = useSession();
  const shifts = useWatched("shift");
  const mine = shifts.find((shift) => shift.account_id === me.account_id && !shift.ended_us);
  return useMemo(
    () => ({ account: me.account, name: me.name, accountId: me.account_id, roles: me.roles, consoleId: mine?.console_id ?? null }),
    [me, mine?.console_id],
  );
}

/** Whether it is a flood, with the memory that its end needs. */
export function useFlood(alarms: readonly Alarm[]): { flooded: boolean; count: number } {
  const now = useNow(5000);
  const was = useRef(false);
  return useMemo(() => {
    const count = toldLately(alarms, Math.max(now, serverNowMs()) * 1000);
    was.current = inFlood(count, was.current);
    return { flooded: was.current, count };
  }, [alarms, now]);
}
