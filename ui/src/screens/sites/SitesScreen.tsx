/** All sites (poles and buildings) with their cameras. */
import { useDeferredValue, useMemo, useState } from "react";
import { Link, useNavigate, useParams } from "react-router";
import { useTranslation } from "react-i18next";
import { useOpenAlarms } from "@/alarms/hooks";
import { kindName } from "@/alarms/words";
import { api, errorText } from "@/api/client";
import type { Alarm } from "@/api/health";
import type { Camera, Site } from "@/api/types";
import { Button, Code, DialogBox, Empty, Icon, PriorityMark, Segmented, Select, StateMark, TextField } from "@/design";
import { FormFault, FormFoot } from "@/design/FormFoot";
import { Facts, Group, Page, Side } from "@/design/Page";
import { type Column, type Sort, Table } from "@/design/Table";
import { say } from "@/design/toast";
import { useFormats } from "@/i18n/format";
import { plainText } from "@/i18n/search";
import { ImportDialog } from "@/screens/cameras/ImportDialog";
import { judgeCamera, PRIORITY_RANK, type Priority } from "@/state/camera_state";
import { readNumber, useForm } from "@/state/form";
import { useCalmVersion, useCameras, useSectors, useSite, useSites, useTowns } from "@/state/hooks";
import { useName } from "@/state/preferences";
import { useMay } from "@/state/session";
import { world } from "@/state/world";

const NONE = "none";

interface Health {
  cameras: Camera[];
  troubled: number;
  worst: Priority;
}

