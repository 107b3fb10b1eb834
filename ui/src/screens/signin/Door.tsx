/** The quiet page before the control room: the lighthouse, one card, language and theme at hand. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Icon, IconButton, Segmented } from "@/design";
import { usePreferences } from "@/state/preferences";
import "./door.css";

export function Door({ title, lead, foot, children }: { title: string; lead?: string; foot?: string; children: ReactNode }) {
  const { t } = useTranslation();
  const { preferences, change } = usePreferences();
  const other = preferences.theme === "dark" ? "light" : "dark";
  return (
    <div className="door">
      <svg className="door-light" viewBox="0 0 1200 800" preserveAspectRatio="xMidYMid slice" aria-hidden="true">
        <path d="M600 250 0 60v250z" />
        <path d="M600 250 1200 60v250z" />
      </svg>
      <div className="door-tools">
        <Segmented
          label={t("language.title")}
          value={preferences.language}
          onChange={(language) => change({ language })}
          choices={[
            { id: "ar", text: t("language.ar") },
            { id: "en", text: t("language.en") },
          ]}
        />
        <IconButton icon={other === "light" ? "sun" : "moon"} label={t(`shell:theme_to.${other}`)} onPress={() => change({ theme: other })} />
      </div>
      <main className="door-card">
        <header>
          <svg width="54" height="54" viewBox="0 0 32 32" aria-hidden="true">
            <path d="M12.500 28 14 12.500h4L19.500 28z" fill="var(--text-2)" />
            <path d="M13 8.500a3 3 0 0 1 6 0V11h-6z" fill="var(--accent)" />
            <path d="M11 8 4.500 5.500M11 10.200l-7 1M21 8l6.500-2.500M21 10.200l7 1" stroke="var(--accent)" strokeWidth="1.600" strokeLinecap="round" />
          </svg>
          <h1>{t("product")}</h1>
          <p>{title}</p>
        </header>
        {lead && <p className="door-lead">{lead}</p>}
        {children}
      </main>
      {foot && (
        <p className="door-foot">
          <Icon name="shield" size={15} /> {foot}
        </p>
      )}
    </div>
  );
}
