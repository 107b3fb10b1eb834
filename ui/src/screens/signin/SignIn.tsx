/** The door: account and password, in the language of whoever stands before it. */
import { type FormEvent, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ApiError, errorText } from "@/api/client";
import type { Me } from "@/api/types";
import { Button, PriorityMark, TextField } from "@/design";
import { useFormats } from "@/i18n/format";
import { Door } from "./Door";

export function SignIn({ ended, onSignedIn }: { ended: boolean; onSignedIn: (me: Me) => void }) {
  const { t } = useTranslation("signin");
  const formats = useFormats();
  const [account, setAccount] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const [blockedUntil, setBlockedUntil] = useState(0);
  const [now, setNow] = useState(Date.now);
  const wait = blockedUntil - now;

  useEffect(() => {
    if (blockedUntil <= Date.now()) return;
    const id = window.setInterval(() => setNow(Date.now()), 500);
    return () => window.clearInterval(id);
  }, [blockedUntil]);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy || !account || !password) return;
    setBusy(true);
    setError(null);
    try {
      const me = await api.post<Me | undefined>("/api/session", { account: account.trim(), password }, { quiet401: true });
      onSignedIn(me?.account_id ? me : await api.get<Me>("/api/session"));
    } catch (failure) {
      if (failure instanceof ApiError) {
        const seconds = Number(failure.detail.wait_s ?? 0);
        if (seconds > 0) {
          setNow(Date.now());
          setBlockedUntil(Date.now() + seconds * 1000);
        }
        setError(failure.status === 401 ? t("errors:sign_in_refused") : errorText(failure));
      } else setError(errorText(failure));
      setPassword("");
    } finally {
      setBusy(false);
    }
  };

  return (
    <Door title={t("title")} foot={t("watched")}>
      <form onSubmit={(event) => void submit(event)} className="door-form">
        {ended && !error && <p className="notice">{t("ended")}</p>}
        <TextField label={t("account")} value={account} onChange={setAccount} latin autoComplete="username" autoFocus required />
        <TextField label={t("password")} value={password} onChange={setPassword} type="password" latin autoComplete="current-password" required />
        {error && (
          <p className="notice high" role="alert">
            <PriorityMark priority="high" />
            <span>
              {error} {wait > 0 && t("retry_in", { time: formats.duration(wait) })}
            </span>
          </p>
        )}
        <Button type="submit" look="primary" isDisabled={busy || wait > 0 || !account || !password}>
          {busy ? t("signing_in") : t("sign_in")}
        </Button>
      </form>
    </Door>
  );
}
