/**
 * What a power source, cabinet, switch, link and telemetry device have: the fields of their forms and the columns of their lists.
 *
 * As `network/infrastructure/rules.py` judges them; the server decides, this only asks. Pure: words are keys of `infrastructure.json`.
 */
export const NOUNS = ["power_sources", "cabinets", "switches", "links", "devices"] as const;
export type Noun = (typeof NOUNS)[number];

export type Row = { id: string; changed_us?: number; code?: string } & Record<string, unknown>;
export type FormValues = Record<string, string>;

export type FieldKind = "text" | "code" | "number" | "choice" | "site" | "switch" | "yes_no" | "date" | "notes" | "profile" | "subjects";

export interface FieldSpec {
  key: string;
  kind: FieldKind;
  required?: boolean;
  choices?: readonly string[];
  /** What a new row begins with. */
  first?: string;
  /** Only then it is asked for, and only then it is sent. */
  when?: (values: FormValues) => boolean;
  /** Cannot be changed afterwards. */
  fixed?: boolean;
  wide?: boolean;
  hint?: boolean;
  placeholder?: string;
}

/** What is sealed; written only and never shown. */
export const CREDENTIALS = ["username", "password", "community", "auth_protocol", "auth_password", "privacy_protocol", "privacy_password"] as const;
export const AUTH_PROTOCOLS = ["", "md5", "sha1", "sha224", "sha256", "sha384", "sha512"] as const;
export const PRIVACY_PROTOCOLS = ["", "des", "aes128", "aes192", "aes256"] as const;

/** What a device publishes below on our own MQTT broker (an address without a host); "" where it does not. */
export function ownTopic(protocol: unknown, address: unknown): string {
  const path = protocol === "mqtt" && /^mqtts?:\/\/\/(.+)$/i.exec(String(address ?? ""))?.[1];
  return path ? `${path.replace(/^\/+|\/+$/g, "")}/` : "";
}

/** Whether a device signs in with a token of ours. */
export const takesToken = (protocol: unknown, address: unknown): boolean => protocol === "push" || ownTopic(protocol, address) !== "";

export function credentialsOf(protocol: string, address: string): readonly (typeof CREDENTIALS)[number][] {
  if (protocol === "mqtt") return ownTopic(protocol, address) ? [] : ["username", "password"];
  if (protocol === "snmp") return ["community", "username", "auth_protocol", "auth_password", "privacy_protocol", "privacy_password"];
  return [];
}

const is =
  (key: string, ...wanted: string[]) =>
  (values: FormValues) =>
    wanted.includes(values[key] ?? "");
const given = (key: string) => (values: FormValues) => Boolean(values[key]) && values[key] !== NONE;

/** A choice of nothing, in selects (an empty id would be no choice). */
export const NONE = "none";

const SITE: FieldSpec = { key: "site_id", kind: "site", required: true, wide: true };

