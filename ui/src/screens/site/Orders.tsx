/** Work orders on this site that are open. */
import { Link } from "react-router";
import { useTranslation } from "react-i18next";
import { kindName } from "@/alarms/words";
import { Icon, PriorityMark } from "@/design";
import { useFormats } from "@/i18n/format";
import { useNow } from "@/state/hooks";
import { useMay } from "@/state/session";
import { Panel } from "./Panel";
import type { SiteCondition } from "./types";

const SHOWN = 5;

export function Orders({ site }: { site: SiteCondition }) {
  const { t } = useTranslation("site");
  const formats = useFormats();
  const may = useMay();
  const now = useNow(30_000);
  const open = site.work_orders.filter((order) => order.open);
  return (
    <Panel
      title={t("panel.work")}
      aside={
        may.raiseWork && (
          <Link className="button small" to={`/work/new?site=${site.site.id}`}>
            <Icon name="plus" size={15} />
            {t("new_order")}
          </Link>
        )
      }
    >
      {open.length === 0 && <p className="inside muted">{t("no_orders")}</p>}
      <ul className="st-parts">
        {open.slice(0, SHOWN).map((order) => {
          const late = order.due_us !== null && order.due_us / 1000 < now;
          return (
            <li key={order.id}>
              <div className="st-part">
                <PriorityMark priority={order.priority} size={16} />
                <Link className="grow" to={`/work/${order.id}`}>
                  {order.cause_kind ? kindName(order.cause_kind) : order.description.split("\n")[0] || formats.number(order.number)}
                </Link>
                <span className="muted">{t(`order_state.${order.state}`, { defaultValue: order.state })}</span>
              </div>
              {order.due_us !== null && <p className={late ? "st-sub text-medium" : "st-sub muted"}>{t(late ? "due_was" : "due", { when: formats.when(order.due_us, now) })}</p>}
            </li>
          );
        })}
      </ul>
      {open.length > SHOWN && (
        <p className="inside">
          <Link to={`/work?site=${site.site.id}`}>{t("more_orders", { count: open.length - SHOWN })}</Link>
        </p>
      )}
    </Panel>
  );
}
