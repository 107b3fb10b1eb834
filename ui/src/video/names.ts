/** The name of a thing in the reader's language; the other language, then the code, when it has none. Called by all video screens. */
import { useCallback } from "react";
import type { Language, Named } from "@/api/types";
import { useFormats } from "@/i18n/format";

export function nameIn(language: Language, thing: Pick<Named, "code" | "name_ar" | "name_en">): string {
  const [own, other] = language === "ar" ? [thing.name_ar, thing.name_en] : [thing.name_en, thing.name_ar];
  return own || other || thing.code;
}

export function useNames(): (thing: Pick<Named, "code" | "name_ar" | "name_en">) => string {
  const { language } = useFormats();
  return useCallback((thing) => nameIn(language, thing), [language]);
}
