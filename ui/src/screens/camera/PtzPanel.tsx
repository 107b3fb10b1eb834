/**
 * Steering beside the picture: who holds the camera, zoom, presets, home, guard tours.
 *
 * A guard tour made here goes through all presets in their order; its steps can be changed through `PUT …/tours`.
 */
import { useCallback, useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, errorText } from "@/api/client";
import type { Camera, PtzState, Tour } from "@/api/types";
import { Button, DialogBox, Select } from "@/design";
import { say } from "@/design/toast";
import { useFormats } from "@/i18n/format";
import { useMay, useSession } from "@/state/session";
import { Tool } from "@/video/controls";
import { PtzControl } from "@/video/ptz";

/** So often it is asked who holds the camera. */
const ASK_MS = 1500;
const DWELLS_S = [5, 10, 20, 30, 60];

type Naming = { what: "preset" | "tour"; name: string; dwellS: number };

export function PtzPanel({ camera, round }: { camera: Camera; round: number }) {
  const { t } = useTranslation("video");
  const f = useFormats();
  const may = useMay();
  const { me } = useSession();
  const [state, setState] = useState<PtzState | null>(null);
  const [tours, setTours] = useState<Tour[]>([]);
  const [trouble, setTrouble] = useState("");
  const [naming, setNaming] = useState<Naming | null>(null);
  const [removing, setRemoving] = useState<{ what: "preset" | "tour"; id: string; name: string } | null>(null);
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
    const timer = window.setInterval(() => void load(), ASK_MS);
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
  useEffect(() => () => control.stop(), [control]);
  const hold = (zoom: number) => ({
    onPressStart: () => control.move({ pan: 0, tilt: 0, zoom }),
    onPressEnd: () => control.stop(),
  });
  const tell = (work: Promise<unknown>) => work.then(() => load(), (error: unknown) => say(errorText(error), { tone: "high" }));
  const keepTours = (next: Omit<Tour, "id">[]) => tell(api.put<Tour[]>(`${path}/tours`, next).then(setTours));
  const remove = () => {
    if (removing?.what === "preset") void control.send("delete_preset", { preset: removing.id });
    else if (removing) void keepTours(tours.filter((tour) => tour.id !== removing.id));
    setRemoving(null);
  };
  const keep = () => {
    const name = naming?.name.trim();
    if (!naming || !name) return;
    const steps = (state?.presets ?? []).map((preset) => ({ preset: preset.token, dwell_s: naming.dwellS }));
    if (naming.what === "preset") void control.send("save_preset", { name });
    else void keepTours([...tours, { name, steps }]);
    setNaming(null);
  };
  const runs = state?.tour ?? null;
  const lock = state?.lock;
  return (
    <section className="facts ptz-panel">
      <h2>{t("ptz.title")}</h2>
      {trouble && <p className="text-medium">{trouble}</p>}
      <p className="ptz-lock" data-held={lock ? "" : undefined}>
        {!lock
          ? t("ptz.free")
          : lock.account === me.account_id
            ? t("ptz.yours", { time: f.clock(lock.until_us / 1000) })
            : t("ptz.held", { name: lock.name || lock.account, time: f.clock(lock.until_us / 1000) })}
        {lock && (lock.account === me.account_id || may.releasePtz) && (
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
            <Tool small icon="trash" label={t("ptz.delete_preset", { name: preset.name || preset.token })} onPress={() => setRemoving({ what: "preset", id: preset.token, name: preset.name || preset.token })} />
          </li>
        ))}
      </ul>
      {naming?.what !== "preset" && (
        <Button small look="quiet" icon="plus" onPress={() => setNaming({ what: "preset", name: "", dwellS: 10 })}>
          {t("ptz.save_preset")}
        </Button>
      )}
      {naming?.what === "preset" && <Name naming={naming} label={t("ptz.preset_name")} change={setNaming} keep={keep} />}
      <h3>{t("ptz.tours")}</h3>
      {tours.length === 0 && <p className="muted">{t("ptz.no_tours")}</p>}
      <ul className="ptz-tours">
        {tours.map((tour) => (
          <li key={tour.id}>
            <span>
              <bdi>{tour.name}</bdi>
              {runs?.id === tour.id && (
                <small className={runs.state === "failed" ? "text-medium" : "muted"}> · {t(`ptz.tour_${runs.state}`, { step: f.number(runs.step + 1), count: tour.steps.length })}</small>
              )}
            </span>
            <span className="ptz-row">
              <Button small onPress={() => void tell(api.post(`${path}/tours/${tour.id}/${runs?.id === tour.id ? "stop" : "start"}`))}>
                {runs?.id === tour.id ? t("ptz.tour_stop") : t("ptz.tour_start")}
              </Button>
              <Tool small icon="trash" label={t("ptz.delete_tour", { name: tour.name })} onPress={() => setRemoving({ what: "tour", id: tour.id, name: tour.name })} />
            </span>
          </li>
        ))}
      </ul>
      {naming?.what !== "tour" && (state?.presets.length ?? 0) > 1 && (
        <Button small look="quiet" icon="plus" onPress={() => setNaming({ what: "tour", name: "", dwellS: 10 })}>
          {t("ptz.new_tour")}
        </Button>
      )}
      {naming?.what === "tour" && (
        <>
          <p className="muted">{t("ptz.new_tour_text")}</p>
          <Select
            label={t("ptz.dwell")}
            value={String(naming.dwellS)}
            onChange={(value) => setNaming({ ...naming, dwellS: Number(value) })}
            choices={DWELLS_S.map((s) => ({ id: String(s), text: t("s", { s: f.number(s) }) }))}
          />
          <Name naming={naming} label={t("ptz.tour_name")} change={setNaming} keep={keep} />
        </>
      )}
      <DialogBox
        title={removing ? t(`ptz.delete_${removing.what}`, { name: removing.name }) : ""}
        isOpen={removing !== null}
        onClose={() => setRemoving(null)}
        foot={
          <>
            <Button look="quiet" onPress={() => setRemoving(null)}>
              {t("common:cancel")}
            </Button>
            <Button look="primary" onPress={remove}>
              {t("common:remove")}
            </Button>
          </>
        }
      >
        <p>{t(removing?.what === "tour" ? "ptz.delete_tour_text" : "ptz.delete_preset_text")}</p>
      </DialogBox>
    </section>
  );
}

function Name({ naming, label, change, keep }: { naming: Naming; label: string; change(next: Naming | null): void; keep(): void }) {
  const { t } = useTranslation("video");
  return (
    <form
      className="ptz-row"
      onSubmit={(event) => {
        event.preventDefault();
        keep();
      }}
      onKeyDown={(event) => event.key === "Escape" && change(null)}
    >
      <input className="input" autoFocus value={naming.name} maxLength={64} aria-label={label} placeholder={label} onChange={(event) => change({ ...naming, name: event.target.value })} />
      <Button small type="submit">
        {t("ptz.save")}
      </Button>
    </form>
  );
}
