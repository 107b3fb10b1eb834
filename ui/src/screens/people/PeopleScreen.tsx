/** Accounts: who may sign in, with which roles, for which sectors; one-time passwords; open sessions. */
import { useCallback, useEffect, useState } from "react";
import { useNavigate, useParams } from "react-router";
import { useTranslation } from "react-i18next";
import { api, errorText } from "@/api/client";
import { type Account, type AccountSession, type Role, ROLES } from "@/api/types";
import { Button, Check, Code, DialogBox, Empty, Icon, Loading, PriorityMark, TextField } from "@/design";
import { FormFault, FormFoot } from "@/design/FormFoot";
import { Facts, Group, Page, Side } from "@/design/Page";
import { type Column, Table } from "@/design/Table";
import { say } from "@/design/toast";
import { useFormats } from "@/i18n/format";
import { plainText } from "@/i18n/search";
import { useForm } from "@/state/form";
import { useChangesOf, useNow, useSectors } from "@/state/hooks";
import { useName } from "@/state/preferences";
import { useSession } from "@/state/session";

type Given = { account: string; password: string };

export function PeopleScreen() {
  const { t } = useTranslation("people");
  const formats = useFormats();
  const name = useName();
  const navigate = useNavigate();
  const { id } = useParams();
  const sectors = useSectors();
  const now = useNow(10_000);
  const [accounts, setAccounts] = useState<Account[] | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [text, setText] = useState("");
  const [given, setGiven] = useState<Given | null>(null);
  const fetchAll = useCallback(() => {
    api
      .get<Account[]>("/api/accounts")
      .then((list) => (setAccounts(list), setError(null)))
      .catch((failure: unknown) => setError(errorText(failure)));
  }, []);
  useEffect(fetchAll, [fetchAll]);
  useChangesOf("account", fetchAll);

  const wanted = plainText(text.trim());
  const rows = (accounts ?? []).filter((one) => !wanted || plainText(`${one.account} ${one.name}`).includes(wanted));
  const columns: Column<Account>[] = [
    {
      id: "name",
      head: t("name"),
      width: "minmax(160px, 1.6fr)",
      cell: (one) => (
        <span className={one.enabled ? "" : "muted"}>
          <bdi>{one.name || one.account}</bdi>
        </span>
      ),
    },
    { id: "account", head: t("account"), width: "minmax(140px, 1fr)", cell: (one) => <Code>{one.account}</Code> },
    { id: "roles", head: t("roles"), width: "minmax(150px, 1.6fr)", cell: (one) => formats.list(one.roles.map((role) => t(`common:role.${role}`))) },
    { id: "sectors", head: t("sectors"), width: "minmax(120px, 1.4fr)", cell: (one) => (one.sector_ids === null ? t("cameras:all_sectors") : one.sector_ids.length ? formats.list(one.sector_ids.map((sector) => name(sectors.find((s) => s.id === sector)) || sector)) : <span className="text-medium">{t("no_sector")}</span>) },
    { id: "last", head: t("last"), width: "130px", cell: (one) => <span title={one.last_sign_in_us ? formats.stamp(one.last_sign_in_us) : ""}>{one.last_sign_in_us ? formats.when(one.last_sign_in_us, now) : t("never")}</span> },
    { id: "state", head: t("common:state"), width: "110px", cell: (one) => <span className="muted">{t(one.enabled ? "enabled" : "disabled")}</span> },
  ];
  const open = (to: string | null) => void navigate(to ? `/people/${to}` : "/people");
  const chosen = accounts?.find((one) => one.id === id);
  return (
    <Page
      title={t("title")}
      count={accounts ? t("count", { count: accounts.length }) : undefined}
      actions={
        <Button icon="plus" look="primary" onPress={() => open("new")}>
          {t("add")}
        </Button>
      }
      tools={
        <div className="search-field">
          <Icon name="filter" size={16} />
          <input className="search-input" value={text} onChange={(event) => setText(event.target.value)} placeholder={t("filter")} aria-label={t("filter")} />
        </div>
      }
      side={
        id === "new" ? (
          <AccountForm
            onClose={() => open(null)}
            onSaved={(account, password) => {
              fetchAll();
              open(account.id);
              if (password) setGiven({ account: account.account, password });
            }}
          />
        ) : chosen ? (
          <AccountSide key={chosen.id} account={chosen} onClose={() => open(null)} onChanged={fetchAll} onGiven={setGiven} />
        ) : undefined
      }
    >
      {error ? (
        <Empty title={t("failed")} action={<Button onPress={fetchAll}>{t("common:try_again")}</Button>}>
          {error}
        </Empty>
      ) : accounts === null ? (
        <Loading what={t("common:loading.list")} />
      ) : (
        <Table label={t("title")} rows={rows} columns={columns} keyOf={(one) => one.id} selected={id} onSelect={(one) => open(one.id)} empty={<Empty title={t("none_match")} />} />
      )}
      {given && <OncePassword given={given} onClose={() => setGiven(null)} />}
    </Page>
  );
}

