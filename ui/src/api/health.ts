/** What the server says of health, alarms and maintenance, as in docs/design/interfaces-health.md. Times are integer µs since 1970 UTC and named `*_us`. */

export type AlarmPriority = "critical" | "high" | "medium" | "low";
export type AlarmState =
  | "normal"
  | "unacknowledged"
  | "acknowledged"
  | "returned_unacknowledged"
  | "shelved"
  | "suppressed_by_design"
  | "out_of_service";

export interface Evidence {
  at_us: number;
  subject: string;
  what: string;
  value?: unknown;
  text_ar?: string;
  text_en?: string;
}

export interface Alarm {
  id: string;
  kind: string;
  state: AlarmState;
  priority: AlarmPriority;
  signal_id: string;
  /** `<noun>:<id>`. */
  subject: string;
  site_id: string | null;
  sector_id: string | null;
  camera_ids: string[];
  since_us: number;
  annunciated_us: number | null;
  acknowledged_us: number | null;
  /** The account's id. */
  acknowledged_by: string | null;
  acknowledged_by_name?: string;
  returned_us: number | null;
  shelved: { by: string; by_name?: string; reason: string; until_us: number } | null;
  suppressed: { id: string; why: string; until_us: number | null } | null;
  out_of_service?: { by: string; by_name?: string; reason: string; since_us: number } | null;
  closed_us?: number | null;
  /** Of a group: site, sector or flood. */
  group_scope?: string;
  /** The cause is there. */
  active?: boolean;
  /** Stays until a person resets it, also when its cause has ended. */
  latched?: boolean;
  /** Not told yet, for the operator's load; in the list all the same. */
  flooded?: boolean;
  /** The alarm that this one is grouped into. */
  group_id: string | null;
  members_count: number;
  grouped_count: number;
  respond_by_us: number | null;
  /** 0 operator, 1 supervisor, 2 commander. */
  escalated: number;
  owner_role: string;
  console_id: string | null;
  /** False: inferred, nothing said so directly. */
  direct: boolean;
  confidence: number;
  evidence: Evidence[];
  /** Names of the evidence pictures of its camera (`/api/cameras/{id}/health/pictures/{name}`). */
  pictures: { reference: string | null; now: string | null } | null;
  detail: Record<string, unknown>;
  count_24h: number;
  chattering: boolean;
  work_order_id: string | null;
  exercise: boolean;
  changed_us: number;
}

export interface AlarmMember {
  id: string;
  kind: string;
  subject: string;
  since_us: number;
  ended_us?: number | null;
}

/** One line of an alarm's life: who did what when. */
export interface AlarmEntry {
  number: number;
  at_us: number;
  what: string;
  /** After it. */
  state: AlarmState;
  /** An account's id; empty: the program itself. */
  by: string;
  by_name: string;
  text: string;
  detail: Record<string, unknown>;
}

export interface AlarmDetail extends Alarm {
  entries: AlarmEntry[];
  members: AlarmMember[];
  grouped: Alarm[];
  history: Alarm[];
}

export interface AlarmKind {
  kind: string;
  priority: AlarmPriority;
  consequence_ar: string;
  consequence_en: string;
  advice_ar: string;
  advice_en: string;
  respond_s: number;
  owner_role: string;
  skill: string;
  delay_on_s: number;
  delay_off_s: number;
  group_by: "none" | "site" | "sector";
  annunciate: boolean;
  changed_us: number;
  changed_by: string;
}

export interface Suppression {
  id: string;
  reason: string;
  kind: "maintenance_window" | "planned_outage" | "exercise" | string;
  site_ids: string[];
  camera_ids: string[];
  sector_ids: string[];
  kinds: string[];
  from_us: number;
  until_us: number;
  [more: string]: unknown;
}

export interface Shift {
  id: string;
  console_id: string;
  account_id: string;
  name?: string;
  account?: string;
  begun_us?: number;
  ended_us?: number | null;
  [more: string]: unknown;
}

/** Only of cameras with a condition. */
export interface CameraHealth {
  id: string;
  doing_job: boolean;
  conditions: { kind: string; since_us: number; confidence: number }[];
  cause_id: string | null;
}

/** A site's power and air, rounded. */
export interface Vitals {
  id: string;
  grid: boolean | null;
  state_of_charge_pct: number | null;
  hours_left: number | null;
  hours_left_low: number | null;
  hours_left_high: number | null;
  dark_at_us: number | null;
  dark_before_morning: boolean;
  solar_power_w: number | null;
  load_power_w: number | null;
  cabinet_temperature_c: number | null;
  door_open: boolean | null;
  silent_since_us: number | null;
  shed_step: number;
}

export interface PowerSource {
  id: string;
  site_id: string;
  kind: "grid" | "solar" | "battery";
  name: string;
  capacity_wh: number | null;
  peak_w: number | null;
  nominal_v: number | null;
  installed_us: number | null;
  notes: string;
}

export interface Cabinet {
  site_id: string;
  has_fan: boolean;
  has_door_sensor: boolean;
  hot_c: number | null;
}

export type PartState = "up" | "down" | "degraded" | "unknown";

export interface NetworkSwitch {
  id: string;
  site_id: string;
  code: string;
  make: string;
  model: string;
  ports: number;
  state?: PartState;
}

export interface NetworkLink {
  id: string;
  code: string;
  kind: "fibre" | "radio" | "mobile";
  role: "main" | "reserve";
  a_site_id: string;
  b_site_id: string;
  ring: string;
  length_km: number | null;
  capacity_mbps: number | null;
  rx_low_dbm: number | null;
  state?: PartState;
  [more: string]: unknown;
}

export type OrderState = "open" | "assigned" | "accepted" | "on_site" | "done" | "reopened" | "closed" | "cancelled";

export interface WorkOrder {
  id: string;
  number: number;
  state: OrderState;
  open: boolean;
  priority: AlarmPriority;
  site_id: string;
  sector_id: string | null;
  camera_ids: string[];
  cause_id: string | null;
  cause_kind: string;
  alarm_id: string | null;
  round_id: string | null;
  description: string;
  team_id: string | null;
  parts: string[];
  tools: string[];
  safety: string[];
  parts_used: { part: string; count: number }[];
  work_min: number;
  opened_us: number;
  opened_by_name: string;
  due_us: number | null;
  accepted_us: number | null;
  arrived_us: number | null;
  done_us: number | null;
  closed_us: number | null;
  reopened_count: number;
  changed_us: number;
}

export interface Outage {
  id: string;
  reason: string;
  site_ids: string[];
  camera_ids: string[];
  from_us: number;
  until_us: number;
  ended_us: number | null;
  by_name: string;
  changed_us: number;
}

export interface PreventiveRound {
  id: string;
  name_ar: string;
  name_en: string;
  kind: "cleaning" | "battery_test" | "inspection";
  site_ids: string[];
  every_days: number;
  first_due_us: number;
  due_us: Record<string, number>;
  next_due_us: number | null;
  overdue: number;
  team_id: string | null;
  enabled: boolean;
  changed_us: number;
}