export function SitesScreen() {
  const { t } = useTranslation("sites");
  const formats = useFormats();
  const name = useName();
  const may = useMay();
  const navigate = useNavigate();
  const { id } = useParams();
  const sites = useSites();
  const cameras = useCameras();
  const statusVersion = useCalmVersion("status", 1000);
  const [text, setText] = useState("");
  const [sector, setSector] = useState(NONE);
  const [sort, setSort] = useState<Sort>({ by: "state", down: false });
  const [importing, setImporting] = useState(false);
  const sectors = useSectors();
  const wanted = useDeferredValue(plainText(text.trim()));

  const health = useMemo(() => {
    const found = new Map<string, Health>();
    for (const camera of cameras) {
      if (!camera.site_id) continue;
      const one = found.get(camera.site_id) ?? { cameras: [], troubled: 0, worst: "none" as Priority };
      const { priority } = judgeCamera(camera, world.statuses.get(camera.id));
      one.cameras.push(camera);
      if (PRIORITY_RANK[priority] > PRIORITY_RANK.low) one.troubled += 1;
      if (PRIORITY_RANK[priority] > PRIORITY_RANK[one.worst]) one.worst = priority;
      found.set(camera.site_id, one);
    }
    return found;
    // eslint-disable-next-line react-hooks/exhaustive-deps -- statusVersion stands for world.statuses
  }, [cameras, statusVersion]);
  const alarms = useOpenAlarms();
  /** The gravest open alarm of each site: a dark site's cameras may only look as if they were stopped on purpose. */
  const told = useMemo(() => {
    const found = new Map<string, Alarm>();
    for (const alarm of alarms) {
      const before = alarm.site_id && found.get(alarm.site_id);
      if (alarm.site_id && (!before || PRIORITY_RANK[alarm.priority] > PRIORITY_RANK[before.priority])) found.set(alarm.site_id, alarm);
    }
    return found;
  }, [alarms]);
  const rows = useMemo(() => {
    const kept = sites.filter((site) => (sector === NONE || site.sector_id === sector) && (!wanted || plainText(`${site.code} ${site.name_ar} ${site.name_en}`).includes(wanted)));
    const rank = (site: Site) => Math.max(PRIORITY_RANK[health.get(site.id)?.worst ?? "none"], PRIORITY_RANK[told.get(site.id)?.priority ?? "none"]);
    if (sort.by === "state") kept.sort((a, b) => rank(b) - rank(a));
    if (sort.by === "name") kept.sort((a, b) => (name(a) < name(b) ? -1 : 1));
    if (sort.by === "cameras") kept.sort((a, b) => (health.get(a.id)?.cameras.length ?? 0) - (health.get(b.id)?.cameras.length ?? 0));
    if (sort.down) kept.reverse();
    return kept;
  }, [sites, sector, wanted, sort, health, told, name]);

  const columns: Column<Site>[] = [
    {
      id: "state",
      head: t("common:state"),
      width: "minmax(184px, 1.4fr)",
      sortable: true,
      cell: (site) => {
        const one = health.get(site.id);
        const alarm = told.get(site.id);
        if (alarm && PRIORITY_RANK[alarm.priority] >= PRIORITY_RANK[one?.worst ?? "none"]) {
          return (
            <span className="state-cell">
              <PriorityMark priority={alarm.priority} size={16} />
              <span>{kindName(alarm.kind)}</span>
            </span>
          );
        }
        if (!one) return <span className="muted">{t("no_cameras")}</span>;
        return (
          <span className="state-cell">
            {one.worst === "none" ? <StateMark state="recording" priority="none" size={16} /> : <PriorityMark priority={one.worst} size={16} />}
            <span>{one.troubled ? t("troubled", { count: one.troubled }) : t(one.worst === "none" ? "all_well" : "connecting")}</span>
          </span>
        );
      },
    },
    { id: "code", head: t("cameras:column.code"), width: "140px", sortable: true, cell: (site) => <Code>{site.code}</Code> },
    { id: "name", head: t("cameras:column.name"), width: "minmax(140px, 2fr)", sortable: true, cell: (site) => name(site) },
    {
      id: "kind",
      head: t("cameras:column.kind"),
      width: "132px",
      cell: (site) => (
        <span className="state-cell muted">
          <Icon name={site.kind === "pole" ? "site" : "building"} size={15} />
          <span>{t(`kind.${site.kind}`)}</span>
        </span>
      ),
    },
    { id: "cameras", head: t("cameras:title"), width: "90px", end: true, sortable: true, cell: (site) => formats.number(health.get(site.id)?.cameras.length ?? 0) },
    { id: "sector", head: t("common:sector"), width: "minmax(100px, 1fr)", cell: (site) => name(site.sector_id ? world.sectors.get(site.sector_id) : null) || "—" },
    { id: "town", head: t("common:town"), width: "minmax(90px, 1fr)", cell: (site) => name(site.town_id ? world.towns.get(site.town_id) : null) || "—" },
  ];
  const open = (to: string | null) => void navigate(to ? `/sites/${to}` : "/sites");

  return (
    <Page
      title={t("title")}
      count={rows.length === sites.length ? t("common:count.site", { count: sites.length }) : t("cameras:shown_of", { shown: formats.number(rows.length), all: formats.number(sites.length) })}
      actions={
        may.editNetwork && (
          <>
            <Button icon="upload" onPress={() => setImporting(true)}>
              {t("cameras:import")}
            </Button>
            <Button icon="plus" look="primary" onPress={() => open("new")}>
              {t("add")}
            </Button>
          </>
        )
      }
      tools={
        <>
          <div className="search-field">
            <Icon name="filter" size={16} />
            <input className="search-input" value={text} onChange={(event) => setText(event.target.value)} placeholder={t("filter")} aria-label={t("filter")} />
          </div>
          <Select inline label={t("common:sector")} value={sector} onChange={setSector} choices={[{ id: NONE, text: t("cameras:all_sectors") }, ...sectors.map((one) => ({ id: one.id, text: name(one) }))]} />
        </>
      }
      side={id === "new" ? <SiteForm onClose={() => open(null)} onSaved={(site) => open(site.id)} /> : id ? <SiteSide key={id} id={id} health={health.get(id)} onClose={() => open(null)} /> : undefined}
    >
      <Table
        label={t("title")}
        rows={rows}
        columns={columns}
        keyOf={(site) => site.id}
        selected={id}
        onSelect={(site) => open(site.id)}
        sort={sort}
        onSort={setSort}
        empty={<Empty title={sites.length ? t("none_match") : t("none_yet")}>{sites.length ? undefined : t("none_yet_text")}</Empty>}
      />
      {importing && <ImportDialog noun="sites" onClose={() => setImporting(false)} />}
    </Page>
  );
}

