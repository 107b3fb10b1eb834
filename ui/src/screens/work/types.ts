/** What work orders, teams and availability answer beside the shapes of `api/types.ts`. */
import type { OrderState, WorkOrder } from "@/api/health";

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

export interface OrderDetail extends WorkOrder {
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
