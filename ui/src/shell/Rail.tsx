/** The rooms, at the reading side's edge. */
import { NavLink } from "react-router";
import { useTranslation } from "react-i18next";
import { Icon, type IconName } from "@/design";
import { type May, useMay } from "@/state/session";

interface Room {
  to: string;
  name: string;
  icon: IconName;
  may: (may: May) => boolean;
}

const GROUPS: Room[][] = [
  [
    { to: "/map", name: "map", icon: "map", may: () => true },
    { to: "/wall", name: "wall", icon: "wall", may: (m) => m.watch },
    { to: "/playback", name: "playback", icon: "playback", may: (m) => m.playback },
    { to: "/exports", name: "exports", icon: "exports", may: (m) => m.exportVideo },
  ],
  [
    { to: "/cameras", name: "cameras", icon: "camera", may: () => true },
    { to: "/sites", name: "sites", icon: "site", may: () => true },
    { to: "/sectors", name: "sectors", icon: "sector", may: () => true },
  ],
  [
    { to: "/people", name: "people", icon: "people", may: (m) => m.people },
    { to: "/audit", name: "audit", icon: "audit", may: (m) => m.audit },
    { to: "/system", name: "system", icon: "system", may: (m) => m.system },
  ],
];

export function Rail() {
  const { t } = useTranslation();
  const may = useMay();
  return (
    <nav className="rail" aria-label={t("shell:rooms")}>
      {GROUPS.map((group) => group.filter((room) => room.may(may)))
        .filter((group) => group.length)
        .map((group) => (
          <ul key={group[0]?.name}>
            {group.map((room) => (
              <li key={room.to}>
                <NavLink to={room.to}>
                  <Icon name={room.icon} size={21} />
                  <span>{t(`shell:room.${room.name}`)}</span>
                </NavLink>
              </li>
            ))}
          </ul>
        ))}
    </nav>
  );
}