function SiteSide({ id, health, onClose }: { id: string; health: Health | undefined; onClose: () => void }) {
  const { t } = useTranslation("sites");
  const name = useName();
  const formats = useFormats();
  const may = useMay();
  const site = useSite(id);
  const towns = useTowns();
  const sectors = useSectors();
  const [editing, setEditing] = useState(false);
  const [removing, setRemoving] = useState(false);
  if (!site) {
    return (
      <Side title={t("gone_title")} onClose={onClose}>
        <Empty title={t("gone_title")}>{t("gone")}</Empty>
      </Side>
    );
  }
  if (editing) return <SiteForm site={site} onClose={() => setEditing(false)} onSaved={() => setEditing(false)} />;
  return (
    <Side
      title={name(site)}
      subtitle={
        <>
          <Code>{site.code}</Code> · {t(`kind.${site.kind}`)}
        </>
      }
      onClose={onClose}
      foot={
        <>
          <Link className="button primary" to={`/site/${site.id}`}>
            <Icon name="site" size={17} />
            {t("open_page")}
          </Link>
          <Link className="button" to={`/map?site=${site.id}`}>
            <Icon name="map" size={17} />
            {t("on_map")}
          </Link>
          <span className="gap" />
          {may.editNetwork && (
            <>
              <Button look="danger" icon="trash" onPress={() => setRemoving(true)}>
                {t("common:remove")}
              </Button>
              <Button icon="edit" onPress={() => setEditing(true)}>
                {t("common:edit")}
              </Button>
            </>
          )}
        </>
      }
    >
      <Group title={t("cameras_here", { count: health?.cameras.length ?? 0 })}>
        <ul className="found-cameras">
          {health?.cameras.map((camera) => (
            <li key={camera.id}>
              <Link to={may.watch ? `/camera/${camera.id}` : `/cameras/${camera.id}`}>
                <StateMark {...judgeCamera(camera, world.statuses.get(camera.id))} size={16} />
                <Code>{camera.code}</Code>
                <span>{name(camera)}</span>
              </Link>
            </li>
          ))}
        </ul>
        {!health && <p className="muted">{t("no_cameras_text")}</p>}
      </Group>
      <Group title={t("cameras:group.place")}>
        <Facts
          items={[
            [t("common:sector"), name(sectors.find((one) => one.id === site.sector_id)) || "—"],
            [t("common:town"), name(towns.find((one) => one.id === site.town_id)) || "—"],
            [t("position"), <bdi key="p" className="code">{`${formats.number(site.lat, { maximumFractionDigits: 5 })}, ${formats.number(site.lon, { maximumFractionDigits: 5 })}`}</bdi>],
            site.notes ? [t("notes"), site.notes] : null,
          ]}
        />
      </Group>
      {removing && <RemoveSite site={site} cameras={health?.cameras.length ?? 0} onClose={() => setRemoving(false)} />}
    </Side>
  );
}

function RemoveSite({ site, cameras, onClose }: { site: Site; cameras: number; onClose: () => void }) {
  const { t } = useTranslation("sites");
  const [error, setError] = useState<string | null>(null);
  const remove = async () => {
    try {
      await api.delete(`/api/sites/${site.id}`);
      const { id: _, ...body } = site;
      say(t("removed", { code: site.code }), cameras ? {} : { undo: async () => void (await api.post("/api/sites", body)) });
      onClose();
    } catch (failure) {
      setError(errorText(failure));
    }
  };
  return (
    <DialogBox
      title={t("remove_title", { code: site.code })}
      isOpen
      onClose={onClose}
      foot={
        <>
          <Button onPress={onClose}>{t("common:cancel")}</Button>
          <Button look="danger" icon="trash" onPress={() => void remove()}>
            {t("common:remove")}
          </Button>
        </>
      }
    >
      <p>{cameras ? t("remove_with", { count: cameras }) : t("remove_plain")}</p>
      {error && <p className="form-error">{error}</p>}
    </DialogBox>
  );
}

