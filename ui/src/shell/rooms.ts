/** The rooms, who may enter each, and which one an address belongs to. The server decides; this only says it beforehand. */
import type { IconName } from "@/design";
import type { May } from "@/state/session";

export interface Room {
  to: string;
  name: string;
  icon: IconName;
  may: (may: May) => boolean;
}

export const GROUPS: Room[][] = [
  [
    { to: "/overview", name: "overview", icon: "overview", may: (m) => m.alarms },
    { to: "/alarms", name: "alarms", icon: "alarm", may: (m) => m.alarms },
    { to: "/map", name: "map", icon: "map", may: () => true },
    { to: "/wall", name: "wall", icon: "wall", may: (m) => m.watch },
    { to: "/playback", name: "playback", icon: "playback", may: (m) => m.playback },
    { to: "/exports", name: "exports", icon: "exports", may: (m) => m.exportVideo },
  ],
  [
    { to: "/cameras", name: "cameras", icon: "camera", may: () => true },
    { to: "/sites", name: "sites", icon: "site", may: () => true },
    { to: "/infrastructure", name: "infrastructure", icon: "infrastructure", may: () => true },
    { to: "/sectors", name: "sectors", icon: "sector", may: () => true },
  ],
  [
    { to: "/work", name: "work", icon: "work", may: (m) => m.work },
    { to: "/shifts", name: "shifts", icon: "shift", may: (m) => m.actOnAlarms || m.administerAlarms },
    { to: "/load", name: "load", icon: "load", may: (m) => m.alarmLoad },
    { to: "/kinds", name: "kinds", icon: "kinds", may: (m) => m.administerAlarms || m.manageAlarms },
  ],
  [
    { to: "/people", name: "people", icon: "people", may: (m) => m.people },
    { to: "/audit", name: "audit", icon: "audit", may: (m) => m.audit },
    { to: "/system", name: "system", icon: "system", may: (m) => m.system },
  ],
];

/** A camera's own page and a site's are no rooms of the rail. */
const CAMERA: Room = { to: "/camera", name: "cameras", icon: "camera", may: (m) => m.watch };
const SITE: Room = { to: "/site", name: "sites", icon: "site", may: () => true };
const ROOMS: readonly Room[] = [...GROUPS.flat(), CAMERA, SITE];

/** The room that an address leads to, if it is one. */
export function roomOf(path: string): Room | undefined {
  return ROOMS.find((room) => path === room.to || path.startsWith(`${room.to}/`));
}
