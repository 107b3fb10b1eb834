/** Who is here decides what is shown: sign-in, a password to be changed, or the control room in the person's language. */
import i18next from "i18next";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { I18nProvider } from "react-aria-components";
import { RouterProvider } from "react-router";
import { useTranslation } from "react-i18next";
import { api, ApiError, errorText, whenSignedOut } from "@/api/client";
import type { Me, Preferences } from "@/api/types";
import { Button, Empty, Loading } from "@/design";
import { Toasts } from "@/design/toast";
import { directionOf } from "@/i18n";
import { FormatsContext, makeFormats, setFormats } from "@/i18n/format";
import { router } from "@/routes";
import { ChangePassword } from "@/screens/signin/ChangePassword";
import { SignIn } from "@/screens/signin/SignIn";
import { connection } from "@/state/connection";
import { useWorld } from "@/state/hooks";
import { PreferencesContext } from "@/state/preferences";
import { mayOf, SessionContext, storedPreferences, storePreferences } from "@/state/session";
import { warmLive } from "@/video/warm";

type Who = { state: "asking" } | { state: "nobody"; ended: boolean } | { state: "here"; me: Me } | { state: "failed"; error: unknown };

export function App() {
  const [who, setWho] = useState<Who>({ state: "asking" });
  const [preferences, setPreferences] = useState<Preferences>(storedPreferences);
  const timezone = useWorld((w) => w.deployment.timezone);
  const formats = useMemo(
    () => makeFormats(preferences.language, preferences.digits, timezone),
    [preferences.language, preferences.digits, timezone],
  );
  setFormats(formats);

  const show = useCallback((next: Preferences) => {
    storePreferences(next);
    document.documentElement.lang = next.language;
    document.documentElement.dir = directionOf(next.language);
    document.documentElement.dataset.theme = next.theme;
    void i18next.changeLanguage(next.language);
    setPreferences(next);
  }, []);

  // What somebody chose at the door wins over what they had kept: they chose it just now.
  const chosenAtDoor = useRef<Partial<Preferences>>({});
  const keep = useCallback((part: Partial<Preferences>) => {
    // Kept in this browser already; the server is told so that it follows the person to another desk.
    api.patch("/api/session/preferences", part).catch((error: unknown) => console.warn("preferences", errorText(error)));
  }, []);

  const arrive = useCallback(
    (me: Me) => {
      setWho({ state: "here", me });
      const chosen = chosenAtDoor.current;
      chosenAtDoor.current = {};
      show({ ...storedPreferences(), ...me.preferences, ...chosen });
      if (Object.keys(chosen).length > 0) keep(chosen);
    },
    [keep, show],
  );

  const refresh = useCallback(async () => {
    try {
      arrive(await api.get<Me>("/api/session"));
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) setWho({ state: "nobody", ended: false });
      else setWho({ state: "failed", error });
    }
  }, [arrive]);

  useEffect(() => {
    show(storedPreferences());
    whenSignedOut(() => setWho((now) => ({ state: "nobody", ended: now.state === "here" })));
    void refresh();
  }, [refresh, show]);

  const entered = who.state === "here" && !who.me.must_change_password;
  useEffect(() => {
    if (!entered) return;
    connection.start();
    return () => connection.stop();
  }, [entered]);

  const watches = entered && mayOf(who.me.roles).watch;
  useEffect(() => (watches ? warmLive() : undefined), [watches]);

  const signOut = useCallback(async () => {
    try {
      await api.delete("/api/session");
    } finally {
      setWho({ state: "nobody", ended: false });
    }
  }, []);

  const change = useCallback(
    (part: Partial<Preferences>) => {
      show({ ...preferences, ...part });
      if (who.state === "here") keep(part);
      else chosenAtDoor.current = { ...chosenAtDoor.current, ...part };
    },
    [keep, preferences, show, who.state],
  );
  const choices = useMemo(() => ({ preferences, change }), [preferences, change]);
  const session = useMemo(
    () => (who.state === "here" ? { me: who.me, signOut, refresh } : null),
    [who, signOut, refresh],
  );

  return (
    <I18nProvider locale={formats.locale}>
      <PreferencesContext value={choices}>
        <FormatsContext value={formats}>
          {who.state === "asking" && <Asking />}
          {who.state === "failed" && <Failed error={who.error} again={refresh} />}
          {who.state === "nobody" && <SignIn ended={who.ended} onSignedIn={arrive} />}
          {session && (
            <SessionContext value={session}>
              {session.me.must_change_password ? <ChangePassword forced onDone={refresh} /> : <RouterProvider router={router} />}
            </SessionContext>
          )}
          <Toasts />
        </FormatsContext>
      </PreferencesContext>
    </I18nProvider>
  );
}

function Asking() {
  const { t } = useTranslation();
  return <Loading what={t("loading.session")} />;
}

function Failed({ error, again }: { error: unknown; again: () => Promise<void> }) {
  const { t } = useTranslation();
  useEffect(() => {
    const id = window.setInterval(() => void again(), 4000);
    return () => window.clearInterval(id);
  }, [again]);
  return (
    <Empty title={t("errors:no_server_title")} action={<Button icon="refresh" onPress={() => void again()}>{t("try_again")}</Button>}>
      {errorText(error)}
    </Empty>
  );
}
