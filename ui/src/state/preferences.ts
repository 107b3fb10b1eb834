/** Language, digits and theme of whoever sits here, switched live. */
import { createContext, useContext } from "react";
import type { Preferences } from "@/api/types";
import { DEFAULT_PREFERENCES } from "./session";

export interface PreferencesChoice {
  preferences: Preferences;
  change(part: Partial<Preferences>): void;
}

export const PreferencesContext = createContext<PreferencesChoice>({ preferences: DEFAULT_PREFERENCES, change: () => undefined });
export const usePreferences = (): PreferencesChoice => useContext(PreferencesContext);

/** The name of a thing in the reader's language, or in the other when it has only that. */
export function nameOf(thing: { name_ar: string; name_en: string; code?: string } | null | undefined, language: "ar" | "en"): string {
  if (!thing) return "";
  const [first, second] = language === "ar" ? [thing.name_ar, thing.name_en] : [thing.name_en, thing.name_ar];
  return first || second || thing.code || "";
}
export function useName(): (thing: { name_ar: string; name_en: string; code?: string } | null | undefined) => string {
  const { preferences } = usePreferences();
  return (thing) => nameOf(thing, preferences.language);
}
