/** The alarms' part of the bar: open ones by priority, and beside them the sound: what is heard, and the way to silence it for a while. */
import { useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { Button as AriaButton, Dialog, DialogTrigger, Popover } from "react-aria-components";
import { Link } from "react-router";
import { Button, Hint, Icon } from "@/design";
import { useFormats } from "@/i18n/format";
import { serverNowMs } from "@/state/connection";
import { useNow } from "@/state/hooks";
import { useMay } from "@/state/session";
import { AlarmMark } from "./AlarmMark";
import { silence, silenceOf, soundingNow, subscribeSilence, unsilence } from "./bell";
import { type DesktopState, desktopState, switchDesktop } from "./desktop";
import { useAlarms } from "./hooks";
import { PRIORITIES, tally } from "./order";
import { sound } from "./sound";
import "./alarms.css";

export function AlarmBar() {
  const { t } = useTranslation("alarms");
  const may = useMay();
  const f = useFormats();
  const counts = tally(useAlarms());
  if (!may.alarms) return null;
  const shown = PRIORITIES.filter((priority) => counts[priority].open > 0);
  return (
    <div className="alarm-bar" role="group" aria-label={t("bar.label")} data-testid="alarm-bar">
      {shown.map((priority) => {
        const { open, unacknowledged } = counts[priority];
        const words = t("bar.count", { priority: t(`common:priority.${priority}`), open: f.number(open), waiting: f.number(unacknowledged) });
        return (
          <Link key={priority} to={`/alarms?priority=${priority}`} aria-label={words} title={words} data-priority={priority}>
            <AlarmMark alarm={{ priority, state: unacknowledged > 0 ? "unacknowledged" : "acknowledged" }} />
            <span className="number">{f.number(open)}</span>
          </Link>
        );
      })}
      {shown.length === 0 && (
        <Link to="/alarms" className="calm">
          {t("bar.none")}
        </Link>
      )}
      {may.actOnAlarms && <Bell />}
    </div>
  );
}

function Bell() {
  const { t } = useTranslation("alarms");
  const f = useFormats();
  const now = useNow(500);
  const silenced = useSyncExternalStore(subscribeSilence, silenceOf);
  const heard = useSyncExternalStore(sound.subscribe, () => sound.state);
  const alarms = useAlarms();
  const due = soundingNow(alarms, now, null);
  const leftMs = silenced ? silenced.untilMs - now : 0;
  if (heard === "blocked") {
    return (
      <Hint text={t("bar.blocked_hint")}>
        <AriaButton className="button small bell" data-phase="blocked" aria-label={t("bar.blocked")} onPress={() => void sound.unlock()}>
          <Icon name="silence" size={15} />
          <span>{t("bar.blocked")}</span>
        </AriaButton>
      </Hint>
    );
  }
  return (
    <>
      {leftMs > 0 ? (
        <Hint text={t("bar.unsilence")}>
          <AriaButton className="button small bell" data-phase="silenced" onPress={unsilence}>
            <Icon name="silence" size={15} />
            <span className="number">{t("bar.silenced", { time: f.digits(clockOf(leftMs)) })}</span>
          </AriaButton>
        </Hint>
      ) : (
        due && (
          <Button small icon="silence" className="bell" onPress={() => silence(serverNowMs())}>
            {t("bar.silence")}
          </Button>
        )
      )}
      <DialogTrigger>
        <Hint text={t("bar.sound")}>
          <AriaButton className="button icon quiet" aria-label={t("bar.sound")}>
            <Icon name="alarm" />
          </AriaButton>
        </Hint>
        <Popover className="popover" placement="bottom end" offset={6}>
          <Dialog className="bell-panel" aria-label={t("bar.sound")}>
            <BellPanel />
          </Dialog>
        </Popover>
      </DialogTrigger>
    </>
  );
}

function BellPanel() {
  const { t } = useTranslation("alarms");
  const [desktop, setDesktop] = useState<DesktopState>(desktopState);
  const change = (on: boolean) => void switchDesktop(on).then(setDesktop);
  return (
    <>
      <section>
        <h3>{t("bar.test")}</h3>
        {sound.state === "none" ? (
          <p>{t("bar.no_sound")}</p>
        ) : (
          <div className="bell-row">
            {PRIORITIES.map((priority) => (
              <AriaButton key={priority} className="button small" onPress={() => sound.play(priority)}>
                <AlarmMark alarm={{ priority, state: "unacknowledged" }} size={15} />
                {t(`common:priority.${priority}`)}
              </AriaButton>
            ))}
          </div>
        )}
      </section>
      <section>
        <h3>{t("bar.desktop")}</h3>
        <p>{t(desktop === "denied" ? "bar.desktop_denied" : desktop === "none" ? "bar.desktop_none" : "bar.desktop_text")}</p>
        {desktop === "off" && <Button small onPress={() => change(true)}>{t("bar.desktop_ask")}</Button>}
        {desktop === "on" && (
          <div className="bell-row">
            <Icon name="check" size={15} />
            <span>{t("bar.desktop_on")}</span>
            <Button small look="quiet" onPress={() => change(false)}>{t("bar.desktop_off")}</Button>
          </div>
        )}
      </section>
    </>
  );
}

/** 1:07 */
function clockOf(ms: number): string {
  const s = Math.ceil(ms / 1000);
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
}
