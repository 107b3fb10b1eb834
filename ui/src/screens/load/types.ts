/** Alarm load and bad actors as the server says them (docs/design/interfaces-health.md). */
import type { AlarmPriority } from "@/api/health";

export type Met = "target" | "limit" | "missed" | "unknown";

export interface Figure {
  name: string;
  value: number | null;
  unit: "" | "%" | "s";
  target: number | null;
  limit: number | null;
  met: Met;
}

export interface SourceCount {
  kind: string;
  subject: string;
  count: number;
  share_pct: number;
}

export interface Load {
  from_us: number;
  to_us: number;
  console_id: string | null;
  manned_s: number;
  annunciations: number;
  figures: Figure[];
  /** [start of the ten minutes, annunciations] */
  slots: [number, number][];
  floods: [number, number][];
  priorities: Record<AlarmPriority, number>;
  top: SourceCount[];
  chattering: SourceCount[];
  stale: { alarm_id: string; kind: string; subject: string; since_us: number; planned: boolean }[];
}

export interface Mend {
  what: "delay_on" | "delay_off" | "dead_band" | "maintenance" | "re_prioritise";
  why: "chattering" | "fleeting" | "stale" | "frequent" | "ignored";
  figure: number;
  value_s: number | null;
}

export interface BadActor {
  kind: string;
  subject: string;
  site_id: string | null;
  sector_id: string | null;
  annunciations: number;
  share_pct: number;
  chattering: number;
  fleeting: number;
  unanswered: number;
  stale_s: number;
  planned: boolean;
  priority: AlarmPriority;
  delay_on_s: number;
  delay_off_s: number;
  mends: Mend[];
}
