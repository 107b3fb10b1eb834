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
