/** What `/api/work-orders`, `/api/teams`, `/api/outages`, `/api/rounds` and `/api/availability` answer. */
export type Priority = "low" | "medium" | "high" | "critical";

export type OrderState = "open" | "assigned" | "accepted" | "on_site" | "done" | "reopened" | "closed" | "cancelled";

export interface OrderView {
  id: string;
  number: number;
  state: OrderState;
  open: boolean;
  priority: Priority;
  site_id: string;
  sector_id: string | null;
  camera_ids: string[];
  cause_id: string | null;
  cause_kind: string;
  alarm_id: string | null;
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

export interface OrderEntry {
  id: string;
  at_us: number;
  what: string;
  by: string;
  by_name: string;
  text: string;
  detail: { still?: string[]; taken?: string };
}

export interface Photo {
  id: string;
  taken: "before" | "after";
  at_us: number;
  by_name: string;
  width_px: number;
  height_px: number;
}

export interface OrderDetail extends OrderView {
  entries: OrderEntry[];
  photos: Photo[];
  nearest_teams: { team_id: string; away_km: number | null }[];
}

export interface Team {
  id: string;
  code: string;
  name_ar: string;
  name_en: string;
  phone: string;
  sector_ids: string[] | null;
  lat: number | null;
  lon: number | null;
  enabled: boolean;
  changed_us: number;
}

export interface OutageView {
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

export interface RoundView {
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

export interface AvailabilityGroup {
  key: string;
  cameras: number;
  available_pct: number | null;
  met: boolean | null;
  lost_h: number;
  planned_h: number;
  spans: number;
  know_s: number | null;
  respond_s: number | null;
  repair_s: number | null;
}

export interface Availability {
  from_us: number;
  to_us: number;
  by: string;
  service_level_pct: number;
  whole: AvailabilityGroup;
  groups: AvailabilityGroup[];
}

/** What a person may do next with an order, the likeliest first. The server decides; this only says it beforehand. */
export const NEXT: Record<OrderState, OrderState[]> = {
  open: ["accepted", "cancelled"],
  assigned: ["accepted", "cancelled"],
  accepted: ["on_site", "done", "cancelled"],
  on_site: ["done", "cancelled"],
  done: [],
  reopened: ["accepted", "cancelled"],
  closed: [],
  cancelled: [],
};
