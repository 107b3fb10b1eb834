/** Sectors of responsibility and towns: few, and everything else leans on them. */
import { type ReactNode, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { errorText } from "@/api/client";
import type { Sector, Town } from "@/api/types";
import { Button, Code, DialogBox, Empty, IconButton, Select, TextField } from "@/design";
import { Page } from "@/design/Page";
import { say } from "@/design/toast";
import { useFormats } from "@/i18n/format";
import { readNumber, useForm } from "@/state/form";
import { useCameras, useSectors, useSites, useTowns } from "@/state/hooks";
import { useName } from "@/state/preferences";
import { useMay } from "@/state/session";

const NONE = "none";
type Editing = { noun: "sectors"; thing?: Sector } | { noun: "towns"; thing?: Town } | null;

export function SectorsScreen() {
  const { t } = useTranslation("sectors");
  const formats = useFormats();
  const name = useName();
  const may = useMay();
  const sectors = useSectors();
  const towns = useTowns();
  const sites = useSites();
  const cameras = useCameras();
  const [editing, setEditing] = useState<Editing>(null);
  const counts = useMemo(() => {
    const found = new Map<string, { cameras: number; sites: number }>();
    const add = (id: string | null, key: "cameras" | "sites") => {
      if (!id) return;
      const one = found.get(id) ?? { cameras: 0, sites: 0 };
      one[key] += 1;
      found.set(id, one);
    };
    for (const camera of cameras) {
      add(camera.sector_id, "cameras");
      add(camera.town_id, "cameras");
    }
    for (const site of sites) {
      add(site.sector_id, "sites");
      add(site.town_id, "sites");
    }
    return found;
  }, [cameras, sites]);
  const panel = (noun: "sectors" | "towns", list: readonly (Sector | Town)[], extraHead: ReactNode, extra: (thing: Sector | Town) => ReactNode) => (
    <section className="panel">
      <header>
        <h2>{t(noun)}</h2>
        {may.places && (
          <Button small icon="plus" onPress={() => setEditing({ noun })}>
            {t(`add.${noun}`)}
          </Button>
        )}
      </header>
      {list.length ? (
        <table className="plain-table">
          <thead>
            <tr>
              <th>{t("cameras:column.code")}</th>
              <th>{t("cameras:column.name")}</th>
              <th>{extraHead}</th>
              <th className="end">{t("sites:title")}</th>
              <th className="end">{t("cameras:title")}</th>
              {may.places && <th />}
            </tr>
          </thead>
          <tbody>
            {list.map((thing) => (
              <tr key={thing.id}>
                <td>
                  <Code>{thing.code}</Code>
                </td>
                <td>{name(thing)}</td>
                <td className="muted">{extra(thing)}</td>
                <td className="end number">{formats.number(counts.get(thing.id)?.sites ?? 0)}</td>
                <td className="end number">{formats.number(counts.get(thing.id)?.cameras ?? 0)}</td>
                {may.places && (
                  <td className="end">
                    <IconButton small icon="edit" label={t("edit", { name: name(thing) })} onPress={() => setEditing({ noun, thing } as Editing)} />
                  </td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      ) : (
        <Empty title={t(`none.${noun}`)} />
      )}
    </section>
  );
  return (
    <Page title={t("title")}>
      <div className="columns">
        {panel("sectors", sectors, t("boundary"), (thing) => ((thing as Sector).boundary ? t("drawn") : t("not_drawn")))}
        {panel("towns", towns, t("common:sector"), (thing) => name(sectors.find((one) => one.id === (thing as Town).sector_id)) || "—")}
      </div>
      {editing && <PlaceForm key={editing.thing?.id ?? "new"} editing={editing} onClose={() => setEditing(null)} />}
    </Page>
  );
}

function PlaceForm({ editing, onClose }: { editing: NonNullable<Editing>; onClose: () => void }) {
  const { t } = useTranslation("sectors");
  const name = useName();
  const sectors = useSectors();
  const { noun, thing } = editing;
  const town = noun === "towns" ? thing : undefined;
  const form = useForm({
    code: thing?.code ?? "",
    name_ar: thing?.name_ar ?? "",
    name_en: thing?.name_en ?? "",
    lat: town?.lat == null ? "" : String(town.lat),
    lon: town?.lon == null ? "" : String(town.lon),
    sector_id: town?.sector_id ?? NONE,
    boundary: noun === "sectors" && thing?.boundary ? JSON.stringify(thing.boundary) : "",
  });
  const { values, set, errors } = form;
  const [removeError, setRemoveError] = useState<string | null>(null);
  const save = () => {
    const found: Record<string, string> = {};
    if (!values.code.trim()) found.code = t("fields:required");
    let boundary: unknown = null;
    if (noun === "towns") {
      for (const key of ["lat", "lon"] as const) {
        const value = readNumber(values[key]);
        if (value === undefined) found[key] = t("fields:number");
        if (value === null) found[key] = t("fields:required");
      }
    } else if (values.boundary.trim()) {
      try {
        const parsed = JSON.parse(values.boundary) as { type?: string; geometry?: unknown; features?: { geometry?: unknown }[] };
        boundary = parsed.type === "Feature" ? parsed.geometry : parsed.type === "FeatureCollection" ? parsed.features?.[0]?.geometry : parsed;
      } catch {
        found.boundary = t("not_geojson");
      }
    }
    void form.submit(found, async () => {
      const common = { code: values.code, name_ar: values.name_ar, name_en: values.name_en };
      const body = noun === "towns" ? { ...common, lat: readNumber(values.lat), lon: readNumber(values.lon), sector_id: values.sector_id === NONE ? null : values.sector_id } : { ...common, boundary };
      if (thing) await api.patch(`/api/${noun}/${thing.id}`, body);
      else await api.post(`/api/${noun}`, body);
      const before = thing ? (({ id: _, ...rest }: Sector | Town) => rest)(thing) : null;
      say(t("saved", { code: values.code }), thing ? { undo: async () => void (await api.patch(`/api/${noun}/${thing.id}`, before)) } : {});
      onClose();
    });
  };
  const remove = async () => {
    if (!thing) return;
    try {
      await api.delete(`/api/${noun}/${thing.id}`);
      const { id: _, ...body } = thing;
      say(t("removed", { code: thing.code }), { undo: async () => void (await api.post(`/api/${noun}`, body)) });
      onClose();
    } catch (failure) {
      setRemoveError(errorText(failure));
    }
  };
  const text = (key: "code" | "name_ar" | "name_en" | "lat" | "lon", extra: object = {}) => (
    <TextField label={t(`cameras:field.${key}`)} value={values[key]} onChange={(value) => set(key, value)} error={errors[key]} {...extra} />
  );
  return (
    <DialogBox
      title={thing ? t("edit", { name: name(thing) }) : t(`add.${noun}`)}
      isOpen
      onClose={onClose}
      foot={
        <>
          {thing && (
            <span className="start">
              <Button look="danger" icon="trash" onPress={() => void remove()}>
                {t("common:remove")}
              </Button>
            </span>
          )}
          <Button onPress={onClose}>{t("common:cancel")}</Button>
          <Button look="primary" onPress={save} isDisabled={form.busy || (Boolean(thing) && !form.dirty)}>
            {t("common:save")}
          </Button>
        </>
      }
    >
      {(form.general ?? removeError) && <p className="notice high">{form.general ?? removeError}</p>}
      <div className="form-grid">
        {text("code", { latin: true, required: true, autoFocus: true })}
        <span />
        {text("name_ar")}
        {text("name_en")}
        {noun === "towns" ? (
          <>
            {text("lat", { latin: true, required: true })}
            {text("lon", { latin: true, required: true })}
            <Select className="all" label={t("common:sector")} value={values.sector_id} onChange={(value) => set("sector_id", value)} error={errors.sector_id} choices={[{ id: NONE, text: t("common:none") }, ...sectors.map((one) => ({ id: one.id, text: name(one) }))]} />
          </>
        ) : (
          <TextField className="all" label={t("boundary")} hint={t("boundary_hint")} value={values.boundary} onChange={(value) => set("boundary", value)} error={errors.boundary} lines={5} latin />
        )}
      </div>
    </DialogBox>
  );
}
