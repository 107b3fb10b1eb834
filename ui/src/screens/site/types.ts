/** What `GET /api/sites/{id}/condition` and its sisters answer (docs/design/interfaces-health.md). */
import type { Cabinet, CameraHealth, Evidence, NetworkLink, NetworkSwitch, PartState, PowerSource, Vitals, WorkOrder } from "@/api/health";
import type { Camera, CameraStatus, Site } from "@/api/types";

export interface Reading {
  subject: string;
  quantity: string;
  unit: string;
  value: number;
  at_us: number;
  age_s: number;
  stale: boolean;
  /** Why the last one that came was not believed; "" where it was. */
  fault: string;
}

export interface ForecastPoint {
  at_us: number;
  low_pct: number;
  soc_pct: number;
  high_pct: number;
}

export interface Forecast {
  at_us: number;
  state_of_charge_pct: number | null;
  load_power_w: number | null;
  hours_left: number | null;
  hours_left_low: number | null;
  hours_left_high: number | null;
  dark_at_us: number | null;
  dark_before_morning: boolean;
  curve: ForecastPoint[];
}

export type ShedDo = "half_rate" | "sub_only" | "keep_priority";
export interface ShedStep {
  do: ShedDo;
  hours_left_below: number | null;
  soc_below_pct: number | null;
  priority: number | null;
}
export interface ShedPolicy {
  enabled: boolean;
  steps: ShedStep[];
  hysteresis_h: number;
  hysteresis_pct: number;
  step: number;
  step_since_us: number | null;
  manual: boolean;
  step_by: string;
  lowered: string[];
}

export interface Condition {
  kind: string;
  subject: string;
  since_us: number;
  detail: Record<string, unknown>;
}

export interface Device {
  id: string;
  site_id: string;
  code: string;
  protocol: "mqtt" | "snmp" | "modbus" | "icmp" | "push";
  address: string;
  profile: string;
  subjects: Record<string, string>;
  poll_s: number;
  enabled: boolean;
  has_credentials: boolean;
  has_token: boolean;
}

export interface SiteCause {
  id: string;
  kind: string;
  subject: string;
  opened_us: number;
  evidence: Evidence[];
}

export type SiteCamera = Camera & { health: CameraHealth | null; status: CameraStatus; switch_id: string | null; switch_port: number | null; priority: number };

export interface SiteCondition {
  at_us: number;
  /** The `health` role is silent since then: nothing here is renewed. */
  silent_since_us: number | null;
  site: Site & { supplier: string };
  vitals: Vitals | null;
  power_sources: PowerSource[];
  cabinet: (Cabinet & { id: string }) | null;
  switches: (NetworkSwitch & { state: PartState })[];
  links: (NetworkLink & {
    state: PartState;
    a_switch_id: string | null;
    a_port: number | null;
    b_switch_id: string | null;
    b_port: number | null;
    other_site: Pick<Site, "id" | "code" | "name_ar" | "name_en" | "kind"> | null;
  })[];
  devices: Device[];
  readings: Reading[];
  conditions: Condition[];
  nights: [number, number][];
  forecast: Forecast | null;
  cameras: SiteCamera[];
  causes: SiteCause[];
  work_orders: WorkOrder[];
  shedding: {
    policy: ShedPolicy | null;
    default_steps: ShedStep[];
    cameras: Record<string, "half_rate" | "sub" | "off">;
    failures: Record<string, { times: number; why: string }>;
  };
}

export interface SeriesPoint {
  at_us: number;
  mean: number;
  low: number;
  high: number;
}

export interface SiteYear {
  year: number;
  service_level_pct: number;
  cameras: number;
  whole: { available_pct: number | null; lost_h: number; planned_h: number; spans: number } | null;
  days: { day: string; available_pct: number | null; lost_h: number; planned_h: number }[];
}
