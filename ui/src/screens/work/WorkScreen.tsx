/** Maintenance: work orders, planned outages, rounds, teams, and how available the network was. One address, five sheets. */
import { useTranslation } from "react-i18next";
import { useNavigate, useParams, useSearchParams } from "react-router";
import { Button, Segmented } from "@/design";
import { Page } from "@/design/Page";
import { useMay } from "@/state/session";
import { AvailabilitySheet } from "./AvailabilitySheet";
import { OrderForm } from "./OrderForm";
import { OrderSide } from "./OrderSide";
import { OrdersSheet } from "./OrdersSheet";
import { OutageForm, OutagesSheet } from "./Outages";
import { RoundForm, RoundsSheet } from "./Rounds";
import { TeamForm, TeamsSheet } from "./Teams";
import { useTeams } from "./useWork";
import "./work.css";

const SHEETS = ["orders", "outages", "rounds", "teams", "availability"] as const;
type Sheet = (typeof SHEETS)[number];

export function WorkScreen() {
  const { t } = useTranslation("work");
  const may = useMay();
  const { id } = useParams();
  const [search, setSearch] = useSearchParams();
  const navigate = useNavigate();
  const { teams, refetch } = useTeams();
  const asked = search.get("sheet") as Sheet;
  const sheet: Sheet = id && id !== "new" ? "orders" : SHEETS.includes(asked) ? asked : "orders";
  const chosen = search.get("of");
  const choose = (of: string | null) => setSearch(of ? { sheet, of } : { sheet });
  const closeOrder = () => void navigate("/work");
  const add = sheet === "orders" ? may.raiseWork : sheet !== "availability" && may.manageWork;
  const side =
    id === "new" ? (
      <OrderForm teams={teams} onClose={closeOrder} onSaved={(order) => void navigate(`/work/${order.id}`, { replace: true })} />
    ) : id ? (
      <OrderSide key={id} id={id} teams={teams} onClose={closeOrder} />
    ) : !chosen ? undefined : sheet === "outages" ? (
      <OutageForm key={chosen} id={chosen} onClose={() => choose(null)} />
    ) : sheet === "rounds" ? (
      <RoundForm key={chosen} id={chosen} teams={teams} onClose={() => choose(null)} />
    ) : sheet === "teams" ? (
      <TeamForm key={chosen} team={teams.find((one) => one.id === chosen)} onClose={() => choose(null)} onSaved={() => (refetch(), choose(null))} />
    ) : undefined;
  return (
    <Page
      title={t("title")}
      side={side}
      actions={
        add && (
          <Button look="primary" icon="plus" onPress={() => (sheet === "orders" ? void navigate("/work/new") : choose("new"))}>
            {t(`add.${sheet}`)}
          </Button>
        )
      }
      tools={
        <Segmented<Sheet> label={t("sheets")} value={sheet} onChange={(next) => void navigate(`/work?sheet=${next}`)} choices={SHEETS.map((one) => ({ id: one, text: t(`sheet.${one}`) }))} />
      }
    >
      {sheet === "orders" && <OrdersSheet selected={id} teams={teams} onOpen={(order) => void navigate(`/work/${order}`)} />}
      {sheet === "outages" && <OutagesSheet selected={chosen} onOpen={choose} />}
      {sheet === "rounds" && <RoundsSheet selected={chosen} teams={teams} onOpen={choose} />}
      {sheet === "teams" && <TeamsSheet teams={teams} selected={chosen} onOpen={choose} />}
      {sheet === "availability" && <AvailabilitySheet />}
    </Page>
  );
}
