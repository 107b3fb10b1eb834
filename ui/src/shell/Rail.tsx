/** The rooms, at the reading side's edge. */
import { useEffect, useRef } from "react";
import { NavLink, useLocation } from "react-router";
import { useTranslation } from "react-i18next";
import { Icon } from "@/design";
import { useMay } from "@/state/session";
import { GROUPS } from "./rooms";

export function Rail() {
  const { t } = useTranslation();
  const may = useMay();
  const nav = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  // Where the rooms do not all fit (a phone, a low window), the one that is open is in sight.
  useEffect(() => {
    // In braces: new browsers answer with a promise, which is no clean-up.
    void nav.current?.querySelector("a.active")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [pathname]);
  return (
    <nav ref={nav} className="rail" aria-label={t("shell:rooms")}>
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
