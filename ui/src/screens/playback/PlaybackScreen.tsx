/**
 * Playback: up to sixteen cameras on one clock, a timeline below, and what is done with a span: snapshot, hold, export.
 *
 * The address carries the cameras and the moment: `/playback?cameras=a,b&at=<µs>`. Nothing here is mirrored in Arabic but the page
 * around it. Keys: space plays, `,` and `.` go frame by frame, arrows ten seconds, 1–7 the speeds.
 */
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useSearchParams } from "react-router";
import type { Camera } from "@/api/types";
import { Button, Empty } from "@/design";
import { say } from "@/design/toast";
import { useFormats } from "@/i18n/format";
import { serverNowMs } from "@/state/connection";
import { useCameras, useNow } from "@/state/hooks";
import { useMay } from "@/state/session";
import { CameraPicker } from "@/video/CameraPicker";
import { SPEEDS } from "@/video/clocks";
import { Toggle, Tool } from "@/video/controls";
import { useName } from "@/state/preferences";
import { LIMIT_CAMERAS, PlaybackGroup } from "@/video/playback/group";
import { saveSnapshot } from "@/video/snapshot";
import { around, follow, MIN_US, S_US, type View } from "@/video/timeline/scale";
import { gapCause, nextStart } from "@/video/timeline/spans";
import { type Selection, Timeline, ZOOMS } from "@/video/timeline/Timeline";
import { useTimelines } from "@/video/timeline/useTimelines";
import { GoTo } from "./GoTo";
import { PlaybackTile } from "./PlaybackTile";
import { SpanDialog } from "./SpanDialog";
import "./playback.css";

const BEGIN_BACK_US = 30 * S_US;

