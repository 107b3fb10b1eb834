/** One camera of a playback: its canvas, and over it what there is instead of a picture. */
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { Camera } from "@/api/types";
import { useFormats } from "@/i18n/format";
import { codecName } from "@/video/codecs";
import { Tool } from "@/video/controls";
import { Icon } from "@/video/icons";
import { useName } from "@/state/preferences";
import type { PlaybackGroup } from "@/video/playback/group";
import type { TrackFacts } from "@/video/playback/track";
import "@/video/video.css";

interface Props {
  camera: Camera;
  group: PlaybackGroup;
  facts: TrackFacts | undefined;
  gap: string | null;
  held: boolean;
  chosen: boolean;
  onChoose(): void;
  onRemove(): void;
}

export function PlaybackTile({ camera, group, facts, gap, held, chosen, onChoose, onRemove }: Props) {
  const { t } = useTranslation("playback");
  const f = useFormats();
  const names = useName();
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => (canvas.current ? group.attach(camera.id, canvas.current) : undefined), [group, camera.id]);
  const state = facts?.state ?? "loading";
  return (
    <div
      className="play-tile"
      data-playback={camera.id}
      data-testid="playback-tile"
      data-state={state}
      data-wall-us={facts?.shownUs ?? 0}
      data-chosen={chosen || undefined}
      onClick={onChoose}
    >
      <canvas ref={canvas} className="play-canvas" />
      {state === "gap" && (
        <div className="play-over" dir="auto">
          <Icon name="warn" size={24} />
          <strong>{t("no_recording")}</strong>
          {gap && <span>{t(`gap.${gap}`, { defaultValue: t(`common:cause.${gap}`, { defaultValue: t("gap.unknown") }) })}</span>}
        </div>
      )}
      {state === "problem" && (
        <div className="play-over" dir="auto">
          <Icon name="warn" size={24} />
          <strong>{t(`problem.${facts?.problem || "server"}`)}</strong>
        </div>
      )}
      {state === "loading" && held && (
        <div className="play-over play-over-quiet" dir="auto">
          <span className="spinner-dots" />
          <span>{t("loading")}</span>
        </div>
      )}
      {state === "still" && (
        <div className="play-note" dir="auto">
          {t("still", { codec: codecName(facts?.codec ?? "") })}
        </div>
      )}
      <div className="tile-edge" dir={document.documentElement.dir}>
        <span className="tile-name">{names(camera)}</span>
        <bdi className="code">{camera.code}</bdi>
        <span className="tile-gap" />
        {facts && facts.shownUs > 0 && <time className="number">{f.clock(facts.shownUs / 1000)}</time>}
      </div>
      <div className="tile-tools">
        <Tool look="overlay" small icon="close" label={t("remove_camera")} onPress={onRemove} />
      </div>
    </div>
  );
}
