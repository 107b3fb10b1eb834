/** Saves the wall under a name: anew, or over the layout it came from. */
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, errorText } from "@/api/client";
import type { Layout } from "@/api/types";
import { Button, Check, DialogBox, TextField } from "@/design";
import { useSession } from "@/state/session";

interface Props {
  layout: Layout | undefined;
  mayShare: boolean;
  body: Pick<Layout, "columns" | "rows" | "tiles" | "cycle_s" | "pages">;
  onClose(id: string | null): void;
}

export function SaveLayout({ layout, mayShare, body, onClose }: Props) {
  const { t } = useTranslation("wall");
  const { me } = useSession();
  const own = layout && (layout.owner_account_id === me.account_id || mayShare) ? layout : null;
  const [name, setName] = useState(layout?.name ?? "");
  const [shared, setShared] = useState(layout?.shared ?? false);
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const save = async (over: boolean) => {
    if (!name.trim()) {
      setError(t("name_wanted"));
      return;
    }
    setBusy(true);
    try {
      const whole = { name: name.trim(), shared, ...body };
      const saved = over && own ? await api.put<Layout>(`/api/layouts/${own.id}`, whole) : await api.post<Layout>("/api/layouts", whole);
      onClose(saved?.id ?? own?.id ?? null);
    } catch (reason) {
      setError(errorText(reason));
      setBusy(false);
    }
  };
  return (
    <DialogBox
      title={t("save_title")}
      isOpen
      busy={busy}
      onClose={() => onClose(null)}
      foot={
        <>
          <Button look="quiet" onPress={() => onClose(null)} isDisabled={busy}>
            {t("common:cancel")}
          </Button>
          {own && (
            <Button onPress={() => void save(false)} isDisabled={busy}>
              {t("save_new")}
            </Button>
          )}
          <Button look="primary" onPress={() => void save(Boolean(own))} isDisabled={busy}>
            {own ? t("save_over") : t("save")}
          </Button>
        </>
      }
    >
      <TextField label={t("name")} value={name} onChange={setName} error={error} autoFocus />
      <Check label={t("share")} hint={mayShare ? t("share_hint") : t("share_not")} value={shared} onChange={setShared} disabled={!mayShare} />
    </DialogBox>
  );
}
