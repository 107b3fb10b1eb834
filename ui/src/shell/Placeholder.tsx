/** A screen that is not there yet. */
import { useTranslation } from "react-i18next";
import { Empty } from "@/design";

export function Placeholder() {
  const { t } = useTranslation();
  return <Empty title={t("coming")} />;
}
