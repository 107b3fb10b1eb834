/** The form of any of the five nouns. What is missing is named first; what the server finds stands at its field. */
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { Check, Segmented, Select, TextField } from "@/design";
import { FormFault, FormFoot } from "@/design/FormFoot";
import { Group, Side } from "@/design/Page";
import { say } from "@/design/toast";
import { readNumber, useForm } from "@/state/form";
import { useSites, useWatched } from "@/state/hooks";
import { useName } from "@/state/preferences";
import { AUTH_PROTOCOLS, bodyOf, credentialsOf, FIELDS, type FieldSpec, NONE, type Noun, PRIVACY_PROTOCOLS, type Row, takesToken, valuesOf } from "./nouns";
import { useTitle } from "./RowSide";

interface Profile {
  name: string;
  title: string;
  protocol: string;
  parts: string[];
  faults: string;
}

const KEEP = "keep";
const SET = "set";
const CLEAR = "clear";
const SECRETS: ReadonlySet<string> = new Set(["password", "auth_password", "privacy_password", "community"]);

interface Props {
  noun: Noun;
  row?: Row;
  siteId?: string | null;
  onClose: () => void;
  onSaved: (row: Row & { token?: string }) => void;
}

export function RowForm({ noun, row, siteId, onClose, onSaved }: Props) {
  const { t } = useTranslation("infrastructure");
  const name = useName();
  const title = useTitle();
  const sites = useSites();
  const switches = useWatched("switch");
  const profiles = useProfiles(noun === "devices");
  const hasCredentials = Boolean(row?.has_credentials);
  const form = useForm<Record<string, string>>({
    ...valuesOf(noun, row),
    ...(siteId && !row ? { [noun === "links" ? "b_site_id" : "site_id"]: siteId } : {}),
    ...(noun === "devices" ? { credentials: hasCredentials ? KEEP : SET, username: "", password: "", community: "", auth_protocol: "", auth_password: "", privacy_protocol: "", privacy_password: "" } : {}),
  });
  const { values, errors, set } = form;
  const fields = FIELDS[noun].filter((field) => !field.when || field.when(values));
  const secrets = noun === "devices" ? credentialsOf(values.protocol ?? "", values.address ?? "") : [];

  const check = () => {
    const found: Record<string, string> = {};
    for (const field of fields) {
      const value = values[field.key] ?? "";
      if (field.required && (!value.trim() || value === NONE)) found[field.key] = t("fields:required");
      else if (field.kind === "number" && readNumber(value) === undefined) found[field.key] = t("fields:number");
    }
    return found;
  };
  const save = () =>
    void form.submit(check(), async () => {
      const body = bodyOf(noun, values, (text) => readNumber(text) ?? null);
      if (noun === "devices") {
        if (values.credentials === CLEAR || (!secrets.length && hasCredentials)) body.credentials = {};
        else if (values.credentials === SET && secrets.length) {
          const given = Object.fromEntries(secrets.filter((key) => values[key]).map((key) => [key, values[key]]));
          if (Object.keys(given).length) body.credentials = given;
        }
      }
      if (row?.changed_us !== undefined) body.changed_us = row.changed_us;
      const saved = row ? await api.patch<Row>(`/api/infrastructure/${noun}/${row.id}`, body) : await api.post<Row & { token?: string }>(`/api/infrastructure/${noun}`, body);
      say(t(row ? "saved" : "added", { what: title(noun, saved) }));
      onSaved(saved);
    });

  const listed = (list: readonly { id: string; text: string; code: string }[]) => [
    { id: NONE, text: t("common:none") },
    ...list.map(({ id, text, code }) => ({
      id,
      text: `${text} (${code})`,
      node: (
        <span>
          {text} <bdi className="code muted">{code}</bdi>
        </span>
      ),
    })),
  ];
  const input = (field: FieldSpec) => {
    const { key } = field;
    const value = values[key] ?? "";
    const label = t(noun === "links" && key === "kind" ? "field.link_kind" : `field.${key}`);
    const hint = field.hint ? t(key === "address" ? `hint.address_${values.protocol ?? ""}` : `hint.${key}`) : undefined;
    const common = { label, error: errors[key], hint, className: field.wide ? "all" : undefined };
    const put = (next: string) => set(key, next);
    const part = profiles.find((one) => one.name === values.profile);
    switch (field.kind) {
      case "choice":
        return (
          <div key={key} className={`field${field.wide ? " all" : ""}`}>
            <span className="label">{label}</span>
            {(field.choices?.length ?? 0) <= 3 ? (
              <Segmented label={label} value={value} onChange={put} choices={(field.choices ?? []).map((id) => ({ id, text: t(noun === "links" && key === "kind" ? `site:link_kind.${id}` : `choice.${key}.${id}`) }))} />
            ) : (
              <Select inline label={label} value={value} onChange={put} choices={(field.choices ?? []).map((id) => ({ id, text: t(`choice.${key}.${id}`) }))} />
            )}
            {errors[key] && <span className="error">{errors[key]}</span>}
          </div>
        );
      case "site":
        return <Select key={key} {...common} value={value === NONE ? null : value} onChange={put} placeholder={t("choose_site")} disabled={Boolean(field.fixed && row)} choices={listed(sites.map((one) => ({ id: one.id, text: name(one), code: one.code }))).slice(1)} />;
      case "switch": {
        const site = values[key === "a_switch_id" ? "a_site_id" : "b_site_id"];
        const here = switches.filter((one) => one.site_id === site);
        return <Select key={key} {...common} value={value} onChange={put} choices={[{ id: NONE, text: t("common:none") }, ...here.map((one) => ({ id: one.id, text: one.code }))]} />;
      }
      case "profile":
        return <Select key={key} {...common} hint={part?.parts.length ? t("hint.parts", { parts: part.parts.join(", ") }) : hint} value={value} onChange={put} choices={listed(profiles.filter((one) => !one.protocol || one.protocol === values.protocol).map((one) => ({ id: one.name, text: one.faults ? t("profile_bad", { title: one.title }) : one.title, code: one.name })))} />;
      case "yes_no":
        return (
          <div key={key} className="all">
            <Check label={label} value={value === "yes"} onChange={(yes) => put(yes ? "yes" : "no")} />
          </div>
        );
      case "notes":
        return <TextField key={key} {...common} value={value} onChange={put} lines={3} />;
      case "subjects":
        return <TextField key={key} {...common} value={value} onChange={put} lines={5} latin placeholder={"battery=power_source:SITE-001/battery"} />;
      case "date":
        return <TextField key={key} {...common} value={value} onChange={put} type="date" latin />;
      default:
        return <TextField key={key} {...common} value={value} onChange={put} required={field.required} latin={field.kind !== "text"} inputMode={field.kind === "number" ? "decimal" : undefined} placeholder={field.placeholder} autoComplete="off" />;
    }
  };
  const faults = Object.keys(errors).length;
  return (
    <Side
      title={row ? t("edit_title", { what: title(noun, row) }) : t(`add.${noun}`)}
      onClose={onClose}
      foot={
        <>
          <FormFoot form={form} stored={Boolean(row)} onSave={save} onCancel={onClose} />
          {faults > 0 && <span className="form-error">{t("cameras:faults", { count: faults })}</span>}
        </>
      }
    >
      <FormFault form={form} />
      <div className="form-grid">{fields.map(input)}</div>
      {secrets.length > 0 && (
        <Group title={t("secrets")}>
          <div className="form-grid">
            {hasCredentials && (
              <div className="all">
                <Segmented label={t("secrets")} value={values.credentials ?? KEEP} onChange={(value) => set("credentials", value)} choices={[KEEP, SET, CLEAR].map((id) => ({ id, text: t(`credentials.${id}`) }))} />
              </div>
            )}
            {errors.credentials && <p className="form-error all">{errors.credentials}</p>}
            {values.credentials === SET &&
              secrets.map((key) =>
                key === "auth_protocol" || key === "privacy_protocol" ? (
                  <Select key={key} label={t(`field.${key}`)} value={values[key] || NONE} onChange={(value) => set(key, value === NONE ? "" : value)} choices={(key === "auth_protocol" ? AUTH_PROTOCOLS : PRIVACY_PROTOCOLS).map((id) => ({ id: id || NONE, text: id ? id.toUpperCase() : t("common:none") }))} />
                ) : (
                  <TextField key={key} label={t(`field.${key}`)} value={values[key] ?? ""} onChange={(value) => set(key, value)} type={SECRETS.has(key) ? "password" : "text"} latin autoComplete={SECRETS.has(key) ? "new-password" : "off"} />
                ),
              )}
          </div>
        </Group>
      )}
      {noun === "devices" && takesToken(values.protocol, values.address) && !row && <p className="muted">{t("token_told")}</p>}
    </Side>
  );
}

function useProfiles(wanted: boolean): Profile[] {
  const [profiles, setProfiles] = useState<Profile[]>([]);
  useEffect(() => {
    if (!wanted) return;
    // Without the list the field still takes what is there; the server judges.
    api.get<{ profiles: Profile[] }>("/api/telemetry/profiles").then(
      (found) => setProfiles(found.profiles),
      () => setProfiles([]),
    );
  }, [wanted]);
  return profiles;
}
