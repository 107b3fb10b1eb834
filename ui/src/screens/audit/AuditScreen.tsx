/** Who did and looked at what. Newest first; older entries come as one scrolls; the chain can be proved. */
import { useCallback, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, errorText } from "@/api/client";
import type { AuditEntry } from "@/api/types";
import { Button, Code, Empty, Icon, Loading, PriorityMark } from "@/design";
import { Facts, Group, Page, Side } from "@/design/Page";
import { type Column, Table } from "@/design/Table";
import { useFormats } from "@/i18n/format";
import { useNow } from "@/state/hooks";
import { useName } from "@/state/preferences";
import { world } from "@/state/world";

const PAGE = 200;

interface Verified {
  ok: boolean;
  entries?: number;
  head?: string;
  broken_number?: number | null;
  reason?: string;
}

export function AuditScreen() {
  const { t } = useTranslation("audit");
  const formats = useFormats();
  const name = useName();
  const now = useNow(10_000);
  const [filters, setFilters] = useState({ actor: "", action: "", subject: "" });
  const [rows, setRows] = useState<AuditEntry[] | null>(null);
  const [more, setMore] = useState(true);
  const [error, setError] = useState<string | null>(null);
  const [chosen, setChosen] = useState<AuditEntry | null>(null);
  const [proof, setProof] = useState<Verified | "running" | null>(null);
  const loading = useRef(false);
  const asked = useRef(0); // an answer to filters that are no longer wanted is dropped

  const read = useCallback(
    async (before: number | null) => {
      if (loading.current && before !== null) return;
      loading.current = true;
      const mine = before === null ? ++asked.current : asked.current;
      try {
        const page = await api.get<AuditEntry[]>("/api/audit", { ...filters, before, limit: PAGE });
        if (mine !== asked.current) return;
        setRows((old) => (before === null ? page : [...(old ?? []), ...page]));
        setMore(page.length === PAGE);
        setError(null);
      } catch (failure) {
        if (mine === asked.current) setError(errorText(failure));
      } finally {
        if (mine === asked.current) loading.current = false;
      }
    },
    [filters],
  );
  useEffect(() => {
    const id = window.setTimeout(() => void read(null), 250);
    return () => window.clearTimeout(id);
  }, [read]);

  const subject = (entry: AuditEntry) => {
    const camera = world.cameras.get(entry.subject) ?? world.sites.get(entry.subject) ?? world.sectors.get(entry.subject) ?? world.towns.get(entry.subject);
    if (!camera && entry.subject === entry.actor && entry.actor_name) return <bdi>{entry.actor_name}</bdi>;
    if (!camera) return <Code>{entry.subject}</Code>;
    return (
      <>
        {name(camera)} <Code>{camera.code}</Code>
      </>
    );
  };
  const action = (code: string) => t(`action.${code.replace(":", "_")}`, { defaultValue: code });
  const columns: Column<AuditEntry>[] = [
    { id: "number", head: t("number"), width: "84px", cell: (entry) => <span className="muted number">{formats.number(entry.number, { useGrouping: false })}</span> },
    { id: "at", head: t("at"), width: "140px", cell: (entry) => <span title={formats.stamp(entry.at_us)}>{formats.when(entry.at_us, now)}</span> },
    { id: "who", head: t("who"), width: "minmax(130px, 1.2fr)", cell: (entry) => <bdi>{entry.actor_name || entry.actor}</bdi> },
    { id: "action", head: t("what"), width: "minmax(160px, 1.5fr)", cell: (entry) => action(entry.action) },
    { id: "subject", head: t("subject"), width: "minmax(160px, 1.8fr)", cell: subject },
    { id: "address", head: t("address"), width: "130px", cell: (entry) => (entry.address ? <Code>{entry.address}</Code> : <span className="muted">—</span>) },
  ];
  const verify = async () => {
    setProof("running");
    try {
      setProof(await api.get<Verified>("/api/audit/verify"));
    } catch (failure) {
      setProof({ ok: false, reason: errorText(failure) });
    }
  };
  const input = (key: keyof typeof filters, latin = false) => (
    <div className="search-field">
      <Icon name="filter" size={16} />
      <input className="search-input" dir={latin ? "ltr" : undefined} value={filters[key]} onChange={(event) => setFilters({ ...filters, [key]: event.target.value })} placeholder={t(`filter.${key}`)} aria-label={t(`filter.${key}`)} />
    </div>
  );
  return (
    <Page
      title={t("title")}
      actions={
        <Button icon="shield" isDisabled={proof === "running"} onPress={() => void verify()}>
          {proof === "running" ? t("verifying") : t("verify")}
        </Button>
      }
      tools={
        <>
          {input("actor")}
          {input("action", true)}
          {input("subject", true)}
          {proof && proof !== "running" && (
            <div className={proof.ok ? "notice" : "notice critical"} role="status" style={{ flexBasis: "100%" }}>
              {proof.ok ? <Icon name="check" /> : <PriorityMark priority="critical" />}
              <span>
                {proof.ok
                  ? t("whole", { count: proof.entries ?? 0 })
                  : proof.broken_number
                    ? t("broken", { number: formats.number(proof.broken_number, { useGrouping: false }) })
                    : t("not_proved")}
                {proof.reason && !proof.ok && <span dir="auto"> {proof.reason}</span>}
                {proof.ok && proof.head && (
                  <span className="muted">
                    {" "}
                    {t("head")} <Code>{proof.head.slice(0, 16)}</Code>
                  </span>
                )}
              </span>
            </div>
          )}
        </>
      }
      side={
        chosen && (
          <Side title={action(chosen.action)} subtitle={t("entry", { number: formats.number(chosen.number, { useGrouping: false }) })} onClose={() => setChosen(null)}>
            <Facts
              items={[
                [t("at"), formats.stamp(chosen.at_us)],
                [t("who"), <bdi key="w">{chosen.actor_name || chosen.actor}</bdi>],
                [t("address"), chosen.address ? <Code key="a">{chosen.address}</Code> : "—"],
                [t("subject"), <span key="s">{subject(chosen)}</span>],
                [t("code"), <Code key="c">{chosen.action}</Code>],
              ]}
            />
            <Group title={t("detail")}>
              <pre className="mono-block">{JSON.stringify(chosen.detail, null, 2)}</pre>
            </Group>
            <Group title={t("hash")}>
              <pre className="mono-block">{chosen.hash}</pre>
            </Group>
          </Side>
        )
      }
    >
      {error ? (
        <Empty title={t("failed")} action={<Button onPress={() => void read(null)}>{t("common:try_again")}</Button>}>
          {error}
        </Empty>
      ) : rows === null ? (
        <Loading what={t("common:loading.list")} />
      ) : (
        <Table
          label={t("title")}
          rows={rows}
          columns={columns}
          keyOf={(entry) => String(entry.number)}
          selected={chosen ? String(chosen.number) : null}
          onSelect={setChosen}
          onEnd={() => more && void read(rows.at(-1)?.number ?? null)}
          empty={<Empty title={t("none")} />}
        />
      )}
    </Page>
  );
}
