/**
 * The map: every camera with its state, and live pictures where one is pointed at. The list beside it does the same by keyboard.
 *
 * The address keeps the chosen camera: `/map?camera=…`. Filters narrow the map and the list together.
 */
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useSearchParams } from "react-router";
import { useOpenAlarms, useSpeaker } from "@/alarms/hooks";
import { alarmSentence } from "@/alarms/words";
import { AlarmMark } from "@/alarms/AlarmMark";
import { errorText } from "@/api/client";
import type { AlarmPriority } from "@/api/health";
import type { Camera } from "@/api/types";
import { Button, Code, Empty, Select } from "@/design";
import { useFormats } from "@/i18n/format";
import { cameraRank } from "@/map/features";
import { type Place, ProvinceMap } from "@/map/provinceMap";
import { judgeCamera } from "@/state/camera_state";
import { useCalmVersion, useCamera, useCameras, useCameraStatus, useSectors, useSites, useTowns } from "@/state/hooks";
import { useName, usePreferences } from "@/state/preferences";
import { useMay } from "@/state/session";
import { world } from "@/state/world";
import { CameraPicker, CameraState } from "@/video/CameraPicker";
import { Toggle, Tool } from "@/video/controls";
import { LiveClock, LiveView } from "@/video/LiveView";
import { Legend } from "./Legend";
import "./map.css";

let leftAt: Place | null = null;

const NO_PRIORITIES: ReadonlyMap<string, AlarmPriority> = new Map();

type StateFilter = "all" | "trouble" | "recording" | "lost" | "refused" | "disabled";
const STATES: readonly StateFilter[] = ["all", "trouble", "recording", "lost", "refused", "disabled"];

