/**
 * The pictures of an alarm: now, and what to hold it against (a minute before the start, or the reference view for faults of the
 * picture). Live begins a moment after the choice, so that moving through the list opens no streams.
 */
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Alarm, AlarmDetail } from "@/api/health";
import type { Camera } from "@/api/types";
import { Code, Empty } from "@/design";
import { useFormats } from "@/i18n/format";
import { useCamera, useWorld } from "@/state/hooks";
import { useName } from "@/state/preferences";
import { useMay } from "@/state/session";
import { LiveClock, LiveView } from "@/video/LiveView";
import { camerasOf, minuteBefore } from "./places";

const SETTLE_MS = 120;
const WIDTH_PX = 640;
const SHOWN = 6;

export function Pictures({ alarm, detail }: { alarm: Alarm; detail: AlarmDetail | null }) {
  const { t } = useTranslation("alarms");
  const may = useMay();
  const names = useName();
  const ids = camerasOf(alarm);
  const [wanted, setWanted] = useState<string | null>(null);
  const cameraId = wanted && ids.includes(wanted) ? wanted : (ids[0] ?? null);
  const camera = useCamera(cameraId);
  if (!camera) return null;
  return (
    <section className="al-pictures">
      <div className="al-pair">
        <figure>
          <figcaption>
            {t("picture.now")} <Code>{camera.code}</Code> <span className="muted">{names(camera)}</span>
          </figcaption>
          <div className="picture-slot" data-testid="alarm-now">
            {may.watch ? <Now key={camera.id} camera={camera} /> : <Empty title={t("picture.may_not")} />}
          </div>
        </figure>
        <Compared alarm={alarm} detail={detail} camera={camera} />
      </div>
      {ids.length > 1 && (
        <div className="al-cameras" role="group" aria-label={t("picture.cameras")}>
          {ids.slice(0, SHOWN).map((one) => (
            <CameraChoice key={one} id={one} chosen={one === camera.id} onChoose={() => setWanted(one)} />
          ))}
          {ids.length > SHOWN && <Link to={`/wall?cameras=${ids.slice(0, 16).join(",")}`}>{t("picture.more", { count: ids.length - SHOWN })}</Link>}
        </div>
      )}
    </section>
  );
}

function CameraChoice({ id, chosen, onChoose }: { id: string; chosen: boolean; onChoose: () => void }) {
  const camera = useCamera(id);
  if (!camera) return null;
  return (
    <button type="button" className="chip" aria-pressed={chosen} onClick={onChoose}>
      <Code>{camera.code}</Code>
    </button>
  );
}

function Now({ camera }: { camera: Camera }) {
  const [settled, setSettled] = useState(false);
  useEffect(() => {
    const id = window.setTimeout(() => setSettled(true), SETTLE_MS);
    return () => window.clearTimeout(id);
  }, []);
  const spares = useWorld((world) => world.statuses.get(camera.id)?.main?.state === "stopped");
  if (!settled) return null;
  // The stream that is recorded: its picture is there at once, and one that saves power is not made to send another.
  return (
    <LiveView camera={camera} stream={spares && camera.has_sub ? "sub" : "main"} compact>
      {(facts) => (
        <div className="al-clock">
          <LiveClock facts={facts} />
        </div>
      )}
    </LiveView>
  );
}

function Compared({ alarm, detail, camera }: { alarm: Alarm; detail: AlarmDetail | null; camera: Camera }) {
  const { t } = useTranslation("alarms");
  const f = useFormats();
  const may = useMay();
  // A group has the pictures of its parts.
  const own = [alarm, ...(detail?.grouped ?? [])].find((one) => one.pictures && one.subject === `camera:${camera.id}`)?.pictures;
  const at = minuteBefore(alarm);
  const query = new URLSearchParams({ at_us: String(at), width_px: String(WIDTH_PX), exact: "0" });
  const before = `/api/cameras/${encodeURIComponent(camera.id)}/frame.jpg?${query.toString()}`;
  const evidence = (name: string) => (name.startsWith("/") ? name : `/api/cameras/${encodeURIComponent(camera.id)}/health/pictures/${encodeURIComponent(name)}`);
  return (
    <>
      {own?.reference ? (
        <Still key={own.reference} title={t("picture.reference")} address={evidence(own.reference)} />
      ) : (
        may.playback && <Still key={before} title={t("picture.before")} stamp={f.clock(at / 1000)} address={before} />
      )}
      {own?.now && <Still key={own.now} title={t("picture.at_alarm")} address={evidence(own.now)} />}
    </>
  );
}

/** One still picture; fetched a moment after it is wanted, and honest when there is none. */
function Still({ title, stamp, address }: { title: string; stamp?: string; address: string }) {
  const { t } = useTranslation("alarms");
  const f = useFormats();
  const [shown, setShown] = useState<{ url: string; atUs: number } | "none" | "failed" | null>(null);
  useEffect(() => {
    const abort = new AbortController();
    let url = "";
    const fetchIt = async () => {
      try {
        const answer = await fetch(address, { signal: abort.signal, credentials: "same-origin" });
        if (!answer.ok) return setShown(answer.status === 404 ? "none" : "failed");
        url = URL.createObjectURL(await answer.blob());
        setShown({ url, atUs: Number(answer.headers.get("X-Frame-Us") ?? 0) });
      } catch {
        if (!abort.signal.aborted) setShown("failed"); // the network is away
      }
    };
    const id = window.setTimeout(() => void fetchIt(), SETTLE_MS);
    return () => {
      window.clearTimeout(id);
      abort.abort();
      if (url) URL.revokeObjectURL(url);
    };
  }, [address]);
  const picture = shown !== null && typeof shown === "object" ? shown : null;
  return (
    <figure>
      <figcaption>
        {title} <span className="muted number">{picture?.atUs ? f.clock(picture.atUs / 1000) : stamp}</span>
      </figcaption>
      <div className="picture-slot">
        {picture ? (
          <img src={picture.url} alt={title} />
        ) : (
          <div className="al-no-picture" role="status">
            {shown === null ? t("picture.loading") : t(`picture.${shown as "none" | "failed"}`)}
          </div>
        )}
      </div>
    </figure>
  );
}
