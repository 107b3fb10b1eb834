/** What a work order is about, in one line. */
import type { WorkOrder } from "@/api/health";
import { useTranslation } from "react-i18next";

export function useOrderTitle(): (order: WorkOrder) => string {
  const { t } = useTranslation(["work", "alarms"]);
  return (order) => {
    if (order.cause_kind) return t(`alarms:kind.${order.cause_kind}`, { defaultValue: order.cause_kind });
    return order.description.split("\n")[0] || t("by_hand");
  };
}