export function MapScreen() {
  const { t } = useTranslation("map");
  const f = useFormats();
  const { preferences } = usePreferences();
  const names = useName();
  const [query, setQuery] = useSearchParams();
  const cameras = useCameras();
  const sites = useSites();
  const sectors = useSectors();
  const towns = useTowns();
  const statusVersion = useCalmVersion("status", 250);
  const [sector, setSector] = useState("all");
  const [kind, setKind] = useState<"all" | "fixed" | "ptz">("all");
  const [state, setState] = useState<StateFilter>("all");
  const [listOpen, setListOpen] = useState(true);
  const [hover, setHover] = useState<{ id: string; x: number; y: number } | null>(null);
  const [trouble, setTrouble] = useState("");
  const [schematic, setSchematic] = useState(false);
  const [attribution, setAttribution] = useState("");
  const host = useRef<HTMLDivElement>(null);
  const map = useRef<ProvinceMap>(null);
  const selected = query.get("camera");
  const selectedRef = useRef(selected);
  selectedRef.current = selected;

  // The router gives a new setter with every change of the address; the map must not be made anew for that.
  const latestSetQuery = useRef(setQuery);
  latestSetQuery.current = setQuery;
  const choose = useCallback((id: string | null, go: boolean) => {
    const next = new URLSearchParams(window.location.search);
    if (id) next.set("camera", id);
    else next.delete("camera");
    latestSetQuery.current(next, { replace: true });
    map.current?.select(id, go);
  }, []);

  const navigate = useNavigate();
  const openAlarm = useRef<(id: string) => void>(() => undefined);
  openAlarm.current = (id) => void navigate(`/alarms/${id}`);

  useEffect(() => {
    if (!host.current) return;
    const made = new ProvinceMap(
      host.current,
      { theme: preferences.theme, language: f.language, locale: f.locale },
      {
        hovered: (id, x, y) => setHover(id ? { id, x, y } : null),
        chosen: (id) => choose(id, false),
        alarmed: (id) => openAlarm.current(id),
        failed: (error) => setTrouble(errorText(error)),
        settled: () => (leftAt = made.current),
        schematic: () => setSchematic(true),
        attributed: setAttribution,
      },
      leftAt,
    );
    map.current = made;
    made.select(selectedRef.current, !leftAt);
    const observer = new ResizeObserver(() => made.resize());
    observer.observe(host.current);
    return () => {
      leftAt = made.current;
      observer.disconnect();
      made.close();
    };
  }, [preferences.theme, f.language, f.locale, choose]);

  const alarms = useOpenAlarms();
  const healthVersion = useCalmVersion("health", 250);
  const ranks = useMemo(() => {
    const priorityOf = new Map<string, AlarmPriority>(alarms.map((alarm) => [alarm.signal_id, alarm.priority]));
    return new Map([...world.watched.health.values()].flatMap((health) => {
      const camera = world.cameras.get(health.id);
      return camera ? [[health.id, cameraRank(camera, world.statuses.get(health.id), health, priorityOf)] as const] : [];
    }));
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [alarms, healthVersion, statusVersion]);
  const rankOf = useCallback((camera: Camera) => ranks.get(camera.id) ?? cameraRank(camera, world.statuses.get(camera.id), undefined, NO_PRIORITIES), [ranks]);

  const filter = useCallback(
    (camera: Camera): boolean => {
      if (sector !== "all" && camera.sector_id !== sector) return false;
      if (kind !== "all" && camera.kind !== kind) return false;
      if (state === "all") return true;
      return state === "trouble" ? rankOf(camera) > 0 : judgeCamera(camera, world.statuses.get(camera.id)).state === state;
    },
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [sector, kind, state, ...(state === "all" ? [0, 0] : [statusVersion, ranks])],
  );
  const visible = useMemo(() => cameras.filter(filter), [cameras, filter]);
  useEffect(() => {
    map.current?.setPlaces(sectors, sites, towns);
  }, [sectors, sites, towns, preferences.theme, f.language, f.locale]);
  useEffect(() => {
    map.current?.setCameras(visible, world.statuses, ranks);
  }, [visible, ranks, statusVersion, preferences.theme, f.language, f.locale]);

  const shownAlarms = useMemo(() => (sector === "all" ? alarms : alarms.filter((alarm) => alarm.sector_id === sector)), [alarms, sector]);
  useEffect(() => {
    map.current?.setAlarms(shownAlarms, (priority) => t(`common:priority_letter.${priority}`));
  }, [shownAlarms, visible, t, preferences.theme, f.language, f.locale]);

  const troubled = useMemo(
    () => visible.filter((camera) => rankOf(camera) > 0).length,
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [visible, rankOf, statusVersion],
  );
  const onChoose = useCallback((camera: Camera) => choose(camera.id, true), [choose]);
  const onHover = useCallback((camera: Camera | null) => map.current?.highlight(camera?.id ?? null), []);

  return (
    <div className="map-screen">
      <div className="map-main">
        <div className="map-tools">
          <Select
            inline
            label={t("common:sector")}
            value={sector}
            onChange={setSector}
            choices={[{ id: "all", text: t("all_sectors") }, ...sectors.map((one) => ({ id: one.id, text: names(one) }))]}
          />
          <Select inline label={t("common:state")} value={state} onChange={setState} choices={STATES.map((id) => ({ id, text: t(`filter.${id}`) }))} />
          <Select
            inline
            label={t("kind")}
            value={kind}
            onChange={setKind}
            choices={[
              { id: "all", text: t("all_kinds") },
              { id: "fixed", text: t("common:camera_kind.fixed") },
              { id: "ptz", text: t("common:camera_kind.ptz") },
            ]}
          />
          <span className="map-count">
            {t("shown", { count: visible.length })}
            {troubled > 0 && <strong> · {t("troubled", { count: troubled })}</strong>}
          </span>
          <span className="map-gap" />
          <Tool icon="fit" label={t("fit")} onPress={() => map.current?.fit()} />
          <Toggle icon="list" label={t("list")} isSelected={listOpen} onChange={setListOpen} />
        </div>
        <div className="map-stage">
          <div ref={host} className="map-host" dir="ltr" data-testid="map" role="application" aria-label={t("map")} />
          {hover && hover.id !== selected && <HoverCard id={hover.id} x={hover.x} y={hover.y} />}
          <Legend schematic={schematic} />
          {attribution && (
            <p className="map-attribution">
              <bdi>{attribution}</bdi>
            </p>
          )}
          {selected && <LiveCard key={selected} id={selected} onClose={() => choose(null, false)} />}
          {trouble && (
            <div className="map-trouble notice medium" role="alert">
              <span>{t("trouble", { what: trouble })}</span>
              <Tool small icon="close" label={t("common:close")} onPress={() => setTrouble("")} />
            </div>
          )}
          {cameras.length === 0 && (
            <div className="map-empty">
              <Empty title={t("empty")}>{t("empty_text")}</Empty>
            </div>
          )}
        </div>
      </div>
      {listOpen && (
        <aside className="map-list" aria-label={t("list")}>
          <CameraPicker onChoose={onChoose} filter={filter} onHover={onHover} />
        </aside>
      )}
    </div>
  );
}

function HoverCard({ id, x, y }: { id: string; x: number; y: number }) {
  const { t } = useTranslation("common");
  const camera = useCamera(id);
  const status = useCameraStatus(id);
  const names = useName();
  if (!camera) return null;
  const judged = judgeCamera(camera, status);
  return (
    <div className="map-hover" style={{ left: x, top: y }}>
      <CameraState camera={camera} size={15} />
      <span>{names(camera)}</span>
      <Code>{camera.code}</Code>
      <span className={judged.priority === "none" ? "muted" : `text-${judged.priority}`}>{t(`camera_state.${judged.state}`)}</span>
    </div>
  );
}

/** The chosen camera, live, on the map: one action from the symbol to its picture. */
function LiveCard({ id, onClose }: { id: string; onClose(): void }) {
  const { t } = useTranslation("map");
  const f = useFormats();
  const camera = useCamera(id);
  const status = useCameraStatus(id);
  const names = useName();
  const may = useMay();
  const navigate = useNavigate();
  const [large, setLarge] = useState(false);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => event.key === "Escape" && onClose();
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [onClose]);
  if (!camera) return null;
  const judged = judgeCamera(camera, status);
  const site = camera.site_id ? world.sites.get(camera.site_id) : undefined;
  return (
    <section className="live-card" data-large={large || undefined} aria-label={t("live_of", { name: names(camera) })} data-testid="live-card">
      <header>
        <CameraState camera={camera} />
        <h2>{names(camera)}</h2>
        <Code>{camera.code}</Code>
        <span className="map-gap" />
        <Tool small icon="full" label={large ? t("smaller") : t("larger")} onPress={() => setLarge(!large)} />
        <Tool small icon="close" label={t("common:close")} onPress={onClose} />
      </header>
      <div className="live-card-picture">
        {may.watch ? (
          <LiveView camera={camera} stream={large || !camera.has_sub ? "main" : "sub"}>
            {(facts) => (
              <div className="tile-edge">
                <LiveClock facts={facts} />
              </div>
            )}
          </LiveView>
        ) : (
          <Empty title={t("may_not_watch")} />
        )}
      </div>
      <p className="live-card-facts">
        <span className={judged.priority === "none" ? "" : `text-${judged.priority}`}>{t(`common:camera_state.${judged.state}`)}</span>
        {judged.cause !== "none" && <span> · {t(`common:cause.${judged.cause}`)}</span>}
        {site && <> · <Link to={`/site/${site.id}`}>{names(site)}</Link></>}
        {status?.main && status.main.bitrate_bps > 0 && <span className="muted number"> · {f.bitrate(status.main.bitrate_bps)}</span>}
      </p>
      <CardAlarm camera={camera} />
      <footer>
        <Button small look="primary" onPress={() => void navigate(`/camera/${camera.id}`)}>
          {t("open")}
        </Button>
        {may.playback && (
          <Button small icon="playback" onPress={() => void navigate(`/playback?cameras=${camera.id}`)}>
            {t("playback")}
          </Button>
        )}
        <Button small icon="wall" onPress={() => void navigate(`/wall?cameras=${nearest(camera).join(",")}`)}>
          {t("around")}
        </Button>
      </footer>
    </section>
  );
}

