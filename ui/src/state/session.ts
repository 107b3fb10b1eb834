/** Who sits here, and how they like their screen. Preferences are kept by the server, and in this browser for before sign-in. */
import { createContext, useContext } from "react";
import type { Me, Preferences, Role } from "@/api/types";

export interface Session {
  me: Me;
  signOut(): Promise<void>;
  refresh(): Promise<void>;
}

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error("useSession outside of a signed-in screen");
  return session;
}

/** What a person may do; the server decides, this only hides what would be refused. */
export interface May {
  watch: boolean;
  playback: boolean;
  ptz: boolean;
  exportVideo: boolean;
  hold: boolean;
  releasePtz: boolean;
  shareLayouts: boolean;
  editNetwork: boolean;
  places: boolean;
  people: boolean;
  audit: boolean;
  system: boolean;
  alarms: boolean;
  actOnAlarms: boolean;
  manageAlarms: boolean;
  administerAlarms: boolean;
  alarmLoad: boolean;
  work: boolean;
  raiseWork: boolean;
  doWork: boolean;
  manageWork: boolean;
}

export function mayOf(roles: readonly Role[]): May {
  const any = (...wanted: Role[]) => wanted.some((role) => roles.includes(role));
  return {
    watch: any("operator", "supervisor", "commander", "technician"),
    playback: any("operator", "supervisor", "commander"),
    ptz: any("operator", "supervisor", "commander"),
    exportVideo: any("supervisor", "commander"),
    hold: any("supervisor", "commander"),
    releasePtz: any("supervisor", "commander"),
    shareLayouts: any("supervisor", "commander"),
    editNetwork: any("technician", "administrator"),
    places: any("administrator"),
    people: any("administrator"),
    audit: any("auditor", "administrator"),
    system: any("administrator", "auditor", "technician", "supervisor", "commander"),
    alarms: true,
    actOnAlarms: any("operator", "supervisor", "commander"),
    manageAlarms: any("supervisor", "commander"),
    administerAlarms: any("administrator"),
    alarmLoad: any("supervisor", "commander", "administrator", "auditor"),
    work: true,
    raiseWork: any("operator", "supervisor", "commander", "technician"),
    doWork: any("technician"),
    manageWork: any("supervisor", "commander", "administrator"),
  };
}

export function useMay(): May {
  return mayOf(useSession().me.roles);
}

const KEY = "manara.preferences";
export const DEFAULT_PREFERENCES: Preferences = { language: "ar", digits: "latn", theme: "dark" };

export function storedPreferences(): Preferences {
  try {
    const text = localStorage.getItem(KEY);
    if (text) return { ...DEFAULT_PREFERENCES, ...(JSON.parse(text) as Partial<Preferences>) };
  } catch {
    // Storage may be switched off or hold something else: start from the defaults.
    return DEFAULT_PREFERENCES;
  }
  return DEFAULT_PREFERENCES;
}

export function storePreferences(preferences: Preferences): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(preferences));
  } catch {
    return; // Only a convenience for the next visit.
  }
}
