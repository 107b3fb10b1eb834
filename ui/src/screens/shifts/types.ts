/** Consoles and shifts as the server says them (docs/design/interfaces-health.md). */
import type { AlarmPriority, AlarmState } from "@/api/health";

export type ConsoleRole = "operator" | "supervisor" | "commander";
export const CONSOLE_ROLES: readonly ConsoleRole[] = ["operator", "supervisor", "commander"];
export const SKILLS = ["power", "network", "cameras", "systems"] as const;
export type Skill = (typeof SKILLS)[number];

export interface ShiftView {
  id: string;
  console_id: string;
  account_id: string;
  account_name: string;
  started_us: number;
  previous_id: string | null;
  /** The log is closed from here on; it sits until somebody takes over. */
  handed_us: number | null;
  handed_by: string;
  to_account_id: string | null;
  to_account_name: string;
  note: string;
  ended_us: number | null;
}

export interface ConsoleView {
  id: string;
  code: string;
  name_ar: string;
  name_en: string;
  role: ConsoleRole;
  /** null: every sector, and what lies in none. */
  sector_ids: string[] | null;
  skills: Skill[] | null;
  enabled: boolean;
  shift: ShiftView | null;
}

export interface CarriedAlarm {
  id: string;
  kind: string;
  priority: AlarmPriority;
  state: AlarmState;
  since_us: number;
  acknowledged_by: string;
  escalated: number;
  shelved: { by_name?: string; reason: string; until_us: number } | null;
  suppressed: { why: string; until_us: number } | null;
  out_of_service: { by_name?: string; reason: string } | null;
  work_order_id: string | null;
  title_ar: string;
  title_en: string;
}

export interface Carried {
  at_us: number;
  open: CarriedAlarm[];
  shelved: CarriedAlarm[];
  suppressions: { id: string; kind: string; reason: string; from_us: number; until_us: number; state: string }[];
  left_out: number;
  annunciated: number;
  counts: Record<string, number>;
}

export interface ShiftDetail extends ShiftView {
  carried: Carried | null;
  carried_sha256: string;
  entries: { number: number; at_us: number; account_name: string; text: string }[];
}
