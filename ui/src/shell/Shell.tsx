/** The one frame: bar above, rail beside, work in the rest. `?frame=none` leaves only the work (a wall on its own monitor). */
import { Suspense } from "react";
import { Outlet, useNavigation, useSearchParams } from "react-router";
import { useTranslation } from "react-i18next";
import { Button, Loading, PriorityMark } from "@/design";
import { useFormats } from "@/i18n/format";
import { connection } from "@/state/connection";
import { useConnection, useNow } from "@/state/hooks";
import { Bar } from "./Bar";
import { Rail } from "./Rail";
import "./shell.css";

export function Shell() {
  const { t } = useTranslation();
  const [query] = useSearchParams();
  const bare = query.get("frame") === "none";
  const { phase } = useConnection();
  const navigation = useNavigation();
  return (
    <div className={bare ? "shell bare" : "shell"}>
      <a className="skip" href="#work">
        {t("shell:skip")}
      </a>
      {!bare && <Bar />}
      {!bare && <Rail />}
      {/* Not `work` while another screen is fetched: what is there stays, and a thin line says that something comes. */}
      <main id="work" tabIndex={-1} className={navigation.state === "loading" ? "work coming" : "work"}>
        <StaleBanner />
        <div className="screen">
          {phase === "starting" ? (
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
      <div className="stale" role="alert">
        <PriorityMark priority="high" />
        <span>{t("shell:never_connected")}</span>
      </div>
    );
  }
  const since = lastHeardMs + skewMs;
  return (
    <div className="stale" role="alert">
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
