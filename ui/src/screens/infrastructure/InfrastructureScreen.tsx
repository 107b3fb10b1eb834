/** Power sources, cabinets, switches, links and telemetry devices: a list for each, its forms, files in and out. */
import { useCallback, useDeferredValue, useEffect, useMemo, useState } from "react";
import { useNavigate, useParams, useSearchParams } from "react-router";
import { useTranslation } from "react-i18next";
import { api, errorText, request } from "@/api/client";
import { Button, DialogBox, Empty, Icon, Loading, Segmented, Select } from "@/design";
import { Page } from "@/design/Page";
import { type Sort, Table } from "@/design/Table";
import { say } from "@/design/toast";
import { useFormats } from "@/i18n/format";
import { plainText } from "@/i18n/search";
import { ImportDialog } from "@/screens/cameras/ImportDialog";
import { useSectors, useSites, useVersion } from "@/state/hooks";
import { useName } from "@/state/preferences";
import { useMay } from "@/state/session";
import { world } from "@/state/world";
import { useColumns } from "./columns";
import { NOUNS, type Noun, type Row } from "./nouns";
import { RowForm } from "./RowForm";
import { OwnBroker, RowSide } from "./RowSide";
import "./infrastructure.css";

const ALL = "all";
const KIND = { power_sources: "power_source", cabinets: "cabinet", switches: "switch", links: "link", devices: "site" } as const;

export function InfrastructureScreen() {
  const { noun } = useParams();
  const known = NOUNS.find((one) => one === noun) ?? "power_sources";
  return <List key={known} noun={known} />;
}

function List({ noun }: { noun: Noun }) {
  const { t } = useTranslation("infrastructure");
  const formats = useFormats();
  const name = useName();
  const may = useMay();
  const navigate = useNavigate();
  const { id } = useParams();
  const [query, setQuery] = useSearchParams();
  const site = query.get("site");
  const sectors = useSectors();
  useSites(); // names come with them
  const { rows, error, again } = useRows(noun);
  const columns = useColumns(noun);
  const [text, setText] = useState("");
  const [sector, setSector] = useState(ALL);
  const [sort, setSort] = useState<Sort>({ by: noun === "power_sources" || noun === "cabinets" ? "site_code" : "code", down: false });
  const [importing, setImporting] = useState(false);
  const [token, setToken] = useState<{ row: Row; token: string } | null>(null);
  const wanted = useDeferredValue(plainText(text.trim()));

  const shown = useMemo(() => {
    const kept = (rows ?? []).filter((row) => {
      const sites = sitesOf(noun, row);
      if (site && !sites.includes(site)) return false;
      if (sector !== ALL && !sites.some((one) => world.sites.get(one)?.sector_id === sector)) return false;
      return !wanted || plainText(searched(row, sites)).includes(wanted);
    });
    const by = columns.find((column) => column.id === sort.by)?.by;
    if (by) kept.sort((a, b) => (by(a) < by(b) ? -1 : by(a) > by(b) ? 1 : 0));
    if (sort.down) kept.reverse();
    return kept;
  }, [rows, noun, site, sector, wanted, sort, columns]);
  const row = rows?.find((one) => one.id === id);
  const open = (to: string | null) => void navigate({ pathname: to ? `/infrastructure/${noun}/${to}` : `/infrastructure/${noun}`, search: query.toString() });
  const saved = (value: Row & { token?: string }) => {
    again();
    if (value.token) setToken({ row: value, token: value.token });
    open(value.id);
  };
  const save = async () => {
    try {
      const answer = await request(`/api/infrastructure/${noun}/export.csv`);
      const address = URL.createObjectURL(await answer.blob());
      const link = document.createElement("a");
      link.href = address;
      link.download = `${noun}.csv`;
      link.click();
      URL.revokeObjectURL(address);
    } catch (failure) {
      say(errorText(failure), { tone: "high" });
    }
  };

  return (
    <Page
      title={t("title")}
      count={rows ? (shown.length === rows.length ? t(`count.${noun}`, { count: rows.length }) : t("cameras:shown_of", { shown: formats.number(shown.length), all: formats.number(rows.length) })) : undefined}
      actions={
        may.editNetwork && (
          <>
            <Button icon="download" onPress={() => void save()}>
              {t("export")}
            </Button>
            <Button icon="upload" onPress={() => setImporting(true)}>
              {t("cameras:import")}
            </Button>
            <Button icon="plus" look="primary" onPress={() => open("new")}>
              {t(`add.${noun}`)}
            </Button>
          </>
        )
      }
      tools={
        <>
          <Segmented label={t("title")} value={noun} onChange={(next) => void navigate({ pathname: `/infrastructure/${next}`, search: query.toString() })} choices={NOUNS.map((one) => ({ id: one, text: t(`noun.${one}`) }))} />
          <div className="search-field">
            <Icon name="filter" size={16} />
            <input className="search-input" value={text} onChange={(event) => setText(event.target.value)} placeholder={t("filter")} aria-label={t("filter")} />
          </div>
          <Select inline label={t("common:sector")} value={sector} onChange={setSector} choices={[{ id: ALL, text: t("cameras:all_sectors") }, ...sectors.map((one) => ({ id: one.id, text: name(one) }))]} />
          {site && (
            <Button small icon="close" onPress={() => setQuery({}, { replace: true })}>
              {t("only_site", { site: name(world.sites.get(site)) })}
            </Button>
          )}
        </>
      }
      side={
        id === "new" ? (
          may.editNetwork && <RowForm key={`new ${noun}`} noun={noun} siteId={site} onClose={() => open(null)} onSaved={saved} />
        ) : id && rows ? (
          <RowSide key={id} noun={noun} row={row} onClose={() => open(null)} onSaved={saved} onRemoved={() => (again(), open(null))} onToken={(value) => row && setToken({ row, token: value })} />
        ) : undefined
      }
    >
      {!rows && !error && <Loading what={t("common:loading.list")} />}
      {error && (
        <Empty title={t("failed")} action={<Button onPress={again}>{t("common:try_again")}</Button>}>
          {error}
        </Empty>
      )}
      {rows && !error && (
        <Table
          label={t(`noun.${noun}`)}
          rows={shown}
          columns={columns}
          keyOf={(one) => one.id}
          selected={id}
          onSelect={(one) => open(one.id)}
          sort={sort}
          onSort={setSort}
          empty={<Empty title={t(rows.length ? "none_match" : "none_yet")}>{rows.length ? undefined : t("none_yet_text")}</Empty>}
        />
      )}
      {importing && <ImportDialog of={{ path: `/api/infrastructure/${noun}/import`, title: t(`import.${noun}`), hint: t(`import_hint.${noun}`), files: [".csv"] }} onClose={() => (setImporting(false), again())} />}
      {token && <Token {...token} onClose={() => setToken(null)} />}
    </Page>
  );
}

