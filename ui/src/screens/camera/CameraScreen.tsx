/** One camera: a large live picture to search with, steering where it moves, and beside it the facts and the way to its recording. */
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";
import { Button, Code, Empty, Segmented } from "@/design";
import { say } from "@/design/toast";
import { useFormats } from "@/i18n/format";
import { judgeCamera } from "@/state/camera_state";
import { useCamera, useCameraStatus } from "@/state/hooks";
import { useMay } from "@/state/session";
import { CameraState } from "@/video/CameraPicker";
import { Tool } from "@/video/controls";
import type { LiveSession } from "@/video/liveSession";
import { LiveClock, LiveView } from "@/video/LiveView";
import { useName } from "@/state/preferences";
import { PtzLayer } from "@/video/PtzLayer";
import { saveSnapshot } from "@/video/snapshot";
import type { StreamName } from "@/api/types";
import { CameraFacts } from "./CameraFacts";
import { PtzPanel } from "./PtzPanel";
import "./camera.css";

export function CameraScreen() {
  const { id } = useParams();
  const camera = useCamera(id);
  const status = useCameraStatus(id);
  const { t } = useTranslation("video");
  const f = useFormats();
  const names = useName();
  const may = useMay();
  const navigate = useNavigate();
  const [session, setSession] = useState<LiveSession | null>(null);
  const [stream, setStream] = useState<StreamName>("main");
  const [ptzRound, setPtzRound] = useState(0);
  const judged = useMemo(() => (camera ? judgeCamera(camera, status) : null), [camera, status]);
  if (!camera || !judged) return <Empty title={t("no_camera")}>{t("no_camera_text")}</Empty>;
  const moves = camera.kind === "ptz" && may.ptz;
  const snapshot = () => {
    const facts = session?.snapshot();
    if (!session?.surface || !facts) return;
    saveSnapshot(session.surface, camera, facts.lastWallUs, `${names(camera)} · ${f.stamp(facts.lastWallUs)}`).catch(() =>
      say(t("snapshot_failed"), { tone: "high" }),
    );
  };
  const full = () => void document.querySelector(".camera-stage")?.requestFullscreen().catch(() => undefined);
  return (
    <div className="camera-page">
      <div className="camera-main">
        <header className="camera-head">
          <CameraState camera={camera} size={20} />
          <h1>{names(camera)}</h1>
          <Code>{camera.code}</Code>
          <span className="camera-gap" />
          {camera.has_sub && (
            <Segmented<StreamName>
              label={t("stream")}
              value={stream}
              onChange={setStream}
              choices={[
                { id: "main", text: t("main") },
                { id: "sub", text: t("sub") },
              ]}
            />
          )}
          <Tool icon="snapshot" label={t("snapshot")} onPress={snapshot} />
          <Tool icon="full" label={t("full")} onPress={full} />
          {may.playback && (
            <Button look="primary" icon="playback" onPress={() => void navigate(`/playback?cameras=${camera.id}`)}>
              {t("to_playback")}
            </Button>
          )}
        </header>
        <div className="camera-stage">
          {may.watch ? (
            <LiveView key={camera.id} camera={camera} stream={stream} onSession={setSession}>
              {(facts) => (
                <>
                  {moves && facts.state === "live" && <PtzLayer cameraId={camera.id} onDone={() => setPtzRound((n) => n + 1)} />}
                  <div className="tile-edge camera-edge">
                    <LiveClock facts={facts} />
                    {facts.fellBack && facts.state === "live" && <span className="tile-note">{t("fell_back")}</span>}
                    <span className="tile-gap" />
                    {facts.state === "live" && (
                      <bdi className="code number">
                        {facts.widthPx}×{facts.heightPx}
                      </bdi>
                    )}
                  </div>
                </>
              )}
            </LiveView>
          ) : (
            <Empty title={t("may_not_watch")}>{t("may_not_watch_text")}</Empty>
          )}
        </div>
        {moves && <p className="camera-hint">{t("ptz.how")}</p>}
      </div>
      <aside className="camera-side">
        {moves && <PtzPanel camera={camera} round={ptzRound} />}
        <CameraFacts camera={camera} status={status} judged={judged} />
      </aside>
    </div>
  );
}
