/** Everything that is known of a camera, to add or to change. The password is written only and never comes back. */
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, errorText } from "@/api/client";
import type { Camera, OnvifInspection } from "@/api/types";
import { Button, Check, Segmented, Select, TextField } from "@/design";
import { FormFault, FormFoot } from "@/design/FormFoot";
import { Group, Side } from "@/design/Page";
import { say } from "@/design/toast";
import { useFormats } from "@/i18n/format";
import { readNumber, useForm } from "@/state/form";
import { useSectors, useSites, useTowns } from "@/state/hooks";
import { useName } from "@/state/preferences";
import { world } from "@/state/world";

const NONE = "none";
const NUMBERS = ["lat", "lon", "heading_deg", "field_of_view_deg", "height_m", "range_m", "retention_days", "retention_bytes"] as const;
/** What people write in a larger unit than we keep. */
const UNITS: Partial<Record<(typeof NUMBERS)[number], number>> = { retention_bytes: 1e9 };
const LIMITS: Record<(typeof NUMBERS)[number], readonly [number, number]> = {
  lat: [-90, 90],
  lon: [-180, 180],
  heading_deg: [0, 360],
  field_of_view_deg: [1, 360],
  height_m: [0, 1000],
  range_m: [0, 20_000],
  retention_days: [0.01, 3660],
  retention_bytes: [0.1, 1_000_000],
};
/** The server's clock and the camera's may differ by this before it is worth a person's notice. */
const CLOCK_OFF_MS = 2000;

type Draft = Partial<Camera> & { password?: string };

function valuesOf(camera: Draft | undefined) {
  const numbers = Object.fromEntries(NUMBERS.map((key) => [key, camera?.[key] == null ? "" : String(camera[key] / (UNITS[key] ?? 1))])) as Record<(typeof NUMBERS)[number], string>;
  return {
    code: camera?.code ?? "",
    name_ar: camera?.name_ar ?? "",
    name_en: camera?.name_en ?? "",
    site_id: camera?.site_id ?? NONE,
    sector_id: camera?.sector_id ?? NONE,
    town_id: camera?.town_id ?? NONE,
    kind: camera?.kind ?? ("fixed" as Camera["kind"]),
    make: camera?.make ?? "",
    model: camera?.model ?? "",
    main_url: camera?.main_url ?? "",
    sub_url: camera?.sub_url ?? "",
    onvif_url: camera?.onvif_url ?? "",
    username: camera?.username ?? "",
    password: camera?.password ?? "",
    transport: camera?.transport ?? ("tcp" as Camera["transport"]),
    purpose: camera?.purpose ?? "",
    record: camera?.record ?? true,
    sound: camera?.sound ?? false,
    enabled: camera?.enabled ?? true,
    ...numbers,
  };
}
type Values = ReturnType<typeof valuesOf>;

function bodyOf(values: Values, before: Values | null): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(values) as [keyof Values, string | boolean][]) {
    if (before && before[key] === value) continue;
    if (key === "password") {
      if (value !== "") body[key] = value;
    } else if ((NUMBERS as readonly string[]).includes(key)) {
      const number = readNumber(String(value));
      const unit = UNITS[key as (typeof NUMBERS)[number]];
      body[key] = unit && number ? Math.round(number * unit) : number;
    } else body[key] = value === NONE ? null : value;
  }
  return body;
}

