/** What the symbols of the map mean; folded away by whoever knows. */
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { PriorityMark } from "@/design";
import { Icon } from "@/video/icons";

const KEY = "manara.map.legend";

export function Legend({ schematic }: { schematic: boolean }) {
  const { t } = useTranslation("map");
  const [open, setOpen] = useState(() => (localStorage.getItem(KEY) ?? (window.innerWidth < 1500 ? "closed" : "open")) !== "closed");
  const toggle = () => {
    localStorage.setItem(KEY, open ? "closed" : "open");
    setOpen(!open);
  };
  return (
    <section className="map-legend" data-open={open || undefined}>
      <button type="button" aria-expanded={open} onClick={toggle}>
        <Icon name="layers" size={15} /> {t("legend.title")}
      </button>
      {open && (
        <ul>
          <li>
            <svg width="18" height="18" viewBox="0 0 30 30" aria-hidden="true">
              <path className="symbol" d="M15 5 23 23 15 19.5 7 23z" />
            </svg>
            {t("legend.fixed")}
          </li>
          <li>
            <svg width="18" height="18" viewBox="0 0 30 30" aria-hidden="true">
              <circle className="symbol" cx="15" cy="15" r="8.5" />
              <circle className="hole" cx="15" cy="15" r="3" />
            </svg>
            {t("legend.ptz")}
          </li>
          <li>
            <PriorityMark priority="high" size={16} /> {t("legend.lost")}
          </li>
          <li>
            <PriorityMark priority="medium" size={16} /> {t("legend.refused")}
          </li>
          <li>
            <PriorityMark priority="low" size={16} /> {t("legend.connecting")}
          </li>
          <li>
            <PriorityMark priority="critical" size={16} /> {t("legend.alarm")}
          </li>
          <li>
            <svg width="18" height="18" viewBox="0 0 30 30" aria-hidden="true">
              <circle className="cluster" cx="14" cy="16" r="10" />
              <circle className="badge" cx="23" cy="7" r="6" />
            </svg>
            {t("legend.cluster")}
          </li>
          <li>
            <svg width="18" height="18" viewBox="0 0 30 30" aria-hidden="true">
              <path className="cone" d="M15 27 5 7a22 22 0 0 1 20 0z" />
            </svg>
            {t("legend.cone")}
          </li>
          {schematic && <li className="muted">{t("legend.schematic")}</li>}
        </ul>
      )}
    </section>
  );
}