function SiteForm({ site, onClose, onSaved }: { site?: Site; onClose: () => void; onSaved: (site: Site) => void }) {
  const { t } = useTranslation("sites");
  const name = useName();
  const sectors = useSectors();
  const towns = useTowns();
  const form = useForm({
    code: site?.code ?? "",
    name_ar: site?.name_ar ?? "",
    name_en: site?.name_en ?? "",
    kind: site?.kind ?? ("pole" as Site["kind"]),
    lat: site ? String(site.lat) : "",
    lon: site ? String(site.lon) : "",
    sector_id: site?.sector_id ?? NONE,
    town_id: site?.town_id ?? NONE,
    notes: site?.notes ?? "",
  });
  const { values, set, errors } = form;
  const save = () => {
    const found: Record<string, string> = {};
    for (const key of ["code", "lat", "lon"] as const) if (!values[key].trim()) found[key] = t("fields:required");
    for (const key of ["lat", "lon"] as const) if (readNumber(values[key]) === undefined) found[key] = t("fields:number");
    void form.submit(found, async () => {
      const or = (value: string) => (value === NONE ? null : value);
      const body = { ...values, lat: readNumber(values.lat), lon: readNumber(values.lon), sector_id: or(values.sector_id), town_id: or(values.town_id) };
      const saved = site ? await api.patch<Site>(`/api/sites/${site.id}`, body) : await api.post<Site>("/api/sites", body);
      const before = site ? (({ id: _, ...rest }) => rest)(site) : null;
      say(t("saved", { code: values.code }), site ? { undo: async () => void (await api.patch(`/api/sites/${site.id}`, before)) } : {});
      onSaved(saved ?? (site as Site));
    });
  };
  const text = (key: "code" | "name_ar" | "name_en" | "lat" | "lon", extra: object = {}) => (
    <TextField label={t(`cameras:field.${key}`)} value={values[key]} onChange={(value) => set(key, value)} error={errors[key]} {...extra} />
  );
  return (
    <Side
      title={t(site ? "edit_title" : "add")}
      onClose={onClose}
      foot={<FormFoot form={form} stored={Boolean(site)} onSave={save} onCancel={onClose} />}
    >
      <FormFault form={form} />
      <div className="form-grid">
        {text("code", { latin: true, required: true })}
        <div className="field">
          <span className="label">{t("cameras:field.kind")}</span>
          <Segmented
            label={t("cameras:field.kind")}
            value={values.kind}
            onChange={(value) => set("kind", value)}
            choices={[
              { id: "pole", text: t("kind.pole") },
              { id: "building", text: t("kind.building") },
            ]}
          />
        </div>
        {text("name_ar")}
        {text("name_en")}
        <Select label={t("common:sector")} value={values.sector_id} onChange={(value) => set("sector_id", value)} error={errors.sector_id} choices={[{ id: NONE, text: t("common:none") }, ...sectors.map((one) => ({ id: one.id, text: name(one) }))]} />
        <Select label={t("common:town")} value={values.town_id} onChange={(value) => set("town_id", value)} error={errors.town_id} choices={[{ id: NONE, text: t("common:none") }, ...towns.map((one) => ({ id: one.id, text: name(one) }))]} />
        {text("lat", { latin: true, required: true, inputMode: "decimal" })}
        {text("lon", { latin: true, required: true, inputMode: "decimal" })}
        <TextField className="all" label={t("notes")} value={values.notes} onChange={(value) => set("notes", value)} error={errors.notes} lines={3} />
      </div>
    </Side>
  );
}