/** Shown once: it is kept nowhere in the clear. */
function OncePassword({ given, onClose }: { given: Given; onClose: () => void }) {
  const { t } = useTranslation("people");
  const [copied, setCopied] = useState(false);
  return (
    <DialogBox
      title={t("once_title")}
      isOpen
      onClose={onClose}
      foot={
        <Button look="primary" onPress={onClose}>
          {t("once_done")}
        </Button>
      }
    >
      <p>{t("once_text", { account: given.account })}</p>
      <div className="once">
        <code>{given.password}</code>
        <Button
          small
          icon={copied ? "check" : "copy"}
          onPress={() => {
            navigator.clipboard.writeText(given.password).then(
              () => setCopied(true),
              () => say(t("copy_failed"), { tone: "high" }),
            );
          }}
        >
          {t(copied ? "common:copied" : "common:copy")}
        </Button>
      </div>
      <div className="notice medium">
        <PriorityMark priority="medium" />
        <span>{t("once_warning")}</span>
      </div>
    </DialogBox>
  );
}

function AccountSide({ account, onClose, onChanged, onGiven }: { account: Account; onClose: () => void; onChanged: () => void; onGiven: (given: Given) => void }) {
  const { t } = useTranslation("people");
  const formats = useFormats();
  const name = useName();
  const { me } = useSession();
  const sectors = useSectors();
  const now = useNow(5000);
  const [editing, setEditing] = useState(false);
  const [resetting, setResetting] = useState(false);
  const [sessions, setSessions] = useState<AccountSession[] | null>(null);
  const loadSessions = useCallback(() => {
    api
      .get<AccountSession[]>(`/api/accounts/${account.id}/sessions`)
      .then(setSessions)
      .catch((failure: unknown) => say(errorText(failure), { tone: "high" }));
  }, [account.id]);
  useEffect(loadSessions, [loadSessions]);
  const run = async (work: () => Promise<unknown>, text: string, undo?: () => Promise<unknown>) => {
    try {
      await work();
      say(text, { undo: undo ? async () => void (await run(undo, t("undone"))) : undefined });
      onChanged();
      loadSessions();
    } catch (failure) {
      say(errorText(failure), { tone: "high" });
    }
  };
  if (editing) {
    return (
      <AccountForm
        account={account}
        onClose={() => setEditing(false)}
        onSaved={() => {
          setEditing(false);
          onChanged();
        }}
      />
    );
  }
  const mine = account.id === me.account_id;
  const set = (enabled: boolean) => api.patch(`/api/accounts/${account.id}`, { enabled });
  return (
    <Side
      title={<bdi>{account.name || account.account}</bdi>}
      subtitle={<Code>{account.account}</Code>}
      onClose={onClose}
      foot={
        <>
          <Button icon="key" onPress={() => setResetting(true)}>
            {t("reset")}
          </Button>
          {!mine && (
            <Button look={account.enabled ? "danger" : "plain"} onPress={() => void run(() => set(!account.enabled), t(account.enabled ? "was_disabled" : "was_enabled", { account: account.account }), () => set(account.enabled))}>
              {t(account.enabled ? "disable" : "enable")}
            </Button>
          )}
          <span className="gap" />
          <Button icon="edit" onPress={() => setEditing(true)}>
            {t("common:edit")}
          </Button>
        </>
      }
    >
      {!account.enabled && (
        <div className="notice">
          <Icon name="lock" />
          <span>{t("is_disabled")}</span>
        </div>
      )}
      <Facts
        items={[
          [t("roles"), account.roles.map((role) => <p key={role}>{t(`common:role.${role}`)}</p>)],
          [t("sectors"), account.sector_ids === null ? t("cameras:all_sectors") : account.sector_ids.length ? account.sector_ids.map((id) => <p key={id}>{name(sectors.find((one) => one.id === id)) || id}</p>) : t("no_sector")],
          [t("created"), formats.stamp(account.created_us)],
          [t("last"), account.last_sign_in_us ? formats.stamp(account.last_sign_in_us) : t("never")],
        ]}
      />
      <Group title={t("sessions")}>
        {sessions === null ? (
          <span className="spinner" />
        ) : sessions.length ? (
          <ul className="found-sessions">
            {sessions.map((one) => (
              <li key={one.id}>
                <span>
                  <Code>{one.address || "—"}</Code>{" "}
                  <span className="muted">{one.last_seen_us ? t("seen", { when: formats.when(one.last_seen_us, now) }) : ""}</span>
                </span>
                <Button small onPress={() => void run(() => api.delete(`/api/accounts/${account.id}/sessions?session_id=${encodeURIComponent(one.id)}`), t("ended"))}>
                  {t("end")}
                </Button>
              </li>
            ))}
            {sessions.length > 1 && (
              <li>
                <Button small look="danger" onPress={() => void run(() => api.delete(`/api/accounts/${account.id}/sessions`), t("ended_all"))}>
                  {t("end_all")}
                </Button>
              </li>
            )}
          </ul>
        ) : (
          <p className="muted">{t("no_sessions")}</p>
        )}
      </Group>
      {resetting && (
        <DialogBox
          title={t("reset_title", { account: account.account })}
          isOpen
          onClose={() => setResetting(false)}
          foot={
            <>
              <Button onPress={() => setResetting(false)}>{t("common:cancel")}</Button>
              <Button
                look="danger"
                icon="key"
                onPress={() => {
                  setResetting(false);
                  api
                    .post<{ one_time_password: string }>(`/api/accounts/${account.id}/password`, {})
                    .then((answer) => {
                      onGiven({ account: account.account, password: answer.one_time_password });
                      loadSessions();
                    })
                    .catch((failure: unknown) => say(errorText(failure), { tone: "high" }));
                }}
              >
                {t("reset")}
              </Button>
            </>
          }
        >
          <p>{t("reset_text")}</p>
        </DialogBox>
      )}
    </Side>
  );
}

