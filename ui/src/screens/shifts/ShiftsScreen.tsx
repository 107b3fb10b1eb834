/** Who sits where, and the log of every shift: take a console, write, hand over. An administrator sets the consoles. */
import { useCallback, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";
import { api, errorText } from "@/api/client";
import { Button, Code, Empty, Loading } from "@/design";
import { Page } from "@/design/Page";
import { type Column, Table } from "@/design/Table";
import { say } from "@/design/toast";
import { useFormats } from "@/i18n/format";
import { useChangesOf, useNow, useSectors } from "@/state/hooks";
import { useName } from "@/state/preferences";
import { useMay, useSession } from "@/state/session";
import { ConsoleForm } from "./ConsoleForm";
import { ShiftSide } from "./ShiftSide";
import type { ConsoleView, ShiftView } from "./types";
import "./shifts.css";

export function ShiftsScreen() {
  const { t } = useTranslation("shifts");
  const formats = useFormats();
  const name = useName();
  const may = useMay();
  const { me } = useSession();
  const navigate = useNavigate();
  const { id } = useParams();
  const now = useNow(10_000);
  const [consoles, setConsoles] = useState<ConsoleView[] | null>(null);
  const [shifts, setShifts] = useState<ShiftView[]>([]);
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [forming, setForming] = useState<ConsoleView | "new" | null>(null);
  const fetchAll = useCallback(() => {
    Promise.all([api.get<ConsoleView[]>("/api/consoles"), api.get<ShiftView[]>("/api/shifts", { limit: 100 })])
      .then(([found, list]) => (setConsoles(found), setShifts(list), setError(null)))
      .catch((failure: unknown) => setError(errorText(failure)));
  }, []);
  useEffect(fetchAll, [fetchAll]);
  useChangesOf("shift", fetchAll);
  const consoleOf = (consoleId: string) => consoles?.find((one) => one.id === consoleId);
  const open = (to: string | null) => {
    setForming(null);
    void navigate(to ? `/shifts/${to}` : "/shifts");
  };
  const take = async (one: ConsoleView) => {
    setBusy(true);
    try {
      const taken = await api.post<ShiftView>("/api/shifts/take", { console_id: one.id });
      say(t("taken", { console: name(one) }));
      fetchAll();
      open(taken.id);
    } catch (failure) {
      say(errorText(failure), { tone: "high" });
    } finally {
      setBusy(false);
    }
  };
  const columns: Column<ShiftView>[] = [
    { id: "console", head: t("console"), width: "minmax(130px, 1.2fr)", cell: (one) => name(consoleOf(one.console_id)) || one.console_id },
    { id: "who", head: t("who"), width: "minmax(120px, 1.2fr)", cell: (one) => <bdi>{one.account_name}</bdi> },
    { id: "from", head: t("from"), width: "150px", cell: (one) => <span title={formats.stamp(one.started_us)}>{formats.when(one.started_us, now)}</span> },
    { id: "until", head: t("until"), width: "150px", cell: (one) => (one.ended_us ? <span title={formats.stamp(one.ended_us)}>{formats.when(one.ended_us, now)}</span> : <b>{t(one.handed_us ? "waits_for" : "sits", { name: one.to_account_name })}</b>) },
    { id: "note", head: t("note"), width: "minmax(140px, 2fr)", cell: (one) => <span className="muted">{one.note}</span> },
  ];
  const chosen = shifts.find((one) => one.id === id);
  return (
    <Page
      title={t("title")}
      actions={
        may.administerAlarms && (
          <Button icon="plus" onPress={() => setForming("new")}>
            {t("add_console")}
          </Button>
        )
      }
      side={
        forming ? (
          <ConsoleForm key={forming === "new" ? "new" : forming.id} console={forming === "new" ? undefined : forming} onClose={() => setForming(null)} onSaved={() => (setForming(null), fetchAll())} />
        ) : id ? (
          <ShiftSide key={id} id={id} console={chosen && consoleOf(chosen.console_id)} version={`${chosen?.handed_us ?? 0}.${chosen?.ended_us ?? 0}`} onClose={() => open(null)} onChanged={fetchAll} />
        ) : undefined
      }
    >
      {error ? (
        <Empty title={t("failed")} action={<Button onPress={fetchAll}>{t("common:try_again")}</Button>}>
          {error}
        </Empty>
      ) : consoles === null ? (
        <Loading what={t("common:loading.list")} />
      ) : (
        <>
          <section className="consoles" aria-label={t("consoles")}>
            {consoles.map((one) => {
              const mine = one.shift?.account_id === me.account_id;
              const forMe = Boolean(one.shift?.handed_us) && (one.shift?.to_account_id === me.account_id || may.manageAlarms);
              return (
                <article key={one.id} className={`console${one.enabled ? "" : " off"}${mine ? " mine" : ""}`}>
                  <header>
                    <h2>{name(one) || one.code}</h2>
                    <Code>{one.code}</Code>
                  </header>
                  <p className="console-who">{one.shift ? <bdi>{one.shift.account_name}</bdi> : <span className="muted">{t(one.enabled ? "nobody" : "off")}</span>}</p>
                  <p className="muted">
                    {one.shift
                      ? one.shift.handed_us
                        ? t("waits_for", { name: one.shift.to_account_name })
                        : t("since", { when: formats.when(one.shift.started_us, now) })
                      : one.enabled
                        ? t("nobody_text")
                        : ""}
                  </p>
                  <Covers console={one} />
                  <footer>
                    {may.actOnAlarms && one.enabled && (!one.shift || forMe) && !mine && (
                      <Button look="primary" icon="shift" mirror small isDisabled={busy} onPress={() => void take(one)}>
                        {t(one.shift ? "take_over" : "take")}
                      </Button>
                    )}
                    {one.shift && (
                      <Button small icon="file" onPress={() => open(one.shift!.id)}>
                        {t(mine && !one.shift.handed_us ? "log_hand_over" : "log")}
                      </Button>
                    )}
                    {may.administerAlarms && (
                      <Button small look="quiet" icon="edit" onPress={() => setForming(one)}>
                        {t("common:edit")}
                      </Button>
                    )}
                  </footer>
                </article>
              );
            })}
          </section>
          <h2 className="shifts-head">{t("logs")}</h2>
          <Table label={t("logs")} rows={shifts} columns={columns} keyOf={(one) => one.id} selected={id} onSelect={(one) => open(one.id)} empty={<Empty title={t("no_logs")}>{t("no_logs_text")}</Empty>} />
        </>
      )}
    </Page>
  );
}

/** What a console is for: sectors and skills, in words. */
function Covers({ console: one }: { console: ConsoleView }) {
  const { t } = useTranslation("shifts");
  const formats = useFormats();
  const name = useName();
  const sectors = useSectors();
  const where = one.sector_ids === null ? t("all_sectors") : one.sector_ids.length ? formats.list(one.sector_ids.map((id) => name(sectors.find((s) => s.id === id)) || id)) : t("no_sectors");
  const what = one.skills === null ? t("all_skills") : one.skills.length ? formats.list(one.skills.map((skill) => t(`skill.${skill}`))) : t("no_skills");
  return (
    <dl className="covers">
      <dt>{t("role_head")}</dt>
      <dd>{t(`common:role.${one.role}`)}</dd>
      <dt>{t("sectors")}</dt>
      <dd>{where}</dd>
      <dt>{t("skills")}</dt>
      <dd>{what}</dd>
    </dl>
  );
}
