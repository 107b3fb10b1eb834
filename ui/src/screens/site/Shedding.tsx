/** How the site saves its battery: what is in force now, in which order it goes on, and the hand on it. */
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, errorText } from "@/api/client";
import { Button, DialogBox, PriorityMark, Select } from "@/design";
import { say } from "@/design/toast";
import { useFormats } from "@/i18n/format";
import { useMay } from "@/state/session";
import { Panel } from "./Panel";
import { PolicyDialog } from "./PolicyDialog";
import type { ShedPolicy, ShedStep, SiteCondition } from "./types";
import { useSince } from "./Value";

const CLOCK = "clock";

/** What a step does and when it begins, in words. */
export function useStepWords(): { does: (step: ShedStep) => string; begins: (step: ShedStep) => string } {
  const { t } = useTranslation("site");
  const formats = useFormats();
  return {
    does: (step) => t(`shed.do.${step.do}`, { priority: formats.number(step.priority ?? 0) }),
    begins: (step) =>
      [step.hours_left_below !== null && t("shed.below_hours", { hours: formats.number(step.hours_left_below) }), step.soc_below_pct !== null && t("shed.below_pct", { pct: formats.percent(step.soc_below_pct) })].filter(Boolean).join(t("shed.or")),
  };
}

export function Shedding({ site, onChanged }: { site: SiteCondition; onChanged: () => void }) {
  const { t } = useTranslation("site");
  const formats = useFormats();
  const may = useMay();
  const since = useSince();
  const words = useStepWords();
  const [choosing, setChoosing] = useState(false);
  const [editing, setEditing] = useState(false);
  const { policy, default_steps } = site.shedding;
  if (!site.power_sources.some((one) => one.kind === "battery") && !policy) return null;
  const steps = policy?.steps ?? default_steps;
  const step = policy?.step ?? 0;
  return (
    <Panel
      title={t("panel.shedding")}
      aside={
        may.editNetwork && (
          <>
            <Button small onPress={() => setChoosing(true)}>
              {t("shed.by_hand")}
            </Button>
            <Button small look="quiet" icon="edit" onPress={() => setEditing(true)}>
              {t("shed.policy")}
            </Button>
          </>
        )
      }
    >
      <div className="inside">
        <p className={step ? "text-medium st-shed-now" : "st-shed-now"} data-testid="shed-now">
          {!policy ? t("shed.none") : !policy.enabled && !step ? t("shed.off") : step ? t(policy.manual ? "shed.in_force_hand" : "shed.in_force", { step: formats.number(step), of: formats.number(steps.length), when: policy.step_since_us ? since(policy.step_since_us) : "—" }) : t(policy.manual ? "shed.nothing_hand" : "shed.nothing")}
        </p>
        <ol className="st-steps">
          {steps.map((one, index) => (
            <li key={index} data-on={index < step || undefined}>
              <b className="number">{formats.number(index + 1)}</b>
              <span>
                {words.does(one)}
                <small className="muted">{words.begins(one)}</small>
              </span>
            </li>
          ))}
        </ol>
      </div>
      {choosing && (
        <ByHand
          siteId={site.site.id}
          policy={policy}
          steps={steps}
          onClose={() => setChoosing(false)}
          onDone={() => {
            setChoosing(false);
            onChanged();
          }}
        />
      )}
      {editing && (
        <PolicyDialog
          siteId={site.site.id}
          policy={policy}
          defaults={default_steps}
          onClose={() => setEditing(false)}
          onDone={() => {
            setEditing(false);
            onChanged();
          }}
        />
      )}
    </Panel>
  );
}

/** A person chooses the step, told beforehand what that does to the pictures. */
function ByHand({ siteId, policy, steps, onClose, onDone }: { siteId: string; policy: ShedPolicy | null; steps: readonly ShedStep[]; onClose: () => void; onDone: () => void }) {
  const { t } = useTranslation("site");
  const formats = useFormats();
  const words = useStepWords();
  const [chosen, setChosen] = useState(policy?.manual ? String(policy.step) : CLOCK);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const step = chosen === CLOCK ? null : Number(chosen);
  const send = async () => {
    setBusy(true);
    try {
      await api.post(`/api/sites/${siteId}/shed`, { step });
      say(t(step === null ? "shed.given_back" : "shed.set"));
      onDone();
    } catch (failure) {
      setError(errorText(failure));
      setBusy(false);
    }
  };
  const option = (id: string) => ({ id, text: id === CLOCK ? t("shed.clock") : id === "0" ? t("shed.step_0") : t("shed.step", { step: formats.number(Number(id)), what: words.does(steps[Number(id) - 1] as ShedStep) }) });
  return (
    <DialogBox
      title={t("shed.by_hand_title")}
      isOpen
      onClose={onClose}
      busy={busy}
      foot={
        <>
          <Button onPress={onClose}>{t("common:cancel")}</Button>
          <Button look="primary" isDisabled={busy} onPress={() => void send()}>
            {t("shed.apply")}
          </Button>
        </>
      }
    >
      <Select label={t("shed.which")} value={chosen} onChange={setChosen} choices={[CLOCK, "0", ...steps.map((_, index) => String(index + 1))].map(option)} />
      {step === null && <p className="muted">{t("shed.clock_means")}</p>}
      {step === 0 && <p className="muted">{t("shed.zero_means")}</p>}
      {step !== null && step > 0 && (
        <div className="notice medium">
          <PriorityMark priority="medium" />
          <div>
            <p>{t("shed.means")}</p>
            <ul className="st-means">
              {steps.slice(0, step).map((one, index) => (
                <li key={index}>{words.does(one)}</li>
              ))}
            </ul>
            <p>{t("shed.until")}</p>
          </div>
        </div>
      )}
      {error && <p className="form-error">{error}</p>}
    </DialogBox>
  );
}
