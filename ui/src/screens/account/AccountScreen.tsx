/** One's own: password, language, digits, theme; what one may do. */
import { useTranslation } from "react-i18next";
import type { Digits, Language, Theme } from "@/api/types";
import { Button, Code, Segmented } from "@/design";
import { Facts, Page } from "@/design/Page";
import { useFormats } from "@/i18n/format";
import { PasswordForm } from "@/screens/signin/ChangePassword";
import "@/screens/signin/door.css";
import { useSectors } from "@/state/hooks";
import { useName, usePreferences } from "@/state/preferences";
import { useSession } from "@/state/session";

export function AccountScreen() {
  const { t } = useTranslation("account");
  const formats = useFormats();
  const name = useName();
  const { me, signOut } = useSession();
  const sectors = useSectors();
  const { preferences, change } = usePreferences();
  return (
    <Page
      title={t("title")}
      actions={
        <Button icon="signout" mirror onPress={() => void signOut()}>
          {t("shell:sign_out")}
        </Button>
      }
    >
      <div className="settings-page">
        <section className="panel">
          <div className="inside">
            <Facts
              items={[
                [t("people:name"), <bdi key="n">{me.name}</bdi>],
                [t("people:account"), <Code key="a">{me.account}</Code>],
                [t("people:roles"), me.roles.map((role) => <p key={role}>{t(`common:role.${role}`)} <span className="muted">— {t(`common:role_may.${role}`)}</span></p>)],
                [t("people:sectors"), me.sector_ids === null ? t("cameras:all_sectors") : formats.list(me.sector_ids.map((id) => name(sectors.find((one) => one.id === id)) || id)) || t("people:no_sector")],
                [t("ends"), formats.stamp(me.session.expires_us)],
                [t("idle"), formats.duration(me.session.idle_s * 1000)],
              ]}
            />
          </div>
        </section>
        <section className="panel">
          <header>
            <h2>{t("looks")}</h2>
          </header>
          <div className="setting">
            <span>{t("common:language.title")}</span>
            <Segmented<Language> label={t("common:language.title")} value={preferences.language} onChange={(language) => change({ language })} choices={(["ar", "en"] as const).map((id) => ({ id, text: t(`common:language.${id}`) }))} />
          </div>
          <div className="setting">
            <span>{t("common:digits.title")}</span>
            <Segmented<Digits> label={t("common:digits.title")} value={preferences.digits} onChange={(digits) => change({ digits })} choices={(["latn", "arab"] as const).map((id) => ({ id, text: t(`common:digits.${id}`) }))} />
          </div>
          <div className="setting">
            <span>{t("common:theme.title")}</span>
            <Segmented<Theme> label={t("common:theme.title")} value={preferences.theme} onChange={(theme) => change({ theme })} choices={(["dark", "light"] as const).map((id) => ({ id, text: t(`common:theme.${id}`) }))} />
          </div>
        </section>
        <section className="panel">
          <header>
            <h2>{t("password")}</h2>
          </header>
          <div className="inside" style={{ maxInlineSize: 420 }}>
            <PasswordForm onDone={() => undefined} />
          </div>
        </section>
      </div>
    </Page>
  );
}
