/** A new password, by choice or because the one at hand was for one time only. */
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ApiError, errorText } from "@/api/client";
import { Button, PriorityMark, TextField } from "@/design";
import { say } from "@/design/toast";
import { useSession } from "@/state/session";
import { Door } from "./Door";

export function PasswordForm({ once, onDone }: { once?: boolean; onDone: () => void | Promise<void> }) {
  const { t } = useTranslation("signin");
  const least = useSession().me.password_min_length;
  const [old, setOld] = useState("");
  const [fresh, setFresh] = useState("");
  const [again, setAgain] = useState("");
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const missing = least - [...fresh].length;
  const freshError = !fresh ? undefined : missing > 0 ? t("too_short", { count: missing }) : fresh === old ? t("same_as_old") : undefined;
  const againError = again && again !== fresh ? t("not_same") : undefined;
  const ready = old && fresh && again === fresh && !freshError;

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!ready || busy) return;
    setBusy(true);
    setError(null);
    try {
      await api.post("/api/session/password", { old, new: fresh }, { quiet401: true });
      say(t("changed"));
      setOld("");
      setFresh("");
      setAgain("");
      await onDone();
    } catch (failure) {
      const first = failure instanceof ApiError ? failure.fields[0]?.message : undefined;
      setError(failure instanceof ApiError && failure.status === 401 ? t("errors:wrong_password") : (first ?? errorText(failure)));
    } finally {
      setBusy(false);
    }
  };

  return (
    <form onSubmit={(event) => void submit(event)} className="door-form">
      <TextField label={once ? t("old_once") : t("old")} value={old} onChange={setOld} type="password" latin autoComplete="current-password" required />
      <TextField label={t("new")} value={fresh} onChange={setFresh} type="password" latin autoComplete="new-password" hint={t("hint", { count: least })} error={freshError} required />
      <TextField label={t("again")} value={again} onChange={setAgain} type="password" latin autoComplete="new-password" error={againError} required />
      {error && (
        <p className="notice high" role="alert">
          <PriorityMark priority="high" />
          <span>{error}</span>
        </p>
      )}
      <Button type="submit" look="primary" isDisabled={!ready || busy}>
        {busy ? t("common:saving") : t("change")}
      </Button>
    </form>
  );
}

export function ChangePassword({ onDone }: { forced: true; onDone: () => Promise<void> }) {
  const { t } = useTranslation("signin");
  const { signOut } = useSession();
  return (
    <Door title={t("change_title")} lead={t("change_forced")}>
      <PasswordForm once onDone={onDone} />
      <Button look="quiet" onPress={() => void signOut()}>
        {t("shell:sign_out")}
      </Button>
    </Door>
  );
}
