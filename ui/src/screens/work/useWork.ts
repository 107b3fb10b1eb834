/** What the sheets of maintenance share: orders and teams from the server, kept fresh by the changes that come. */
import { useCallback, useEffect, useState } from "react";
import { api, errorText } from "@/api/client";
import type { Outage, PreventiveRound, WorkOrder } from "@/api/health";
import { useChangesOf } from "@/state/hooks";
import type { Team } from "./types";

export interface Fetched<T> {
  value: T | null;
  error: string | null;
  refetch: () => void;
}

export function useFetched<T>(path: string, kind?: "work_order" | "outage" | "round"): Fetched<T> {
  const [value, setValue] = useState<T | null>(null);
  const [error, setError] = useState<string | null>(null);
  const refetch = useCallback(() => {
    api
      .get<T>(path)
      .then((found) => (setValue(found), setError(null)))
      .catch((failure: unknown) => setError(errorText(failure)));
  }, [path]);
  useEffect(refetch, [refetch]);
  useChangesOf(kind ?? "work_order", kind ? refetch : nothing);
  return { value, error, refetch };
}

function nothing(): void {
  // a list that no change concerns
}

export function useTeams(): { teams: Team[]; refetch: () => void } {
  const { value, refetch } = useFetched<Team[]>("/api/teams");
  return { teams: value ?? [], refetch };
}

export const useOrders = (): Fetched<WorkOrder[]> => useFetched<WorkOrder[]>("/api/work-orders", "work_order");
export const useOutages = (): Fetched<Outage[]> => useFetched<Outage[]>("/api/outages", "outage");
export const useRounds = (): Fetched<PreventiveRound[]> => useFetched<PreventiveRound[]>("/api/rounds", "round");
