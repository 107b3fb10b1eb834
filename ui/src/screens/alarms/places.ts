/** Where one goes from an alarm: its live pictures, its recording at the moment, its site. */
import type { Alarm } from "@/api/health";
import { splitSubject } from "@/alarms/words";
import { world } from "@/state/world";

const LIVE_MAX = 9;
const PLAYBACK_MAX = 4;
const BEFORE_US = 60_000_000;

/** The cameras whose picture tells most: the subject, those affected, else those of its site. */
export function camerasOf(alarm: Alarm): string[] {
  const { noun, id } = splitSubject(alarm.subject);
  const named = noun === "camera" ? [id, ...alarm.camera_ids.filter((one) => one !== id)] : alarm.camera_ids;
  const known = named.filter((one) => world.cameras.has(one));
  if (known.length > 0 || !alarm.site_id) return known;
  return [...world.cameras.values()].filter((camera) => camera.site_id === alarm.site_id && camera.enabled).map((camera) => camera.id);
}

export function addressOfLive(alarm: Alarm): string | null {
  const ids = camerasOf(alarm);
  if (ids.length === 0) return null;
  return ids.length === 1 ? `/camera/${ids[0]}` : `/wall?cameras=${ids.slice(0, LIVE_MAX).join(",")}`;
}

export function addressOfPlayback(alarm: Alarm): string | null {
  const ids = camerasOf(alarm);
  return ids.length === 0 ? null : `/playback?cameras=${ids.slice(0, PLAYBACK_MAX).join(",")}&at=${minuteBefore(alarm)}`;
}

export const minuteBefore = (alarm: Alarm): number => alarm.since_us - BEFORE_US;

export const addressOfSite = (alarm: Alarm): string | null => (alarm.site_id ? `/site/${alarm.site_id}` : null);
