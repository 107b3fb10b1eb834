/** One site on one page: its power and how long it lasts, its cabinet and network, its cameras, the work on it, its year. */
import { type ReactNode, useMemo } from "react";
import { Link, useParams } from "react-router";
import { useTranslation } from "react-i18next";
import { AlarmMark } from "@/alarms/AlarmMark";
import { useOpenAlarms, useSpeaker } from "@/alarms/hooks";
import { alarmSentence } from "@/alarms/words";
import type { Alarm } from "@/api/health";
import { Button, Code, Empty, Icon, Loading, PriorityMark } from "@/design";
import { useFormats } from "@/i18n/format";
import { useNow } from "@/state/hooks";
import { useName } from "@/state/preferences";
import { useMay } from "@/state/session";
import { world } from "@/state/world";
import { Cameras } from "./Cameras";
import { alarmsOf, powerNow } from "./facts";
import { Cabinet, Devices, Network } from "./Network";
import { Power } from "./Power";
import { Shedding } from "./Shedding";
import type { SiteCondition } from "./types";
import { useCondition } from "./useSite";
import { useHoursText, useSince } from "./Value";
import { Orders } from "./Orders";
import { Year } from "./Year";
import "./site.css";

export function SiteScreen() {
  const { id = "" } = useParams();
  return <Site key={id} id={id} />;
}

function Site({ id }: { id: string }) {
  const { t } = useTranslation("site");
  const { value, error, again } = useCondition(id);
  if (!value) {
    if (!error) return <Loading what={t("loading")} />;
    return (
      <Empty title={t("failed")} action={<Button onPress={again}>{t("common:try_again")}</Button>}>
        {error}
      </Empty>
    );
  }
  return (
    <div className="st" data-testid="site">
      <Head site={value} />
      <div className="st-body">
        <Stale site={value} error={error} again={again} />
        <div className="st-grid">
          <div className="st-col wide">
            <Power site={value} />
            <Year siteId={id} />
          </div>
          <div className="st-col">
            <Cameras site={value} />
            <Orders site={value} />
            <Shedding site={value} onChanged={again} />
          </div>
          <div className="st-col">
            <Network site={value} />
            <Cabinet site={value} />
            <Devices site={value} />
          </div>
        </div>
      </div>
    </div>
  );
}

/** Nothing on the page may look newer than it is. */
function Stale({ site, error, again }: { site: SiteCondition; error: string | null; again: () => void }) {
  const { t } = useTranslation("site");
  const formats = useFormats();
  const now = useNow(5000);
  const since = useSince();
  const silent = site.vitals?.silent_since_us ?? null;
  const lines: ReactNode[] = [];
  if (error) lines.push(t("not_renewed", { when: formats.when(site.at_us, now), why: error }));
  if (site.silent_since_us !== null) lines.push(t("health_silent", { when: since(site.silent_since_us) }));
  if (silent !== null) lines.push(t("site_silent", { when: since(silent) }));
  if (!lines.length) return null;
  return (
    <div className="notice medium st-notice" role="status">
      <PriorityMark priority="medium" />
      <div>
        {lines.map((one, index) => (
          <p key={index}>{one}</p>
        ))}
      </div>
      {error && (
        <Button small onPress={again}>
          {t("common:try_again")}
        </Button>
      )}
    </div>
  );
}

const ALARMS_SHOWN = 3;

function Head({ site: told }: { site: SiteCondition }) {
  const { t } = useTranslation("site");
  const name = useName();
  const may = useMay();
  const open = useOpenAlarms();
  const { site } = told;
  const ids = useMemo(() => new Set(told.cameras.map((one) => one.id)), [told.cameras]);
  const alarms = useMemo(() => alarmsOf(open, site.id, ids), [open, site.id, ids]);
  const place = [site.sector_id ? name(world.sectors.get(site.sector_id)) : "", site.town_id ? name(world.towns.get(site.town_id)) : ""].filter(Boolean);
  return (
    <header className="st-head">
      <div className="st-title">
        <h1>{name(site)}</h1>
        <p>
          <Code>{site.code}</Code>
          {[t(`sites:kind.${site.kind}`), ...place].map((one) => (
            <span key={one}> · {one}</span>
          ))}
          {site.supplier && (
            <span>
              {" · "}
              {t("supplier")} <bdi>{site.supplier}</bdi>
            </span>
          )}
        </p>
      </div>
      <Sentence site={told} />
      <ul className="st-alarms" aria-label={t("open_alarms")}>
        {alarms.slice(0, ALARMS_SHOWN).map((alarm) => (
          <AlarmLine key={alarm.id} alarm={alarm} />
        ))}
        {alarms.length > ALARMS_SHOWN && (
          <li>
            <Link to={`/alarms?site=${site.id}`}>{t("more_alarms", { count: alarms.length - ALARMS_SHOWN })}</Link>
          </li>
        )}
        {alarms.length === 0 && <li className="muted">{t("no_alarms")}</li>}
      </ul>
      <div className="st-acts">
        <Link className="button" to={`/map?site=${site.id}`}>
          <Icon name="map" size={17} />
          {t("sites:on_map")}
        </Link>
        {may.editNetwork && (
          <Link className="button" to={`/sites/${site.id}`}>
            <Icon name="edit" size={17} />
            {t("common:edit")}
          </Link>
        )}
      </div>
    </header>
  );
}

function AlarmLine({ alarm }: { alarm: Alarm }) {
  const speaker = useSpeaker();
  const formats = useFormats();
  const now = useNow(10_000);
  return (
    <li>
      <Link to={`/alarms/${alarm.id}`} title={formats.stamp(alarm.since_us)}>
        <AlarmMark alarm={alarm} size={18} />
        <span>{alarmSentence(alarm, speaker)}</span>
        <time className="muted">{formats.when(alarm.since_us, now)}</time>
      </Link>
    </li>
  );
}

/** The site's power in one sentence. */
function Sentence({ site }: { site: SiteCondition }) {
  const { t } = useTranslation("site");
  const formats = useFormats();
  const since = useSince();
  const { state, since_us } = powerNow(site);
  const { vitals } = site;
  const hours = useHoursText();
  const when = since_us === null ? "" : since(since_us);
  const charge = vitals?.state_of_charge_pct ?? null;
  const parts: string[] = [since_us !== null && (state === "battery" || state === "dark") ? t(`power_since.${state}`, { when }) : t(`power.${state}`)];
  if (charge !== null && state !== "dark") parts.push(t("charge", { pct: formats.percent(charge) }));
  if (vitals?.hours_left != null && state !== "grid" && state !== "dark") {
    parts.push(t("left", { hours: hours(vitals) }));
    if (vitals.dark_before_morning && vitals.dark_at_us) parts.push(t("dark_at", { time: formats.clock(vitals.dark_at_us / 1000, false) }));
  }
  const bad = state === "dark" || Boolean(vitals?.dark_before_morning);
  return (
    <p className="st-sentence" data-state={state} data-bad={bad || undefined}>
      <Icon name={state === "grid" ? "link" : state === "solar" ? "sun" : "battery"} size={20} />
      <span>{parts.join(t("comma"))}</span>
    </p>
  );
}
