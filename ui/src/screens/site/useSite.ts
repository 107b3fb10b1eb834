/** A site's condition and its series, kept fresh: at once when something of the site changes, and by the clock. */
import { useCallback, useEffect, useRef, useState } from "react";
import { api, errorText } from "@/api/client";
import { serverNowMs } from "@/state/connection";
import { world } from "@/state/world";
import type { SeriesPoint, SiteCondition, SiteYear } from "./types";

const EVERY_MS = 10_000;
const SOON_MS = 400;
const SERIES_EVERY_MS = 60_000;
const OF_SITE: ReadonlySet<string> = new Set(["vitals", "site", "cabinet", "power_source", "switch", "link", "work_order", "camera", "health", "alarm"]);

export interface Asked<T> {
  value: T | null;
  error: string | null;
  again: () => void;
}

export function useCondition(id: string): Asked<SiteCondition> {
  const [value, setValue] = useState<SiteCondition | null>(null);
  const [error, setError] = useState<string | null>(null);
  const latest = useRef(0);
  const again = useCallback(() => {
    const turn = ++latest.current;
    api
      .get<SiteCondition>(`/api/sites/${id}/condition`)
      .then((found) => {
        if (turn !== latest.current) return;
        setValue(found);
        setError(null);
      })
      .catch((failure: unknown) => turn === latest.current && setError(errorText(failure)));
  }, [id]);
  useEffect(() => {
    let soon: number | null = null;
    again();
    const every = window.setInterval(again, EVERY_MS);
    const off = world.tap((changes) => {
      const concerns = changes.some((one) => OF_SITE.has(one.kind) && (one.id === id || JSON.stringify(one.value ?? "").includes(id)));
      if (concerns && soon === null)
        soon = window.setTimeout(() => {
          soon = null;
          again();
        }, SOON_MS);
    });
    return () => {
      latest.current += 1;
      off();
      window.clearInterval(every);
      if (soon !== null) window.clearTimeout(soon);
    };
  }, [again, id]);
  return { value, error, again };
}

export interface Series {
  points: SeriesPoint[];
  /** Nothing was answered yet. */
  waiting: boolean;
  failed: boolean;
}

/** The last `hours` of one quantity of one thing. `subject` null: nothing to ask for. */
export function useSeries(siteId: string, subject: string | null, quantity: string, hours: number, points = 240): Series {
  const [series, setSeries] = useState<Series>({ points: [], waiting: true, failed: false });
  useEffect(() => {
    if (!subject) return setSeries({ points: [], waiting: false, failed: false });
    let gone = false;
    const ask = () => {
      const to_us = Math.round(serverNowMs() * 1000);
      const from_us = to_us - hours * 3_600_000_000;
      api
        .get<{ points: SeriesPoint[] }>(`/api/sites/${siteId}/series`, { subject, quantity, from_us, to_us, points })
        .then((found) => !gone && setSeries({ points: found.points, waiting: false, failed: false }))
        .catch(() => !gone && setSeries((old) => ({ ...old, waiting: false, failed: true })));
    };
    ask();
    const every = window.setInterval(ask, SERIES_EVERY_MS);
    return () => {
      gone = true;
      window.clearInterval(every);
    };
  }, [siteId, subject, quantity, hours, points]);
  return series;
}

export function useYear(siteId: string, year: number): Asked<SiteYear> {
  const [value, setValue] = useState<SiteYear | null>(null);
  const [error, setError] = useState<string | null>(null);
  const again = useCallback(() => {
    api
      .get<SiteYear>(`/api/sites/${siteId}/availability`, { year })
      .then((found) => (setValue(found), setError(null)))
      .catch((failure: unknown) => setError(errorText(failure)));
  }, [siteId, year]);
  useEffect(again, [again]);
  return { value, error, again };
}