function AccountForm({ account, onClose, onSaved }: { account?: Account; onClose: () => void; onSaved: (account: Account, password?: string) => void }) {
  const { t } = useTranslation("people");
  const name = useName();
  const sectors = useSectors();
  const form = useForm({
    account: account?.account ?? "",
    name: account?.name ?? "",
    roles: account?.roles ?? (["operator"] as Role[]),
    everywhere: account ? account.sector_ids === null : false,
    sector_ids: account?.sector_ids ?? [],
  });
  const { values, set, errors } = form;
  const save = () => {
    const found: Record<string, string> = {};
    if (!account && !/^[a-z0-9][a-z0-9._-]{1,62}[a-z0-9]$/.test(values.account.trim().toLowerCase())) found.account = t("account_form");
    if (!values.name.trim()) found.name = t("fields:required");
    if (!values.roles.length) found.roles = t("one_role");
    void form.submit(found, async () => {
      const body = { name: values.name, roles: values.roles, sector_ids: values.everywhere ? null : values.sector_ids };
      if (account) {
        const saved = await api.patch<Account>(`/api/accounts/${account.id}`, body);
        const before = { name: account.name, roles: account.roles, sector_ids: account.sector_ids };
        say(t("saved", { account: account.account }), { undo: async () => void (await api.patch(`/api/accounts/${account.id}`, before)) });
        onSaved(saved ?? account);
      } else {
        const saved = await api.post<Account & { one_time_password?: string }>("/api/accounts", { ...body, account: values.account.trim().toLowerCase() });
        onSaved(saved, saved.one_time_password);
      }
    });
  };
  const flip = <T,>(list: readonly T[], one: T, on: boolean) => (on ? [...list, one] : list.filter((item) => item !== one));
  return (
    <Side
      title={t(account ? "edit_title" : "add")}
      subtitle={account ? <Code>{account.account}</Code> : undefined}
      onClose={onClose}
      foot={<FormFoot form={form} stored={Boolean(account)} onSave={save} onCancel={onClose} />}
    >
      <FormFault form={form} />
      {!account && <TextField label={t("account")} value={values.account} onChange={(value) => set("account", value)} error={errors.account} hint={t("account_hint")} latin required autoComplete="off" />}
      <TextField label={t("name")} value={values.name} onChange={(value) => set("name", value)} error={errors.name} hint={t("name_hint")} required />
      <Group title={t("roles")}>
        <div className="checks">
          {ROLES.map((role) => (
            <Check key={role} label={t(`common:role.${role}`)} hint={t(`common:role_may.${role}`)} value={values.roles.includes(role)} onChange={(on) => set("roles", flip(values.roles, role, on))} />
          ))}
        </div>
        {errors.roles && <p className="form-error">{errors.roles}</p>}
      </Group>
      <Group title={t("sectors")}>
        <div className="checks">
          <Check label={t("cameras:all_sectors")} hint={t("all_sectors_hint")} value={values.everywhere} onChange={(on) => set("everywhere", on)} />
          {!values.everywhere && sectors.map((sector) => <Check key={sector.id} label={name(sector)} value={values.sector_ids.includes(sector.id)} onChange={(on) => set("sector_ids", flip(values.sector_ids, sector.id, on))} />)}
        </div>
        {errors.sector_ids && <p className="form-error">{errors.sector_ids}</p>}
      </Group>
      {!account && <p className="muted">{t("password_made")}</p>}
    </Side>
  );
}
