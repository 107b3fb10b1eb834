/** How a link or a switch does: a priority's sign when somebody must look, else a quiet dot. */
import { useTranslation } from "react-i18next";
import type { PartState } from "@/api/health";
import { PriorityMark } from "@/design";
import "./part.css";

export function PartMark({ state }: { state: PartState }) {
  const { t } = useTranslation("site");
  if (state === "down") return <PriorityMark priority="high" size={16} title={t("part.down")} />;
  if (state === "degraded") return <PriorityMark priority="medium" size={16} title={t("part.degraded")} />;
  return <span className={`st-dot ${state}`} role="img" aria-label={t(`part.${state}`)} title={t(`part.${state}`)} />;
}