export function PlaybackScreen() {
  const { t } = useTranslation("playback");
  const f = useFormats();
  const names = useName();
  const may = useMay();
  const navigate = useNavigate();
  const [query, setQuery] = useSearchParams();
  const all = useCameras();
  const nowUs = useNow(500) * 1000;
  const asked = query.get("cameras") ?? "";
  const cameras = useMemo(() => {
    const byId = new Map(all.map((camera) => [camera.id, camera]));
    return asked.split(",").flatMap((id) => byId.get(id) ?? []).slice(0, LIMIT_CAMERAS);
  }, [all, asked]);
  const [start] = useState(() => Number(query.get("at")) || serverNowMs() * 1000 - BEGIN_BACK_US);
  const group = useGroup(start);
  const facts = useSyncExternalStore(group.subscribe, group.snapshot);
  const [view, setView] = useState<View>(() => around(start - 10 * MIN_US, 30 * MIN_US));
  const [following, setFollowing] = useState(true);
  const [listOpen, setListOpen] = useState(cameras.length === 0);
  const [selection, setSelection] = useState<Selection | null>(null);
  const [dialog, setDialog] = useState<"export" | "hold" | null>(null);
  const [chosen, setChosen] = useState<string | null>(null);
  const ids = useMemo(() => cameras.map((camera) => camera.id), [cameras]);
  const { timelines, error, renew } = useTimelines(ids, view);

  const known = useRef(timelines);
  known.current = timelines;
  useEffect(() => {
    group.onGap = (us) => nextStart(Object.values(known.current), us);
    group.serverNowUs = () => serverNowMs() * 1000;
  }, [group]);

  useEffect(() => {
    if (following && facts.playing) setView((now) => follow(now, facts.us));
  }, [following, facts.playing, facts.us]);

  const seek = useCallback(
    (us: number) => {
      group.seek(us);
      setView((now) => follow(now, us));
    },
    [group],
  );
  // The address keeps the moment when it settles, so that a link shows what I saw.
  const settled = facts.playing || facts.scrubbing ? 0 : Math.round(facts.us);
  useEffect(() => {
    if (!settled || ids.length === 0) return;
    const timer = window.setTimeout(() => {
      const next = new URLSearchParams(window.location.search);
      next.set("at", String(settled));
      window.history.replaceState(window.history.state, "", `?${next.toString()}`);
    }, 400);
    return () => window.clearTimeout(timer);
  }, [settled, ids.length]);

  const change = (next: string[]) => {
    const params = new URLSearchParams(query);
    params.set("cameras", next.join(","));
    params.set("at", String(Math.round(group.nowUs)));
    setQuery(params, { replace: true });
  };
  const choose = (camera: Camera) => {
    if (ids.includes(camera.id)) change(ids.filter((id) => id !== camera.id));
    else if (ids.length >= LIMIT_CAMERAS) say(t("too_many", { count: LIMIT_CAMERAS }), { tone: "high" });
    else change([...ids, camera.id]);
  };
  const lead = cameras.find((camera) => camera.id === chosen) ?? cameras[0];
  const snapshot = () => {
    const canvas = lead && document.querySelector<HTMLCanvasElement>(`[data-playback="${lead.id}"] canvas`);
    const track = lead && facts.tracks.get(lead.id);
    if (!lead || !canvas || !track?.shownUs) return;
    saveSnapshot(canvas, lead, track.shownUs, `${names(lead)} · ${f.stamp(track.shownUs)}`).catch(() => say(t("snapshot_failed"), { tone: "high" }));
  };
  const openSpan = (kind: "export" | "hold") => {
    const us = Math.round(group.nowUs);
    group.pause();
    setSelection((now) => now ?? { start_us: us - MIN_US, end_us: Math.min(us + MIN_US, serverNowMs() * 1000) });
    if (!selection) setView((now) => (now.toUs - now.fromUs > 20 * MIN_US ? around(us, 10 * MIN_US) : now));
    setDialog(kind);
  };

  useKeys(group, seek);

  const columns = Math.ceil(Math.sqrt(Math.max(1, cameras.length)));
  return (
    <div className="playback" data-testid="playback" data-us={Math.round(facts.us)} data-playing={facts.playing} data-skew-us={Math.round(facts.skewUs)}>
      <div className="playback-body">
        <div className="playback-stage" style={{ gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))` }} dir="ltr">
          {cameras.map((camera) => (
            <PlaybackTile
              key={camera.id}
              camera={camera}
              group={group}
              facts={facts.tracks.get(camera.id)}
              gap={gapCause(timelines[camera.id], facts.us)}
              held={facts.held}
              chosen={lead?.id === camera.id && cameras.length > 1}
              onChoose={() => setChosen(camera.id)}
              onRemove={() => change(ids.filter((id) => id !== camera.id))}
            />
          ))}
          {cameras.length === 0 && (
            <Empty title={t("empty")} action={<Button icon="plus" onPress={() => setListOpen(true)}>{t("add_camera")}</Button>}>
              {t("empty_text")}
            </Empty>
          )}
        </div>
        {listOpen && (
          <aside className="playback-list" aria-label={t("cameras")}>
            <CameraPicker onChoose={choose} chosen={new Set(ids)} autoFocus={cameras.length === 0} />
          </aside>
        )}
      </div>
      <div className="playback-bar">
        <div className="playback-when">
          <GoTo us={facts.us} nowUs={nowUs} onGo={seek} />
        </div>
        <div className="playback-controls" dir="ltr" role="toolbar" aria-label={t("controls")}>
          <Tool icon="back10" label={t("back", { seconds: f.number(10) })} onPress={() => seek(group.nowUs - 10 * S_US)} />
          <Tool icon="stepBack" label={t("step_back")} onPress={() => group.step(-1)} />
          <Tool look="plain" icon={facts.playing ? "pause" : "play"} label={facts.playing ? t("pause") : t("play")} onPress={() => group.toggle()} />
          <Tool icon="stepOn" label={t("step_on")} onPress={() => group.step(1)} />
          <Tool icon="on10" label={t("on", { seconds: f.number(10) })} onPress={() => seek(group.nowUs + 10 * S_US)} />
          <div className="speeds" role="radiogroup" aria-label={t("speed")}>
            {SPEEDS.map((speed) => (
              <button key={speed} type="button" role="radio" aria-checked={facts.speed === speed} className="speed number" onClick={() => group.setSpeed(speed)}>
                {speedText(speed, f.number)}
              </button>
            ))}
          </div>
          {facts.keysOnly && <span className="keys-only">{t("keys_only")}</span>}
        </div>
        <div className="playback-acts">
          <Tool
            icon="live"
            label={t("to_live")}
            isDisabled={!lead}
            onPress={() => lead && void navigate(cameras.length > 1 ? `/wall?cameras=${ids.join(",")}` : `/camera/${lead.id}`)}
          >
            {t("live")}
          </Tool>
          <Tool icon="snapshot" label={t("snapshot")} onPress={snapshot} isDisabled={!lead} />
          {may.hold && <Tool icon="lock" label={t("hold")} onPress={() => openSpan("hold")} isDisabled={cameras.length === 0} />}
          {may.exportVideo && (
            <Tool icon="export" label={t("export")} onPress={() => openSpan("export")} isDisabled={cameras.length === 0}>
              {t("export")}
            </Tool>
          )}
          <Toggle icon="list" label={t("cameras")} isSelected={listOpen} onChange={setListOpen} />
        </div>
      </div>
      {dialog && selection && (
        <SpanDialog
          kind={dialog}
          cameras={cameras}
          selection={selection}
          onSelection={setSelection}
          headUs={facts.us}
          onClose={() => {
            setDialog(null);
            setSelection(null);
            renew();
          }}
        />
      )}
      <div className="playback-timeline">
        <Timeline
          rows={cameras.map((camera) => ({ id: camera.id, code: camera.code, name: names(camera), data: timelines[camera.id] }))}
          view={view}
          onView={(next) => {
            setFollowing(facts.us >= next.fromUs && facts.us <= next.toUs);
            setView(next);
          }}
          headUs={facts.us}
          nowUs={nowUs}
          onScrub={(us) => group.scrub(us)}
          onSeek={(us) => {
            setFollowing(true);
            group.seek(us);
          }}
          selection={selection}
          onSelection={setSelection}
        />
        <div className="timeline-foot">
          <span className="legend">
            <i className="key recorded" /> {t("recorded")} <i className="key gap" /> {t("gap_word")} <i className="key hold" /> {t("held_word")}
          </span>
          {Boolean(error) && <span className="text-high">{t("timeline_failed")}</span>}
          <span className="wall-gap" />
          <span className="zooms" dir="ltr">
            {ZOOMS.map(({ key, value, spanUs }) => (
              <button key={spanUs} type="button" className="speed" dir="auto" onClick={() => setView(around(facts.us, spanUs))}>
                {t(`zoom.${key}`, { value: f.number(value) })}
              </button>
            ))}
          </span>
        </div>
      </div>
    </div>
  );
}

/** One group for the life of the screen (and in development's double mounting, a fresh one). */
function useGroup(startUs: number): PlaybackGroup {
  const [group, setGroup] = useState(() => new PlaybackGroup(startUs));
  const ended = useRef(false);
  useEffect(() => {
    if (ended.current) {
      ended.current = false;
      setGroup(new PlaybackGroup(group.nowUs));
      return;
    }
    return () => {
      ended.current = true;
      group.close();
    };
  }, [group]);
  return group;
}

function useKeys(group: PlaybackGroup, seek: (us: number) => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.ctrlKey || event.metaKey || event.altKey || target.closest("input, textarea, [role=dialog], [role=listbox]")) return;
      const speed = SPEEDS[Number(event.key) - 1];
      if (event.key === " " && !target.closest("button")) group.toggle();
      else if (event.key === ",") group.step(-1);
      else if (event.key === ".") group.step(1);
      else if (event.key === "ArrowLeft") seek(group.nowUs - 10 * S_US);
      else if (event.key === "ArrowRight") seek(group.nowUs + 10 * S_US);
      else if (speed) group.setSpeed(speed);
      else return;
      event.preventDefault();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [group, seek]);
}

function speedText(speed: number, number: (value: number) => string): string {
  if (speed === 0.25) return "¼×";
  if (speed === 0.5) return "½×";
  return `${number(speed)}×`;
}