/** The most urgent open alarm of this camera or its site, one press away. */
function CardAlarm({ camera }: { camera: Camera }) {
  const alarms = useOpenAlarms();
  const speaker = useSpeaker();
  const alarm = alarms.find((one) => one.camera_ids.includes(camera.id)) ?? alarms.find((one) => one.site_id !== null && one.site_id === camera.site_id);
  if (!alarm) return null;
  return (
    <Link className="live-card-alarm" to={`/alarms/${alarm.id}`}>
      <AlarmMark alarm={alarm} size={16} />
      <span>{alarmSentence(alarm, speaker)}</span>
    </Link>
  );
}

const AROUND = 4;

/** This camera and those next to it on the ground: what happens rarely stays in one picture. */
function nearest(camera: Camera): string[] {
  if (camera.lat === null || camera.lon === null) return [camera.id];
  const { lat, lon } = camera;
  const away = (other: Camera) => (other.lat === null || other.lon === null ? Infinity : (other.lat - lat) ** 2 + ((other.lon - lon) * 0.86) ** 2);
  return [...world.cameras.values()]
    .filter((other) => other.id !== camera.id && other.enabled && Number.isFinite(away(other)))
    .sort((left, right) => away(left) - away(right))
    .slice(0, AROUND - 1)
    .map((other) => other.id)
    .reduce((ids, id) => [...ids, id], [camera.id]);
}
