/** What a telemetry device speaks of, in words: `power_source:<id>` becomes that site's battery. */
import { useTranslation } from "react-i18next";
import { splitSubject } from "@/alarms/words";
import { useName } from "@/state/preferences";
import { world } from "@/state/world";

export function useSubjectText(): (subject: string) => string {
  const { t } = useTranslation("infrastructure");
  const name = useName();
  return (subject) => {
    const { noun, id } = splitSubject(subject);
    const code = (text: string | undefined) => `\u2066${text ?? id}\u2069`;
    switch (noun) {
      case "power_source": {
        const source = world.watched.power_source.get(id);
        return source ? t("of_site", { what: t(`choice.kind.${source.kind}`), site: name(world.sites.get(source.site_id)) }) : code(undefined);
      }
      case "site":
        return name(world.sites.get(id)) || id;
      case "cabinet":
        return t("of_site", { what: t("one.cabinets"), site: name(world.sites.get(id)) });
      case "switch":
        return code(world.watched.switch.get(id)?.code);
      case "link":
        return code(world.watched.link.get(id)?.code);
      case "port": {
        const [switchId = "", number = ""] = id.split("/");
        return code(`${world.watched.switch.get(switchId)?.code ?? switchId}/${number}`);
      }
      case "camera":
        return code(world.cameras.get(id)?.code);
      default:
        return code(subject);
    }
  };
}
