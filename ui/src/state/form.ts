/** A form's values, its faults by field, and the way to the server; the server's faults stand at their fields. */
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError, errorText } from "@/api/client";
import { faultKey } from "./faultWords";

export interface Form<V> {
  values: V;
  set: <K extends keyof V>(key: K, value: V[K]) => void;
  patch: (part: Partial<V>) => void;
  errors: Record<string, string>;
  general: string | null;
  busy: boolean;
  dirty: boolean;
  submit: (check: Record<string, string>, send: (values: V) => Promise<void>) => Promise<void>;
}

export function useForm<V extends object>(initial: V): Form<V> {
  const [first] = useState(initial);
  const [values, setValues] = useState(initial);
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [general, setGeneral] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const words = useFieldWords();
  const patch = (part: Partial<V>) => {
    setValues((old) => ({ ...old, ...part }));
    setErrors((old) => Object.fromEntries(Object.entries(old).filter(([key]) => !(key in part))));
  };
  return {
    values,
    patch,
    set: (key, value) => patch({ [key]: value } as unknown as Partial<V>),
    errors,
    general,
    busy,
    dirty: JSON.stringify(values) !== JSON.stringify(first),
    submit: async (check, send) => {
      setErrors(check);
      setGeneral(null);
      if (Object.keys(check).length) return showFirstFault();
      setBusy(true);
      try {
        await send(values);
      } catch (error) {
        if (error instanceof ApiError && error.fields.length) {
          const found: Record<string, string> = {};
          for (const fault of error.fields) found[fault.field ?? ""] ??= words(fault.message);
          setErrors(found);
          showFirstFault();
          const homeless = Object.entries(found).filter(([key]) => !(key in values));
          if (homeless.length) setGeneral(homeless.map(([key, text]) => `${key}: ${text}`).join(" · "));
        } else setGeneral(errorText(error));
      } finally {
        setBusy(false);
      }
    },
  };
}

/** A long form is scrolled to the first field that needs mending, once it is marked. */
function showFirstFault(): void {
  requestAnimationFrame(() => requestAnimationFrame(() => document.querySelector<HTMLElement>("input[aria-invalid=true], textarea[aria-invalid=true]")?.focus()));
}

/** The server's words for a field's fault, in the reader's language where they are known. */
export function useFieldWords(): (message: string) => string {
  const { t } = useTranslation("fields");
  return (message) => {
    const plain = message.toLowerCase().trim();
    if (/^(is )?required$|^is needed$/.test(plain)) return t("fields:required");
    const range = /^must lie between (\S+) and (\S+)$/.exec(plain);
    if (range) return t("fields:between", { low: range[1], high: range[2] });
    const length = /^is longer than (\d+) characters$/.exec(plain);
    if (length) return t("fields:too_long", { most: length[1] });
    const begin = /^must begin with (.+)$/.exec(plain);
    if (begin) return t("fields:begin", { what: (begin[1] ?? "").split(" or ").map((one) => `\u2066${one}\u2069`).join(t("fields:or")) });
    const one = /^must be one of (.+)$/.exec(plain);
    if (one) return t("fields:one_of", { what: one[1] });
    const code = /^there is no (?:such )?(sector|town|site)(?: with this code)?$/.exec(plain);
    if (code) return t("fields:no_such", { what: t(`common:${code[1]}`) });
    if (/^(must be|not) a number$/.test(plain)) return t("fields:number");
    if (plain === "must be a whole number") return t("fields:whole");
    if (plain === "must be yes or no") return t("fields:yes_no");
    if (plain === "has no usable host and port") return t("fields:no_host");
    if (plain === "is not a field that can be set") return t("fields:unknown");
    const found = faultKey(plain);
    if (found) return t(`fields:${found.key}`, Object.fromEntries(Object.entries(found.values).map(([name, value]) => [name, t(`fields:word.${value}`, { defaultValue: `\u2068${value}\u2069` })])));
    return message;
  };
}

/** An empty text is no value; anything else must be a number in this range. Digits of both kinds are read. */
export function readNumber(text: string): number | null | undefined {
  const plain = text
    .trim()
    .replace(/[\u0660-\u0669]/g, (digit) => String(digit.charCodeAt(0) - 0x0660))
    .replace("٫", ".");
  if (!plain) return null;
  const value = Number(plain);
  return Number.isFinite(value) ? value : undefined;
}