export const FIELDS: Record<Noun, readonly FieldSpec[]> = {
  power_sources: [
    SITE,
    { key: "kind", kind: "choice", choices: ["grid", "solar", "battery"], first: "battery", required: true, wide: true },
    { key: "capacity_wh", kind: "number", when: is("kind", "battery"), required: true, hint: true },
    { key: "peak_w", kind: "number", when: is("kind", "solar"), required: true, hint: true },
    { key: "nominal_v", kind: "number" },
    { key: "installed_us", kind: "date" },
    { key: "name", kind: "text" },
    { key: "notes", kind: "notes", wide: true },
  ],
  cabinets: [{ ...SITE, fixed: true }, { key: "hot_c", kind: "number", first: "65", hint: true }, { key: "has_fan", kind: "yes_no", first: "no", wide: true }, { key: "has_door_sensor", kind: "yes_no", first: "no", wide: true }],
  switches: [
    { key: "code", kind: "code", required: true, placeholder: "SW-001" },
    { key: "ports", kind: "number", first: "8", required: true },
    SITE,
    { key: "make", kind: "text" },
    { key: "model", kind: "text" },
  ],
  links: [
    { key: "code", kind: "code", required: true, placeholder: "LNK-0001" },
    { key: "role", kind: "choice", choices: ["main", "reserve"], first: "main" },
    { key: "kind", kind: "choice", choices: ["fibre", "radio", "mobile"], first: "fibre", wide: true },
    { key: "a_site_id", kind: "site", required: true, wide: true, hint: true },
    { key: "a_switch_id", kind: "switch" },
    { key: "a_port", kind: "number", when: given("a_switch_id") },
    { key: "b_site_id", kind: "site", required: true, wide: true },
    { key: "b_switch_id", kind: "switch" },
    { key: "b_port", kind: "number", when: given("b_switch_id") },
    { key: "ring", kind: "code", hint: true },
    { key: "length_km", kind: "number" },
    { key: "capacity_mbps", kind: "number" },
    { key: "rx_low_dbm", kind: "number", when: is("kind", "fibre"), hint: true },
  ],
  devices: [
    { key: "code", kind: "code", required: true, placeholder: "RTU-001" },
    { key: "protocol", kind: "choice", choices: ["mqtt", "snmp", "modbus", "icmp", "push"], first: "mqtt", required: true },
    SITE,
    { key: "address", kind: "code", when: is("protocol", "mqtt", "snmp", "modbus", "icmp"), required: true, wide: true, hint: true },
    { key: "profile", kind: "profile", wide: true, hint: true },
    { key: "subjects", kind: "subjects", wide: true, hint: true },
    { key: "poll_s", kind: "number", first: "30", when: is("protocol", "snmp", "modbus", "icmp") },
    { key: "enabled", kind: "yes_no", first: "yes", wide: true },
  ],
};

/** The site that a row of a list stands at; of a link, its far end. */
export const siteOf = (noun: Noun, row: Row): string | null => (typeof row[noun === "links" ? "b_site_id" : "site_id"] === "string" ? (row[noun === "links" ? "b_site_id" : "site_id"] as string) : null);

export function valuesOf(noun: Noun, row: Row | undefined): FormValues {
  return Object.fromEntries(
    FIELDS[noun].map((field) => {
      const value = row?.[field.key];
      if (!row) return [field.key, field.first ?? (field.kind === "site" || field.kind === "switch" || field.kind === "profile" ? NONE : "")];
      if (field.kind === "yes_no") return [field.key, value ? "yes" : "no"];
      if (field.kind === "date") return [field.key, typeof value === "number" ? new Date(value / 1000).toISOString().slice(0, 10) : ""];
      if (field.kind === "subjects") return [field.key, subjectsText(value as Record<string, string> | undefined)];
      if (value === null || value === undefined || value === "") return [field.key, field.kind === "site" || field.kind === "switch" || field.kind === "profile" ? NONE : ""];
      return [field.key, String(value)];
    }),
  );
}

export const subjectsText = (subjects: Record<string, string> | undefined): string =>
  Object.entries(subjects ?? {})
    .map(([part, subject]) => `${part}=${subject}`)
    .join("\n");

/** The body to send: every field that is asked for; those that are not asked for go as nothing. `number` reads what was typed. */
export function bodyOf(noun: Noun, values: FormValues, number: (text: string) => number | null | undefined): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const field of FIELDS[noun]) {
    const value = values[field.key] ?? "";
    const asked = !field.when || field.when(values);
    if (field.kind === "yes_no") body[field.key] = value === "yes";
    else if (field.kind === "number") body[field.key] = asked ? number(value) : null;
    else if (field.kind === "date") body[field.key] = value || null;
    else if (field.kind === "subjects") body[field.key] = value.split(/\n|;/).map((one) => one.trim()).filter(Boolean).join("; ");
    else if (field.kind === "site" || field.kind === "switch") body[field.key] = value === NONE || !asked ? null : value;
    else if (field.kind === "profile") body[field.key] = value === NONE ? "" : value;
    else body[field.key] = asked ? value : "";
  }
  // A device that is not asked is not asked every so often either: its default stays.
  if (noun === "devices" && body.poll_s === null) delete body.poll_s;
  return body;
}
