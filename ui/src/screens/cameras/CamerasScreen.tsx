/** All cameras: find the one that needs somebody, see why, mend what is known of it. */
import { useDeferredValue, useMemo, useState } from "react";
import { useNavigate, useParams, useSearchParams } from "react-router";
import { useTranslation } from "react-i18next";
import type { Camera } from "@/api/types";
import { Button, Code, Empty, Icon, Select, StateMark } from "@/design";
import { Page } from "@/design/Page";
import { type Column, type Sort, Table } from "@/design/Table";
import { useFormats } from "@/i18n/format";
import { plainText } from "@/i18n/search";
import { CAMERA_STATES, type CameraState, judgeCamera, PRIORITY_RANK } from "@/state/camera_state";
import { useCalmVersion, useCameras, useSectors, useTowns } from "@/state/hooks";
import { useName } from "@/state/preferences";
import { useMay } from "@/state/session";
import { world } from "@/state/world";
import { CameraForm } from "./CameraForm";
import { CameraSide } from "./CameraSide";
import { BitrateCell, DriftCell, RateCell, StateCell } from "./cells";
import { Discovery } from "./Discovery";
import { ImportDialog } from "./ImportDialog";

const ANY = "any";

export function CamerasScreen() {
  const { t } = useTranslation("cameras");
  const formats = useFormats();
  const name = useName();
  const may = useMay();
  const navigate = useNavigate();
  const { id } = useParams();
  const [query, setQuery] = useSearchParams();
  const cameras = useCameras();
  const sectors = useSectors();
  const towns = useTowns();
  // Sorting and filtering by state follows the changes calmly: once a second, however many come.
  const statusVersion = useCalmVersion("status", 1000);
  const [sort, setSort] = useState<Sort>({ by: "state", down: false });
  const [dialog, setDialog] = useState<"import" | "discover" | null>(null);
  const [draft, setDraft] = useState<Partial<Camera> & { password?: string }>({});
  const pick = (key: string) => query.get(key) ?? ANY;
  const set = (key: string, value: string) => {
    const next = new URLSearchParams(query);
    if (value === ANY || value === "") next.delete(key);
    else next.set(key, value);
    setQuery(next, { replace: true });
  };
  const text = query.get("q") ?? "";
  const wanted = useDeferredValue(plainText(text.trim()));
  const [state, sector, town, kind] = [pick("state"), pick("sector"), pick("town"), pick("kind")];

  const places = useMemo(
    () =>
      cameras.filter(
        (camera) =>
          (sector === ANY || camera.sector_id === sector) &&
          (town === ANY || camera.town_id === town) &&
          (kind === ANY || camera.kind === kind) &&
          (!wanted || plainText(`${camera.code} ${camera.name_ar} ${camera.name_en} ${camera.make} ${camera.model}`).includes(wanted)),
      ),
    [cameras, sector, town, kind, wanted],
  );
  const { rows, tally } = useMemo(() => {
    const counts = new Map<CameraState, number>();
    const judged = places.map((camera) => {
      const found = judgeCamera(camera, world.statuses.get(camera.id));
      counts.set(found.state, (counts.get(found.state) ?? 0) + 1);
      return { camera, found };
    });
    const kept = state === ANY ? judged : judged.filter((row) => row.found.state === state);
    const main = (camera: Camera) => world.statuses.get(camera.id)?.main;
    const compare: Record<string, (a: (typeof kept)[number], b: (typeof kept)[number]) => number> = {
      state: (a, b) => PRIORITY_RANK[b.found.priority] - PRIORITY_RANK[a.found.priority] || CAMERA_STATES.indexOf(a.found.state) - CAMERA_STATES.indexOf(b.found.state),
      code: () => 0,
      name: (a, b) => (name(a.camera) < name(b.camera) ? -1 : 1),
      sector: (a, b) => (a.camera.sector_id ?? "").localeCompare(b.camera.sector_id ?? ""),
      bitrate: (a, b) => (main(a.camera)?.bitrate_bps ?? 0) - (main(b.camera)?.bitrate_bps ?? 0),
      rate: (a, b) => (main(a.camera)?.frame_rate_hz ?? 0) - (main(b.camera)?.frame_rate_hz ?? 0),
      drift: (a, b) => Math.abs(main(a.camera)?.drift_ms ?? 0) - Math.abs(main(b.camera)?.drift_ms ?? 0),
    };
    const order = compare[sort.by];
    // `cameras` comes sorted by code and the sort is stable, so the code decides between equals.
    if (order && sort.by !== "code") kept.sort(order);
    if (sort.down) kept.reverse();
    return { rows: kept.map((row) => row.camera), tally: counts };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- statusVersion stands for world.statuses
  }, [places, state, sort, statusVersion, name]);

  const columns = useMemo(() => {
    const all: Column<Camera>[] = [
      { id: "state", head: t("column.state"), width: "minmax(180px, 2.2fr)", sortable: true, cell: (camera) => <StateCell camera={camera} /> },
      { id: "code", head: t("column.code"), width: "104px", sortable: true, cell: (camera) => <Code>{camera.code}</Code> },
      { id: "name", head: t("column.name"), width: "minmax(150px, 2fr)", sortable: true, cell: (camera) => <span title={name(camera)}>{name(camera)}</span> },
      {
        id: "kind",
        head: <span className="visually-hidden">{t("column.kind")}</span>,
        width: "40px",
        cell: (camera) => (
          <span title={t(`common:camera_kind.${camera.kind}`)} className="muted">
            <Icon name={camera.kind === "ptz" ? "ptz" : "camera"} size={16} />
            <span className="visually-hidden">{t(`common:camera_kind.${camera.kind}`)}</span>
          </span>
        ),
      },
      { id: "sector", head: t("common:sector"), width: "minmax(96px, 1fr)", sortable: true, cell: (camera) => name(camera.sector_id ? world.sectors.get(camera.sector_id) : null) || "—" },
      { id: "bitrate", head: t("column.bitrate"), width: "122px", end: true, sortable: true, cell: (camera) => <BitrateCell id={camera.id} /> },
      { id: "rate", head: t("column.rate"), width: "68px", end: true, sortable: true, cell: (camera) => <RateCell id={camera.id} /> },
      { id: "drift", head: t("column.drift"), width: "86px", end: true, sortable: true, cell: (camera) => <DriftCell id={camera.id} /> },
    ];
    // Beside an open camera its own figures stand in the panel; the list keeps what tells cameras apart.
    return id ? all.filter((column) => !["rate", "drift", "bitrate"].includes(column.id)) : all;
  }, [t, name, id]);

  const open = (camera: Camera | null) => navigate({ pathname: camera ? `/cameras/${camera.id}` : "/cameras", search: query.toString() });
  const filtered = Boolean(text) || [state, sector, town, kind].some((value) => value !== ANY);
  const chosen = id && id !== "new" ? world.cameras.get(id) : undefined;
  const choices = (list: readonly { id: string; name_ar: string; name_en: string; code: string }[], all: string) => [
    { id: ANY, text: all },
    ...list.map((item) => ({ id: item.id, text: name(item) })),
  ];

  return (
    <Page
      title={t("title")}
      count={filtered ? t("shown_of", { shown: formats.number(rows.length), all: formats.number(cameras.length) }) : t("common:count.camera", { count: cameras.length })}
      actions={
        may.editNetwork && (
          <>
            <a className="button quiet" href="/api/cameras.csv" download>
              <Icon name="download" size={17} />
              {t("export_csv")}
            </a>
            <Button icon="upload" onPress={() => setDialog("import")}>
              {t("import")}
            </Button>
            <Button icon="radar" onPress={() => setDialog("discover")}>
              {t("discover")}
            </Button>
            <Button
              icon="plus"
              look="primary"
              onPress={() => {
                setDraft({});
                void navigate("/cameras/new");
              }}
            >
              {t("add")}
            </Button>
          </>
        )
      }
      tools={
        <>
          <div className="search-field">
            <Icon name="filter" size={16} />
            <input className="search-input" value={text} onChange={(event) => set("q", event.target.value)} placeholder={t("filter")} aria-label={t("filter")} />
          </div>
          <Select inline label={t("common:sector")} value={sector} onChange={(value) => set("sector", value)} choices={choices(sectors, t("all_sectors"))} />
          <Select inline label={t("common:town")} value={town} onChange={(value) => set("town", value)} choices={choices(towns, t("all_towns"))} />
          <Select
            inline
            label={t("column.kind")}
            value={kind}
            onChange={(value) => set("kind", value)}
            choices={[
              { id: ANY, text: t("all_kinds") },
              { id: "fixed", text: t("common:camera_kind.fixed") },
              { id: "ptz", text: t("common:camera_kind.ptz") },
            ]}
          />
          <div className="tally" role="group" aria-label={t("common:state")}>
            {CAMERA_STATES.filter((one) => tally.get(one) || one === state).map((one) => (
              <button key={one} type="button" aria-pressed={state === one} onClick={() => set("state", state === one ? ANY : one)}>
                <StateMark state={one} priority={one === "disabled" ? "none" : judgeOf(one)} size={15} />
                {t(`common:camera_state.${one}`)} <strong className="number">{formats.number(tally.get(one) ?? 0)}</strong>
              </button>
            ))}
          </div>
        </>
      }
      side={
        id === "new" ? (
          <CameraForm key="new" draft={draft} onClose={() => void open(null)} onSaved={(camera) => void open(camera)} />
        ) : id ? (
          <CameraSide key={id} id={id} onClose={() => void open(null)} />
        ) : undefined
      }
    >
      <Table
        label={t("title")}
        rows={rows}
        columns={columns}
        keyOf={(camera) => camera.id}
        selected={chosen?.id ?? id}
        onSelect={(camera) => void open(camera)}
        sort={sort}
        onSort={setSort}
        empty={
          filtered ? (
            <Empty title={t("none_match")} action={<Button onPress={() => setQuery({})}>{t("clear_filters")}</Button>} />
          ) : (
            <Empty title={t("none_yet")}>{may.editNetwork ? t("none_yet_add") : t("none_yet_ask")}</Empty>
          )
        }
      />
      {dialog === "import" && <ImportDialog noun="cameras" onClose={() => setDialog(null)} />}
      {dialog === "discover" && (
        <Discovery
          onClose={() => setDialog(null)}
          onFound={(found) => {
            setDraft(found);
            setDialog(null);
            void navigate("/cameras/new");
          }}
        />
      )}
    </Page>
  );
}

function judgeOf(state: Exclude<CameraState, "disabled">) {
  return ({ lost: "high", refused: "medium", connecting: "low", unknown: "low", recording: "none", live_only: "none", stopped: "none" } as const)[state];
}