export function sitesOf(noun: Noun, row: Row): string[] {
  return (noun === "links" ? [row.a_site_id, row.b_site_id] : [row.site_id]).filter((one): one is string => typeof one === "string");
}

function searched(row: Row, sites: readonly string[]): string {
  const own = ["code", "name", "make", "model", "ring", "address", "profile", "protocol"].map((key) => row[key]).filter((one) => typeof one === "string");
  const places = sites.map((id) => world.sites.get(id)).flatMap((site) => (site ? [site.code, site.name_ar, site.name_en] : []));
  return [...own, ...places].join(" ");
}

function useRows(noun: Noun): { rows: Row[] | null; error: string | null; again: () => void } {
  const [rows, setRows] = useState<Row[] | null>(null);
  const [error, setError] = useState<string | null>(null);
  const version = useVersion(KIND[noun]);
  const again = useCallback(() => {
    api
      .get<Row[]>(`/api/infrastructure/${noun}`)
      .then((found) => (setRows(found), setError(null)))
      .catch((failure: unknown) => setError(errorText(failure)));
  }, [noun]);
  useEffect(() => {
    // States of links and switches change often and come by themselves; the rows are fetched again only when calm.
    const soon = window.setTimeout(again, version ? 300 : 0);
    return () => window.clearTimeout(soon);
  }, [again, version]);
  return { rows, error, again };
}

/** A device's token: shown this once, kept by us only as its hash. */
function Token({ row, token, onClose }: { row: Row; token: string; onClose: () => void }) {
  const { t } = useTranslation("infrastructure");
  return (
    <DialogBox title={t("token_title", { code: row.code })} isOpen onClose={onClose} foot={<Button look="primary" onPress={onClose}>{t("token_kept")}</Button>}>
      <p>{t("token_text")}</p>
      <div className="once">
        <code data-testid="token">{token}</code>
        <Button small icon="copy" onPress={() => void navigator.clipboard?.writeText(token).then(() => say(t("common:copied")))}>
          {t("common:copy")}
        </Button>
      </div>
      <OwnBroker row={row} />
      {row.protocol === "push" && (
        <p className="muted">
          {t("token_how")} <bdi className="code">{"POST /api/telemetry"}</bdi>
        </p>
      )}
    </DialogBox>
  );
}
