/** What the server says, as in docs/design/interfaces.md. Times are integer µs since 1970 UTC and named `*_us`. */

export type Language = "ar" | "en";
export type Digits = "latn" | "arab";
export type Theme = "dark" | "light";
export type Role = "operator" | "supervisor" | "commander" | "technician" | "administrator" | "auditor";
export const ROLES: readonly Role[] = ["operator", "supervisor", "commander", "technician", "administrator", "auditor"];

export interface Preferences {
  language: Language;
  digits: Digits;
  theme: Theme;
}

export interface Me {
  account_id: string;
  account: string;
  name: string;
  roles: Role[];
  sector_ids: string[] | null;
  preferences: Preferences;
  must_change_password: boolean;
  /** The shortest password that the server takes, in characters. */
  password_min_length: number;
  session: { idle_s: number; expires_us: number };
}

export interface Named {
  id: string;
  code: string;
  name_ar: string;
  name_en: string;
}

export interface Sector extends Named {
  boundary: GeoJSON.Polygon | GeoJSON.MultiPolygon | null;
}

export interface Town extends Named {
  lat: number | null;
  lon: number | null;
  sector_id: string | null;
}

export interface Site extends Named {
  kind: "pole" | "building" | "hub" | "control_room";
  lat: number;
  lon: number;
  sector_id: string | null;
  town_id: string | null;
  notes: string;
}

export type CameraKind = "fixed" | "ptz";
export type Transport = "tcp" | "udp";

export interface Camera extends Named {
  site_id: string | null;
  sector_id: string | null;
  town_id: string | null;
  kind: CameraKind;
  make: string;
  model: string;
  main_url: string;
  sub_url: string;
  /** There is a sub-stream; its address is told to technicians only. */
  has_sub: boolean;
  username: string;
  has_password: boolean;
  transport: Transport;
  lat: number | null;
  lon: number | null;
  heading_deg: number | null;
  field_of_view_deg: number | null;
  height_m: number | null;
  range_m: number | null;
  purpose: string;
  record: boolean;
  sound: boolean;
  retention_days: number | null;
  retention_bytes: number | null;
  onvif_url: string;
  enabled: boolean;
}

export type StreamName = "main" | "sub";
export type StreamState = "connecting" | "recording" | "live_only" | "refused" | "lost" | "stopped";
export type StreamCause =
  | "none"
  | "unauthorized"
  | "not_found"
  | "timeout"
  | "connection_refused"
  | "dns"
  | "stalled"
  | "protocol_error"
  | "server_closed"
  | "codec_unsupported"
  | "no_video"
  | "tls"
  | "disk"
  | "configuration"
  | "recorder_silent";

export interface StreamStatus {
  camera_id: string;
  stream: StreamName;
  state: StreamState;
  cause: StreamCause;
  detail: string;
  since_us: number;
  last_frame_us: number;
  bitrate_bps: number;
  frame_rate_hz: number;
  gop_s: number;
  width: number;
  height: number;
  codec: string;
  drift_ms: number;
  packets_lost: number;
  reconnects: number;
  frames?: number;
  frames_dropped?: number;
  gaps_today: number;
  viewers?: number;
  recorder_id: string;
}

export interface CameraStatus {
  main?: StreamStatus;
  sub?: StreamStatus;
}

export interface LayoutTile {
  camera_id: string;
  column: number;
  row: number;
  span: number;
}

export interface Layout {
  id: string;
  name: string;
  shared: boolean;
  owner_account_id: string;
  columns: number;
  rows: number;
  tiles: LayoutTile[];
  cycle_s: number | null;
  pages: LayoutTile[][] | null;
}

export interface ProcessStatus {
  name: string;
  pid: number;
  state: string;
  started_us: number;
  restarts: number;
  cpu_pct: number;
  memory_bytes: number;
}

export interface DiskStatus {
  path: string;
  state: string;
  cause: string;
  total_bytes: number;
  free_bytes: number;
  archive_bytes?: number;
  queued_bytes?: number;
  write_mbps?: number;
  write_bytes_per_s?: number;
  slowest_write_ms?: number;
  recorder_id?: string;
}

export interface RecorderStatus {
  recorder_id: string;
  at_us: number;
  started_us?: number;
  pid?: number;
  address?: string;
  streams?: StreamStatus[] | number;
  disks?: DiskStatus[];
  counters?: Record<string, number>;
  [more: string]: unknown;
}

