/**
 * Words in two languages. Every file `locales/<language>/<name>.json` is a namespace `<name>`, found by itself.
 * Plurals use i18next's suffixes (`_zero _one _two _few _many _other`), numbers in text `{{count, n}}`.
 */
import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import type { Language } from "@/api/types";
import { formats } from "./format";

const files = import.meta.glob<{ default: Record<string, unknown> }>("../locales/*/*.json", { eager: true });

const resources: Record<string, Record<string, Record<string, unknown>>> = {};
for (const [path, module] of Object.entries(files)) {
  const [, language = "", namespace = ""] = /locales\/(\w+)\/([\w-]+)\.json$/.exec(path) ?? [];
  (resources[language] ??= {})[namespace] = module.default;
}

export async function startWords(language: Language): Promise<void> {
  await i18next.use(initReactI18next).init({
    resources: resources as never,
    lng: language,
    fallbackLng: "en",
    defaultNS: "common",
    fallbackNS: "common",
    interpolation: { escapeValue: false },
    returnNull: false,
  });
  i18next.services.formatter?.add("n", (value) => formats().number(Number(value)));
}

export function directionOf(language: Language): "rtl" | "ltr" {
  return language === "ar" ? "rtl" : "ltr";
}
