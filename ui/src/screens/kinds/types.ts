/** Kinds of alarm, notification routes and their log as the server says them (docs/design/interfaces-health.md). */
import type { AlarmKind, AlarmPriority } from "@/api/health";

export const PRIORITIES: readonly AlarmPriority[] = ["critical", "high", "medium", "low"];
export const OWNER_ROLES = ["operator", "supervisor", "technician", "administrator"] as const;
export const KIND_SKILLS = ["", "power", "network", "cameras", "systems"] as const;
export const GROUP_BY = ["none", "site", "sector"] as const;

export type KindRow = AlarmKind & { id: string; latched: boolean };

export interface KindEdit {
  at_us: number;
  by_name: string;
  before: Record<string, unknown>;
  after: Record<string, unknown>;
}

export interface Route {
  id: string;
  name: string;
  enabled: boolean;
  channel: "email" | "webhook";
  address: string;
  has_secret: boolean;
  language: "ar" | "en";
  priorities: AlarmPriority[];
  sector_ids: string[] | null;
  kinds: string[] | null;
  escalated_min: 0 | 1 | 2;
  tell_end: boolean;
  quiet_from_min: number | null;
  quiet_until_min: number | null;
  waiting: number;
  last_sent_us: number | null;
  error: string;
}

export interface NotificationRow {
  id: string;
  route_id: string;
  route_name: string;
  alarm_id: string | null;
  occasion: "raised" | "escalated_1" | "escalated_2" | "ended" | "test";
  priority: AlarmPriority;
  subject: string;
  state: "waiting" | "sent" | "failed" | "withdrawn";
  cause: string;
  attempts: number;
  next_us: number | null;
  created_us: number;
  sent_us: number | null;
  receipt: string;
  error: string;
}
