/** Steering beside the picture: who holds the camera, zoom, presets, home, guard tours. */
import { useCallback, useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, errorText } from "@/api/client";
import type { Camera, PtzState, Tour } from "@/api/types";
import { Button } from "@/design";
import { say } from "@/design/toast";
import { useFormats } from "@/i18n/format";
import { useMay, useSession } from "@/state/session";
import { Tool } from "@/video/controls";
import { PtzControl } from "@/video/ptz";

const RENEW_MS = 4000;

export function PtzPanel({ camera, round }: { camera: Camera; round: number }) {
  const { t } = useTranslation("video");
  const f = useFormats();
  const may = useMay();
  const { me } = useSession();
  const [state, setState] = useState<PtzState | null>(null);
  const [tours, setTours] = useState<Tour[]>([]);
  const [trouble, setTrouble] = useState("");
  const [naming, setNaming] = useState<string | null>(null);
  const path = `/api/cameras/${camera.id}`;

  const load = useCallback(async () => {
    try {
      setState(await api.get<PtzState>(`${path}/ptz`));
      setTrouble("");
    } catch (error) {
      setTrouble(errorText(error));
    }
  }, [path]);
  useEffect(() => {
    void load();
    const timer = window.setInterval(() => void load(), RENEW_MS);
    return () => window.clearInterval(timer);
  }, [load, round]);
  useEffect(() => {
    let gone = false;
    api.get<Tour[] | { tours: Tour[] }>(`${path}/tours`).then(
      (answer) => !gone && setTours(Array.isArray(answer) ? answer : answer.tours),
      () => !gone && setTours([]), // the panel's own error says already that the camera cannot be asked
    );
    return () => {
      gone = true;
    };
  }, [path]);

  const control = useMemo(() => new PtzControl(camera.id, (error) => say(errorText(error), { tone: "high" }), () => void load()), [camera.id, load]);
  const hold = (zoom: number) => ({
    onPressStart: () => control.move({ pan: 0, tilt: 0, zoom }),
    onPressEnd: () => control.stop(),
  });
  const tell = (work: Promise<unknown>) => work.then(() => load(), (error: unknown) => say(errorText(error), { tone: "high" }));
  const tourId = typeof state?.tour === "string" ? state.tour : ((state?.tour as { id?: string } | null)?.id ?? null);
  const lock = state?.lock;
  return (
    <section className="facts ptz-panel">
      <h2>{t("ptz.title")}</h2>
      {trouble && <p className="text-medium">{trouble}</p>}
      <p className="ptz-lock" data-held={lock ? "" : undefined}>
        {!lock
          ? t("ptz.free")
          : lock.account === me.account
            ? t("ptz.yours", { time: f.clock(lock.until_us / 1000) })
            : t("ptz.held", { name: lock.name || lock.account, time: f.clock(lock.until_us / 1000) })}
        {lock && (lock.account === me.account || may.releasePtz) && (
          <Button small look="quiet" onPress={() => void tell(api.delete(`${path}/ptz/lock`))}>
            {t("ptz.release")}
          </Button>
        )}
      </p>
      <div className="ptz-row">
        <Tool look="plain" icon="plus" label={t("ptz.zoom_in")} {...hold(0.5)} />
        <Tool look="plain" icon="minus" label={t("ptz.zoom_out")} {...hold(-0.5)} />
        <Tool look="plain" icon="home" label={t("ptz.home")} onPress={() => void control.send("home")} />
        <Button small={false} onPress={() => control.halt()}>
          {t("ptz.stop")}
        </Button>
      </div>
      <h3>{t("ptz.presets")}</h3>
      {state && state.presets.length === 0 && <p className="muted">{t("ptz.no_presets")}</p>}
      <ul className="ptz-presets">
        {state?.presets.map((preset) => (
          <li key={preset.token}>
            <Button small onPress={() => void control.send("absolute_preset", { preset: preset.token })}>
              <bdi>{preset.name || preset.token}</bdi>
            </Button>
          </li>
        ))}
      </ul>
      {naming === null ? (
        <Button small look="quiet" icon="plus" onPress={() => setNaming("")}>
          {t("ptz.save_preset")}
        </Button>
      ) : (
        <form
          className="ptz-row"
          onSubmit={(event) => {
            event.preventDefault();
            if (naming.trim()) void control.send("save_preset", { name: naming.trim() });
            setNaming(null);
          }}
        >
          <input className="input" autoFocus value={naming} aria-label={t("ptz.preset_name")} placeholder={t("ptz.preset_name")} onChange={(event) => setNaming(event.target.value)} />
          <Button small type="submit">
            {t("ptz.save")}
          </Button>
        </form>
      )}
      {tours.length > 0 && (
        <>
          <h3>{t("ptz.tours")}</h3>
          <ul className="ptz-tours">
            {tours.map((tour) => (
              <li key={tour.id}>
                <span>{tour.name}</span>
                <Button small onPress={() => void tell(api.post(`${path}/tours/${tour.id}/${tourId === tour.id ? "stop" : "start"}`))}>
                  {tourId === tour.id ? t("ptz.tour_stop") : t("ptz.tour_start")}
                </Button>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
