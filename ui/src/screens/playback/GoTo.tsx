/** The moment that is shown, and a field to go to another: day and time of the control room's zone. */
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button as AriaButton, Dialog, DialogTrigger, Popover } from "react-aria-components";
import { Button } from "@/design";
import { MomentField } from "@/design/MomentField";
import { useFormats } from "@/i18n/format";
import { Icon } from "@/video/icons";
import { DAY_US, HOUR_US, MIN_US, zoneOffsetUs } from "@/video/timeline/scale";
import { fromLocal, toLocal } from "@/i18n/localTime";

const QUICK: readonly { key: string; backUs: number }[] = [
  { key: "m5", backUs: 5 * MIN_US },
  { key: "h1", backUs: HOUR_US },
  { key: "h24", backUs: DAY_US },
  { key: "d7", backUs: 7 * DAY_US },
];

export function GoTo({ us, nowUs, onGo }: { us: number; nowUs: number; onGo(us: number): void }) {
  const { t } = useTranslation("playback");
  const f = useFormats();
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState("");
  const offset = zoneOffsetUs(us, f.timezone);
  const go = (close: () => void) => {
    const at = fromLocal(text, f.timezone);
    if (at === null) setWrong(t("goto_wrong"));
    else if (at > nowUs) setWrong(t("goto_future"));
    else {
      onGo(at);
      close();
    }
  };
  return (
    <DialogTrigger onOpenChange={(open) => open && (setText(toLocal(us, offset)), setWrong(""))}>
      <AriaButton className="moment" aria-label={t("goto_label", { moment: f.stamp(us) })}>
        <Icon name="calendar" size={17} />
        <span className="moment-text">
          <time className="number moment-clock" data-testid="moment">
            {f.clock(us / 1000)}
          </time>
          <span className="moment-date">{f.date(us / 1000)}</span>
        </span>
      </AriaButton>
      <Popover className="popover goto" placement="top start" offset={6}>
        <Dialog aria-label={t("goto")}>
          {({ close }) => (
            <form
              onSubmit={(event) => {
                event.preventDefault();
                go(close);
              }}
            >
              <MomentField
                label={t("goto")}
                value={text}
                autoFocus
                error={wrong}
                onChange={(next) => {
                  setText(next);
                  setWrong("");
                }}
              />
              <div className="goto-row">
                {QUICK.map(({ key, backUs }) => (
                  <Button
                    key={key}
                    small
                    look="quiet"
                    onPress={() => {
                      onGo(nowUs - backUs);
                      close();
                    }}
                  >
                    {t(`ago.${key}`)}
                  </Button>
                ))}
              </div>
              <Button look="primary" type="submit">
                {t("go")}
              </Button>
            </form>
          )}
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}