export interface SystemStatus {
  version?: string;
  processes?: ProcessStatus[];
  disks?: DiskStatus[];
  journal?: Record<string, unknown> | null;
  recorders?: RecorderStatus[];
  warnings?: (string | { code?: string; message?: string; detail?: Record<string, unknown> })[];
}

export interface Deployment {
  name_ar: string;
  name_en: string;
  timezone: string;
}

export interface Snapshot {
  epoch: string | number;
  seq: number;
  time_us: number;
  deployment: Deployment;
  sectors: Sector[];
  towns: Town[];
  sites: Site[];
  cameras: Camera[];
  statuses: Record<string, CameraStatus>;
  layouts: Layout[];
  system: SystemStatus | null;
  /** Health, alarms and maintenance: one list for each kind of `WatchKind`. */
  [more: string]: unknown;
}

export type ChangeKind =
  | "camera"
  | "site"
  | "sector"
  | "town"
  | "status"
  | "layout"
  | "export"
  | "hold"
  | "account"
  | "system"
  | WatchKind;

/** What the world keeps of health, alarms and maintenance. */
export type WatchKind =
  | "alarm"
  | "alarm_kind"
  | "suppression"
  | "shift"
  | "health"
  | "vitals"
  | "power_source"
  | "cabinet"
  | "switch"
  | "link"
  | "work_order"
  | "outage"
  | "round";

export interface Change {
  seq: number;
  kind: ChangeKind;
  id: string;
  op: "put" | "delete";
  value?: unknown;
}

export type ChangesMessage =
  | { type: "changes"; seq: number; changes: Change[] }
  | { type: "beat"; seq: number; time_us: number }
  | { type: "reset" };

export interface FieldError {
  row?: number | null;
  field?: string | null;
  value?: unknown;
  message: string;
}

export interface ErrorBody {
  error: string;
  message: string;
  detail?: Record<string, unknown>;
  fields?: FieldError[];
}

export interface ImportReport {
  ok: boolean;
  dry_run: boolean;
  added: number;
  updated: number;
  unchanged: number;
  errors: FieldError[];
}

export interface OnvifDevice {
  address: string;
  name?: string;
  hardware?: string;
  location?: string;
  scopes?: string[];
  [more: string]: unknown;
}

export interface OnvifProfile {
  token: string;
  name: string;
  codec: string;
  width: number;
  height: number;
  rtsp_url: string;
}

export interface OnvifInspection {
  manufacturer: string;
  model: string;
  firmware: string;
  serial: string;
  clock_offset_ms: number | null;
  profiles: OnvifProfile[];
  ptz: boolean;
}

export interface PtzState {
  /** `account` is the account's id. */
  lock: { account: string; name: string; role: string; until_us: number } | null;
  presets: { token: string; name: string }[];
  tour: { id: string; name: string; state: "running" | "suspended" | "failed"; step: number; cause: string } | null;
}

export interface Tour {
  id: string;
  name: string;
  steps: { preset: string; dwell_s: number }[];
}

export interface Span {
  start_us: number;
  end_us: number;
}

export interface Timeline {
  spans: Span[];
  gaps: (Span & { cause: string })[];
  holds: (Span & { id: string; reason: string })[];
  earliest_us: number | null;
  latest_us: number | null;
}

export interface Hold extends Span {
  id: string;
  camera_ids: string[];
  reason: string;
}

export interface ExportFile {
  name: string;
  bytes: number;
  sha256: string;
}

export interface ExportJob {
  id: string;
  state: "queued" | "running" | "done" | "failed" | "cancelled";
  progress_pct: number;
  files: ExportFile[];
  error: string | null;
  camera_ids?: string[];
  start_us?: number;
  end_us?: number;
  reason?: string;
  created_us?: number;
  account?: string;
  name?: string;
  [more: string]: unknown;
}

export interface Account {
  id: string;
  account: string;
  name: string;
  roles: Role[];
  sector_ids: string[] | null;
  enabled: boolean;
  created_us: number;
  last_sign_in_us: number | null;
}

export interface AccountSession {
  id: string;
  address?: string;
  created_us?: number;
  last_seen_us?: number;
  expires_us?: number;
  current?: boolean;
  user_agent?: string;
  [more: string]: unknown;
}

export interface AuditEntry {
  number: number;
  at_us: number;
  actor: string;
  actor_name: string;
  address: string;
  action: string;
  subject: string;
  detail: Record<string, unknown>;
  hash: string;
}

export interface AuditVerification {
  ok: boolean;
  entries?: number;
  first_bad?: number | null;
  message?: string;
  [more: string]: unknown;
}

// Health, alarms and maintenance, as in docs/design/interfaces-health.md.

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
