/** The one frame: bar above, rail beside, work in the rest. `?frame=none` leaves only the work (a wall on its own monitor). */
import { Suspense } from "react";
import { Link, Outlet, useLocation, useNavigation, useSearchParams } from "react-router";
import { useTranslation } from "react-i18next";
import { AlarmBell } from "@/alarms/AlarmBell";
import { Button, Empty, Loading, PriorityMark } from "@/design";
import { useFormats } from "@/i18n/format";
import { connection } from "@/state/connection";
import { useConnection, useNow } from "@/state/hooks";
import { useMay, useSession } from "@/state/session";
import { Bar } from "./Bar";
import { Rail } from "./Rail";
import { type Room, roomOf } from "./rooms";
import "./shell.css";

export function Shell() {
  const { t } = useTranslation();
  const [query] = useSearchParams();
  const bare = query.get("frame") === "none";
  const { phase } = useConnection();
  const navigation = useNavigation();
  const room = roomOf(useLocation().pathname);
  const refused = room && !room.may(useMay()) ? room : null;
  return (
    <div className={bare ? "shell bare" : "shell"}>
      <a className="skip" href="#work">
        {t("shell:skip")}
      </a>
      <AlarmBell />
      {!bare && <Bar />}
      {!bare && <Rail />}
      {/* Not `work` while another screen is fetched: what is there stays, and a thin line says that something comes. */}
      <main id="work" tabIndex={-1} className={navigation.state === "loading" ? "work coming" : "work"}>
        <StaleBanner />
        <div className="screen">
          {refused ? (
            <Refused room={refused} />
          ) : phase === "starting" ? (
            <Loading what={t("loading.snapshot")} />
          ) : (
            <Suspense fallback={<Loading what={t("loading.screen")} />}>
              <Outlet />
            </Suspense>
          )}
        </div>
      </main>
    </div>
  );
}

/** An address that leads to a room which this person's roles do not open. */
function Refused({ room }: { room: Room }) {
  const { t } = useTranslation();
  const { me } = useSession();
  const formats = useFormats();
  return (
    <Empty
      title={t("shell:refused", { room: t(`shell:room.${room.name}`) })}
      action={
        <Link className="button" to="/map">
          {t("lost.back")}
        </Link>
      }
    >
      {t("shell:refused_text", { roles: formats.list(me.roles.map((role) => t(`role.${role}`))) })}
    </Empty>
  );
}

/** Stale data says so where it stands, with its age. */
function StaleBanner() {
  const { t } = useTranslation();
  const { phase, lastHeardMs, skewMs, attempts } = useConnection();
  const formats = useFormats();
  const now = useNow();
  if (phase === "live") return null;
  if (phase === "starting") {
    if (attempts < 2) return null;
    return (
      <div className="not-live" role="alert">
        <PriorityMark priority="high" />
        <span>{t("shell:never_connected")}</span>
      </div>
    );
  }
  const since = lastHeardMs + skewMs;
  return (
    <div className="not-live" role="alert">
      <PriorityMark priority="high" />
      <span>
        <strong>{t("shell:stale", { time: formats.clock(since) })}</strong>{" "}
        {t("shell:stale_text", { age: formats.duration(now - since) })}
      </span>
      <Button small icon="refresh" onPress={() => connection.retry()}>
        {t("try_now")}
      </Button>
    </div>
  );
}
