/** What carries the site's pictures and what tells of it: links and switch with their ports, the cabinet, telemetry devices. */
import { Link } from "react-router";
import { useTranslation } from "react-i18next";
import { Code, PriorityMark } from "@/design";
import { useFormats } from "@/i18n/format";
import { useNow } from "@/state/hooks";
import { useName } from "@/state/preferences";
import { useMay } from "@/state/session";
import { deviceNow, pick } from "./facts";
import { Panel } from "./Panel";
import { PartMark } from "./PartMark";
import { Readings, Trend } from "./Power";
import type { SiteCondition } from "./types";
import { useSince, useValueText, Value } from "./Value";

export function Network({ site }: { site: SiteCondition }) {
  const { t } = useTranslation("site");
  const formats = useFormats();
  const name = useName();
  const may = useMay();
  const { links, switches, readings } = site;
  return (
    <Panel title={t("panel.network")} aside={may.editNetwork && <Link className="st-aside" to={`/infrastructure/links?site=${site.site.id}`}>{t("forms")}</Link>}>
      {links.length === 0 && switches.length === 0 && <p className="inside muted">{t("no_network")}</p>}
      <ul className="st-parts">
        {links.map((link) => {
          const subject = `link:${link.id}`;
          const light = pick(readings, "optical_rx_dbm", [subject]) ?? pick(readings, "radio_signal_dbm", [subject]);
          const low = light && link.rx_low_dbm !== null && light.value < link.rx_low_dbm;
          const facts = [t(`link_kind.${link.kind}`), t(`link_role.${link.role}`), link.length_km !== null && t("km", { value: formats.number(link.length_km) }), link.capacity_mbps !== null && t("mbps", { value: formats.number(link.capacity_mbps) }), link.ring && t("ring", { ring: link.ring })];
          return (
            <li key={link.id}>
              <div className="st-part">
                <PartMark state={link.state} />
                <Code>{link.code}</Code>
                <span className="grow">
                  {t("to")} {link.other_site ? <Link to={`/site/${link.other_site.id}`}>{name(link.other_site)}</Link> : "—"}
                </span>
                <span className={link.state === "down" ? "text-high" : link.state === "degraded" ? "text-medium" : "muted"}>{t(`part.${link.state}`)}</span>
              </div>
              <p className="muted st-sub">{facts.filter(Boolean).join(" · ")}</p>
              <Readings none="" told={[...(light ? [[light.quantity, light] as const] : []), ...(["rtt_ms", "loss_pct"] as const).map((quantity) => [quantity, pick(readings, quantity, [subject])] as const)].filter(([, reading]) => reading)} />
              {low && (
                <p className="st-condition text-medium">
                  <PriorityMark priority="medium" size={14} />
                  {t("light_low", { limit: formats.number(link.rx_low_dbm ?? 0) })}
                </p>
              )}
            </li>
          );
        })}
        {switches.map((one) => {
          const uptime = pick(readings, "uptime_s", [`switch:${one.id}`]);
          return (
            <li key={one.id}>
              <div className="st-part">
                <PartMark state={one.state} />
                <Code>{one.code}</Code>
                <span className="grow muted">
                  <bdi>{[one.make, one.model].filter(Boolean).join(" ")}</bdi>
                </span>
                <span className={one.state === "down" ? "text-high" : one.state === "degraded" ? "text-medium" : "muted"}>{t(`part.${one.state}`)}</span>
              </div>
              {uptime && (
                <p className="muted st-sub">
                  {t("quantity.uptime_s")} <Value reading={uptime} />
                </p>
              )}
              <Ports site={site} switchId={one.id} ports={one.ports} />
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}

/** Each port by its number: what hangs on it, whether it is up, what it draws. */
function Ports({ site, switchId, ports }: { site: SiteCondition; switchId: string; ports: number }) {
  const { t } = useTranslation("site");
  const formats = useFormats();
  const text = useValueText();
  const rows = Array.from({ length: Math.min(ports, 64) }, (_, index) => index + 1).map((port) => {
    const camera = site.cameras.find((one) => one.switch_id === switchId && one.switch_port === port);
    const link = site.links.find((one) => (one.a_switch_id === switchId && one.a_port === port) || (one.b_switch_id === switchId && one.b_port === port));
    const subject = `port:${switchId}/${port}`;
    return { port, camera, link, up: pick(site.readings, "port_up", [subject]), watts: pick(site.readings, "port_poe_w", [subject]), rate: pick(site.readings, "port_rx_bps", [subject]) };
  });
  const used = rows.filter((row) => row.camera || row.link || row.up?.value === 1);
  return (
    <>
      <table className="st-ports">
        <tbody>
          {used.map(({ port, camera, link, up, watts, rate }) => (
            <tr key={port} className={up?.stale ? "stale" : undefined}>
              <td className="number muted">{formats.number(port)}</td>
              <td>{up ? up.value === 0 && camera?.enabled !== false ? <PriorityMark priority="medium" size={14} title={text(up)} /> : <span className={`st-dot ${up.value === 1 ? "up" : "unknown"}`} title={text(up)} /> : <span className="st-dot unknown" title={t("part.unknown")} />}</td>
              <td>
                {camera ? (
                  <Link to={`/cameras/${camera.id}`}>
                    <Code>{camera.code}</Code>
                  </Link>
                ) : link ? (
                  <Code>{link.code}</Code>
                ) : (
                  <span className="muted">{t("port_unknown")}</span>
                )}
              </td>
              <td className="end number">{watts && watts.value > 0 ? <bdi>{text(watts)}</bdi> : ""}</td>
              <td className="end number">{rate ? <bdi>{text(rate)}</bdi> : ""}</td>
              <td className="end muted">{up?.stale ? t("stale_short") : ""}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {used.length < ports && <p className="muted st-sub">{t("ports_free", { count: ports - used.length })}</p>}
    </>
  );
}

export function Cabinet({ site }: { site: SiteCondition }) {
  const { t } = useTranslation("site");
  const { cabinet, readings } = site;
  const subjects = [`cabinet:${site.site.id}`, `site:${site.site.id}`];
  const warm = pick(readings, "cabinet_temperature_c", subjects);
  const door = pick(readings, "cabinet_door_open", subjects);
  const fan = pick(readings, "fan_rpm", subjects);
  if (!cabinet && !warm && !door) return null;
  const told = [["cabinet_door_open", door] as const, ["fan_rpm", fan] as const].filter(([quantity]) => (quantity === "fan_rpm" ? cabinet?.has_fan !== false : cabinet?.has_door_sensor !== false));
  return (
    <Panel title={t("panel.cabinet")}>
      <div className="inside st-cabinet">
        <Trend title={t("quantity.cabinet_temperature_c")} site={site} reading={warm} limit={cabinet?.hot_c ?? null} />
        <Readings told={told} />
      </div>
    </Panel>
  );
}

export function Devices({ site }: { site: SiteCondition }) {
  const { t } = useTranslation("site");
  const formats = useFormats();
  const may = useMay();
  const now = useNow(10_000);
  const since = useSince();
  return (
    <Panel title={t("panel.devices")} aside={may.editNetwork && <Link className="st-aside" to={`/infrastructure/devices?site=${site.site.id}`}>{t("forms")}</Link>}>
      {site.devices.length === 0 && <p className="inside muted">{t("no_devices")}</p>}
      <ul className="st-parts">
        {site.devices.map((device) => {
          const { state, since_us, why } = deviceNow(device, site.conditions, site.readings);
          const bad = state === "silent" || state === "unreadable";
          return (
            <li key={device.id}>
              <div className="st-part">
                {bad ? <PriorityMark priority="medium" size={16} /> : <span className={`st-dot ${state === "ok" ? "up" : "unknown"}`} />}
                {may.editNetwork ? (
                  <Link to={`/infrastructure/devices/${device.id}`}>
                    <Code>{device.code}</Code>
                  </Link>
                ) : (
                  <Code>{device.code}</Code>
                )}
                <span className="grow muted">
                  <bdi>{t(`protocol.${device.protocol}`)}</bdi>
                </span>
                <span className={bad ? "text-medium" : "muted"}>{t(`device.${state}`, { when: since_us === null ? "" : state === "ok" ? formats.when(since_us, now) : since(since_us) })}</span>
              </div>
              {why && why !== "silent" && <p className="st-sub text-medium">{t(`reason.${why}`, { defaultValue: why })}</p>}
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}