export function CameraForm({ camera, draft, onClose, onSaved }: { camera?: Camera; draft?: Draft; onClose: () => void; onSaved: (camera: Camera) => void }) {
  const { t } = useTranslation("cameras");
  const name = useName();
  const formats = useFormats();
  const sites = useSites();
  const sectors = useSectors();
  const towns = useTowns();
  const [before] = useState(() => (camera ? valuesOf(camera) : null));
  const form = useForm(valuesOf(camera ?? draft));
  const { values, set, errors } = form;
  const [asking, setAsking] = useState(false);
  const [answer, setAnswer] = useState<OnvifInspection | null>(null);
  const [askError, setAskError] = useState<string | null>(null);

  const check = () => {
    const found: Record<string, string> = {};
    for (const key of ["code", "main_url", "lat", "lon"] as const) if (!values[key].trim()) found[key] = t("fields:required");
    for (const key of ["main_url", "sub_url"] as const) if (values[key].trim() && !/^rtsps?:\/\//i.test(values[key].trim())) found[key] = t("fields:begin", { what: "\u2066rtsp://\u2069" });
    if (values.onvif_url.trim() && !/^https?:\/\//i.test(values.onvif_url.trim())) found.onvif_url = t("fields:begin", { what: "\u2066http://\u2069" });
    for (const key of NUMBERS) {
      const value = readNumber(values[key]);
      const [low, high] = LIMITS[key];
      if (value === undefined) found[key] = t("fields:number");
      else if (value !== null && (value < low || value > high)) found[key] = t("fields:between", { low: formats.number(low), high: formats.number(high, { useGrouping: false }) });
    }
    return found;
  };
  const save = () =>
    form.submit(check(), async () => {
      const body = bodyOf(values, before);
      const saved = camera ? await api.patch<Camera>(`/api/cameras/${camera.id}`, body) : await api.post<Camera>("/api/cameras", body);
      const undo = camera && before ? async () => void (await api.patch(`/api/cameras/${camera.id}`, bodyOf(before, values))) : undefined;
      say(t(camera ? "saved" : "added", { code: values.code }), { undo });
      onSaved(saved ?? (camera as Camera));
    });

  const ask = async () => {
    setAsking(true);
    setAskError(null);
    setAnswer(null);
    try {
      setAnswer(await api.post<OnvifInspection>("/api/onvif/inspect", { address: values.onvif_url, username: values.username, password: values.password }));
    } catch (error) {
      setAskError(errorText(error));
    } finally {
      setAsking(false);
    }
  };
  const take = (found: OnvifInspection) => {
    const bySize = [...found.profiles].sort((a, b) => b.width * b.height - a.width * a.height);
    form.patch({
      make: found.manufacturer || values.make,
      model: found.model || values.model,
      kind: found.ptz ? "ptz" : values.kind,
      main_url: bySize[0]?.rtsp_url ?? values.main_url,
      sub_url: bySize.length > 1 ? (bySize.at(-1)?.rtsp_url ?? "") : values.sub_url,
    });
    setAnswer(null);
  };
  const chooseSite = (id: string) => {
    const site = world.sites.get(id);
    if (!site) return set("site_id", NONE);
    form.patch({ site_id: id, sector_id: site.sector_id ?? NONE, town_id: site.town_id ?? NONE, lat: values.lat || String(site.lat), lon: values.lon || String(site.lon) });
  };
  const listed = (list: readonly { id: string; code: string; name_ar: string; name_en: string }[]) => [
    { id: NONE, text: t("common:none") },
    ...list.map((one) => ({ id: one.id, text: `${name(one)} (${one.code})`, node: <span>{name(one)} <bdi className="code muted">{one.code}</bdi></span> })),
  ];
  const text = (key: "code" | "name_ar" | "name_en" | "make" | "model" | "main_url" | "sub_url" | "onvif_url" | "username" | (typeof NUMBERS)[number], extra: object = {}) => (
    <TextField label={t(`field.${key}`)} value={values[key]} onChange={(value) => set(key, value)} error={errors[key]} {...extra} />
  );
  const number = (key: (typeof NUMBERS)[number], extra: object = {}) => text(key, { latin: true, inputMode: "decimal", ...extra });

  return (
    <Side
      title={camera ? t("edit_title") : t("add_title")}
      subtitle={camera ? <bdi className="code">{camera.code}</bdi> : undefined}
      onClose={onClose}
      foot={
        <>
          <FormFoot form={form} stored={Boolean(camera)} onSave={() => void save()} onCancel={onClose} />
          {Object.keys(errors).length > 0 && <span className="form-error">{t("faults", { count: Object.keys(errors).length })}</span>}
        </>
      }
    >
      <FormFault form={form} />
      <Group title={t("group.device")}>
        <div className="form-grid">
          <div className="all">{text("onvif_url", { latin: true, placeholder: "http://10.20.1.5/onvif/device_service", hint: t("onvif_hint") })}</div>
          {text("username", { latin: true, autoComplete: "off" })}
          <TextField
            label={t("field.password")}
            value={values.password}
            onChange={(value) => set("password", value)}
            error={errors.password}
            type="password"
            latin
            autoComplete="new-password"
            placeholder={camera?.has_password ? t("password_kept") : ""}
          />
          <div className="all" style={{ display: "flex", gap: 10, alignItems: "center" }}>
            <Button icon="radar" isDisabled={!values.onvif_url || asking} onPress={() => void ask()}>
              {asking ? t("asking") : t("ask_camera")}
            </Button>
            {asking && <span className="spinner" />}
            {askError && <span className="form-error">{askError}</span>}
          </div>
          {answer && (
            <div className="all notice">
              <div style={{ flex: 1 }}>
                <strong>
                  <bdi>
                    {answer.manufacturer} {answer.model}
                  </bdi>
                </strong>
                <p className="muted">{t("answer", { firmware: answer.firmware, serial: answer.serial })}</p>
                {answer.profiles.map((profile) => (
                  <p key={profile.token}>
                    <bdi className="code">
                      {profile.name} · {profile.codec} · {profile.width}×{profile.height}
                    </bdi>
                  </p>
                ))}
                {answer.clock_offset_ms !== null && Math.abs(answer.clock_offset_ms) > CLOCK_OFF_MS && (
                  <p className="text-low">{t("clock_off", { by: formats.duration(Math.abs(answer.clock_offset_ms)) })}</p>
                )}
              </div>
              <Button small onPress={() => take(answer)}>
                {t("take")}
              </Button>
            </div>
          )}
          <div className="all">{text("main_url", { latin: true, required: true, placeholder: "rtsp://10.20.1.5:554/stream1" })}</div>
          <div className="all">{text("sub_url", { latin: true, hint: t("sub_hint") })}</div>
          {text("make")}
          {text("model", { latin: true })}
          <div className="field">
            <span className="label">{t("field.kind")}</span>
            <Segmented
              label={t("field.kind")}
              value={values.kind}
              onChange={(value) => set("kind", value)}
              choices={[
                { id: "fixed", text: t("kind_short.fixed") },
                { id: "ptz", text: t("kind_short.ptz") },
              ]}
            />
          </div>
          <div className="field">
            <span className="label">{t("field.transport")}</span>
            <Segmented
              label={t("field.transport")}
              value={values.transport}
              onChange={(value) => set("transport", value)}
              choices={[
                { id: "tcp", text: "TCP" },
                { id: "udp", text: "UDP" },
              ]}
            />
          </div>
        </div>
      </Group>
      <Group title={t("group.name")}>
        <div className="form-grid">
          {text("code", { latin: true, required: true, placeholder: "CAM-0001" })}
          <span />
          {text("name_ar")}
          {text("name_en")}
          <TextField className="all" label={t("field.purpose")} value={values.purpose} onChange={(value) => set("purpose", value)} error={errors.purpose} lines={2} />
        </div>
      </Group>
      <Group title={t("group.place")}>
        <div className="form-grid">
          <Select className="all" label={t("common:site")} value={values.site_id} onChange={chooseSite} choices={listed(sites)} error={errors.site_id} hint={t("site_hint")} />
          <Select label={t("common:sector")} value={values.sector_id} onChange={(value) => set("sector_id", value)} choices={listed(sectors)} error={errors.sector_id} />
          <Select label={t("common:town")} value={values.town_id} onChange={(value) => set("town_id", value)} choices={listed(towns)} error={errors.town_id} />
          {number("lat", { required: true, placeholder: "31.05712" })}
          {number("lon", { required: true, placeholder: "46.25726" })}
          {number("heading_deg", { hint: t("heading_hint") })}
          {number("field_of_view_deg")}
          {number("height_m")}
          {number("range_m")}
        </div>
      </Group>
      <Group title={t("group.keeping")}>
        <div className="form-grid">
          <div className="all" style={{ display: "grid", gap: 8 }}>
            <Check label={t("field.enabled")} value={values.enabled} onChange={(value) => set("enabled", value)} />
            <Check label={t("field.record")} value={values.record} onChange={(value) => set("record", value)} />
            <Check label={t("field.sound")} hint={t("sound_hint")} value={values.sound} onChange={(value) => set("sound", value)} />
          </div>
          {number("retention_days", { hint: t("retention_hint") })}
          {number("retention_bytes", { hint: t("retention_bytes_hint") })}
        </div>
      </Group>
    </Side>
  );
}
