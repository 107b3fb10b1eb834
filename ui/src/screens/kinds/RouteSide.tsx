/** One route: whom it tells, of what, when; its test. */
import { useTranslation } from "react-i18next";
import { kindName } from "@/alarms/words";
import { api, errorText } from "@/api/client";
import { Button, Check, PriorityMark, Select, TextField } from "@/design";
import { FormFault, FormFoot } from "@/design/FormFoot";
import { Group, Side } from "@/design/Page";
import { say } from "@/design/toast";
import { useForm } from "@/state/form";
import { useSectors } from "@/state/hooks";
import { useName } from "@/state/preferences";
import { type KindRow, PRIORITIES, type Route } from "./types";

interface Props {
  route?: Route;
  kinds: KindRow[];
  onClose: () => void;
  /** With the id of what was saved, null when it was removed. */
  onChanged: (id: string | null) => void;
}

/** Minutes of the day as "22:00", and back; undefined where it is no time. */
const clockOf = (minutes: number | null): string => (minutes === null ? "" : `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`);
function minutesOf(text: string): number | null | undefined {
  if (!text.trim()) return null;
  const found = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text.trim());
  return found ? Number(found[1]) * 60 + Number(found[2]) : undefined;
}

export function RouteSide({ route, kinds, onClose, onChanged }: Props) {
  const { t } = useTranslation("kinds");
  const name = useName();
  const sectors = useSectors();
  const form = useForm({
    name: route?.name ?? "",
    channel: route?.channel ?? ("email" as Route["channel"]),
    address: route?.address ?? "",
    secret: "",
    language: route?.language ?? ("ar" as Route["language"]),
    priorities: route?.priorities ?? (["critical", "high"] as Route["priorities"]),
    everywhere: route ? route.sector_ids === null : true,
    sector_ids: route?.sector_ids ?? [],
    everything: route ? route.kinds === null : true,
    kinds: route?.kinds ?? [],
    escalated_min: String(route?.escalated_min ?? 0),
    tell_end: route?.tell_end ?? true,
    quiet_from_min: clockOf(route?.quiet_from_min ?? null),
    quiet_until_min: clockOf(route?.quiet_until_min ?? null),
    enabled: route?.enabled ?? true,
  });
  const { values, set, errors } = form;
  const flip = <T,>(list: readonly T[], item: T, on: boolean) => (on ? [...list, item] : list.filter((other) => other !== item));
  const save = () => {
    const found: Record<string, string> = {};
    if (!values.name.trim()) found.name = t("fields:required");
    if (!values.address.trim()) found.address = t("fields:required");
    if (!values.priorities.length) found.priorities = t("one_priority");
    const quiet = { quiet_from_min: minutesOf(values.quiet_from_min), quiet_until_min: minutesOf(values.quiet_until_min) };
    for (const [field, value] of Object.entries(quiet)) if (value === undefined) found[field] = t("no_time");
    if ((quiet.quiet_from_min === null) !== (quiet.quiet_until_min === null)) found.quiet_until_min = t("both_times");
    void form.submit(found, async () => {
      const { everywhere, everything, secret, ...rest } = values;
      const body = { ...rest, ...quiet, escalated_min: Number(values.escalated_min), sector_ids: everywhere ? null : values.sector_ids, kinds: everything ? null : values.kinds, ...(secret ? { secret } : {}) };
      const saved = await (route ? api.patch<Route>(`/api/notification-routes/${route.id}`, body) : api.post<Route>("/api/notification-routes", body));
      say(t("route_saved"));
      onChanged(saved.id);
    });
  };
  const run = async (work: Promise<unknown>, text: string, id: string | null) => {
    try {
      await work;
      say(text);
      onChanged(id);
    } catch (failure) {
      say(errorText(failure), { tone: "high" });
    }
  };
  return (
    <Side
      title={t(route ? "edit_route" : "add_route")}
      subtitle={route ? <bdi>{route.name}</bdi> : undefined}
      onClose={onClose}
      foot={
        <>
          <FormFoot form={form} stored={Boolean(route)} onSave={save} />
          {route && (
            <>
              <Button onPress={() => void run(api.post(`/api/notification-routes/${route.id}/test`), t("test_written"), route.id)} isDisabled={!route.enabled || form.dirty}>
                {t("test")}
              </Button>
              <span className="gap" />
              <Button look="danger" icon="trash" onPress={() => void run(api.delete(`/api/notification-routes/${route.id}`), t("route_removed"), null)}>
                {t("common:remove")}
              </Button>
            </>
          )}
        </>
      }
    >
      {route?.error && (
        <div className="notice medium" role="status">
          <PriorityMark priority="medium" />
          <span>
            {t("in_the_way")} <bdi>{route.error}</bdi>
          </span>
        </div>
      )}
      <FormFault form={form} />
      <TextField label={t("route_name")} hint={t("route_name_hint")} value={values.name} onChange={(value) => set("name", value)} error={errors.name} required />
      <div className="form-grid">
        <Select label={t("channel_head")} value={values.channel} onChange={(value) => set("channel", value)} choices={(["email", "webhook"] as const).map((one) => ({ id: one, text: t(`channel.${one}`) }))} />
        <Select label={t("language")} value={values.language} onChange={(value) => set("language", value)} choices={(["ar", "en"] as const).map((one) => ({ id: one, text: t(`common:language.${one}`) }))} />
      </div>
      <TextField label={t(`address_of.${values.channel}`)} hint={t(`address_hint.${values.channel}`)} value={values.address} onChange={(value) => set("address", value)} error={errors.address} latin required />
      {values.channel === "webhook" && <TextField label={t("secret")} hint={t(route?.has_secret ? "secret_kept" : "secret_hint")} value={values.secret} onChange={(value) => set("secret", value)} error={errors.secret} type="password" autoComplete="new-password" latin />}
      <Group title={t("priorities")}>
        <div className="checks">
          {PRIORITIES.map((one) => (
            <Check key={one} label={<span className="state-cell"><PriorityMark priority={one} /><span>{t(`common:priority.${one}`)}</span></span>} value={values.priorities.includes(one)} onChange={(on) => set("priorities", flip(values.priorities, one, on))} />
          ))}
        </div>
        {errors.priorities && <p className="form-error">{errors.priorities}</p>}
      </Group>
      <Select label={t("when")} value={values.escalated_min} onChange={(value) => set("escalated_min", value)} choices={["0", "1", "2"].map((one) => ({ id: one, text: t(`when_step.${one}`) }))} />
      <Check label={t("tell_end")} value={values.tell_end} onChange={(on) => set("tell_end", on)} />
      <Group title={t("quiet")}>
        <div className="form-grid">
          <TextField label={t("quiet_from")} value={values.quiet_from_min} onChange={(value) => set("quiet_from_min", value)} error={errors.quiet_from_min} latin placeholder="22:00" />
          <TextField label={t("quiet_until")} value={values.quiet_until_min} onChange={(value) => set("quiet_until_min", value)} error={errors.quiet_until_min} latin placeholder="06:00" />
        </div>
        <p className="muted">{t("quiet_hint")}</p>
      </Group>
      <Group title={t("sectors")}>
        <div className="checks">
          <Check label={t("all_sectors")} value={values.everywhere} onChange={(on) => set("everywhere", on)} />
          {!values.everywhere && sectors.map((sector) => <Check key={sector.id} label={name(sector)} value={values.sector_ids.includes(sector.id)} onChange={(on) => set("sector_ids", flip(values.sector_ids, sector.id, on))} />)}
        </div>
      </Group>
      <Group title={t("kinds_head")}>
        <div className="checks">
          <Check label={t("all_kinds")} value={values.everything} onChange={(on) => set("everything", on)} />
          {!values.everything && kinds.map((one) => <Check key={one.kind} label={kindName(one.kind)} value={values.kinds.includes(one.kind)} onChange={(on) => set("kinds", flip(values.kinds, one.kind, on))} />)}
        </div>
      </Group>
      <Check label={t("route_enabled")} hint={t("route_enabled_hint")} value={values.enabled} onChange={(on) => set("enabled", on)} />
    </Side>
  );
}
