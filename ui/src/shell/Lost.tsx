/** A place that does not exist, or a screen that failed: says which, and the way back. */
import { isRouteErrorResponse, Link, useRouteError } from "react-router";
import { useTranslation } from "react-i18next";
import { Button, Empty } from "@/design";

export function Lost() {
  const { t } = useTranslation();
  const error = useRouteError();
  const missing = error === undefined || (isRouteErrorResponse(error) && error.status === 404);
  return (
    <Empty
      title={missing ? t("lost.no_page") : t("lost.broken")}
      action={
        <span style={{ display: "flex", gap: 8 }}>
          <Link className="button" to="/">
            {t("lost.back")}
          </Link>
          {!missing && (
            <Button icon="refresh" onPress={() => location.reload()}>
              {t("reload")}
            </Button>
          )}
        </span>
      }
    >
      {missing ? t("lost.no_page_text") : error instanceof Error ? error.message : String(error)}
    </Empty>
  );
}
