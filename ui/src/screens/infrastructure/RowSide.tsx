/** One row beside its list: what is known of it, and the ways to change it. */
import { type ReactNode, useState } from "react";
import { Link } from "react-router";
import { useTranslation } from "react-i18next";
import { api, errorText } from "@/api/client";
import { Button, Code, DialogBox, Empty, Icon } from "@/design";
import { Facts, Group, Side } from "@/design/Page";
import { say } from "@/design/toast";
import { useFormats } from "@/i18n/format";
import { useName } from "@/state/preferences";
import { useMay } from "@/state/session";
import { world } from "@/state/world";
import { FIELDS, type FieldSpec, type Noun, ownTopic, type Row, siteOf, takesToken } from "./nouns";
import { RowForm } from "./RowForm";
import { useSubjectText } from "./subjects";

interface Props {
  noun: Noun;
  row: Row | undefined;
  onClose: () => void;
  onSaved: (row: Row & { token?: string }) => void;
  onRemoved: () => void;
  onToken: (token: string) => void;
}

/** What a person calls the row: its code, else its site. */
export function useTitle(): (noun: Noun, row: Row) => string {
  const { t } = useTranslation("infrastructure");
  const name = useName();
  return (noun, row) => {
    if (row.code) return row.code;
    const site = name(world.sites.get(String(row.site_id)));
    return noun === "power_sources" ? t("of_site", { what: t(`choice.kind.${String(row.kind)}`), site }) : t("of_site", { what: t("one.cabinets"), site });
  };
}

export function RowSide({ noun, row, onClose, onSaved, onRemoved, onToken }: Props) {
  const { t } = useTranslation("infrastructure");
  const formats = useFormats();
  const name = useName();
  const may = useMay();
  const title = useTitle();
  const subject = useSubjectText();
  const [editing, setEditing] = useState(false);
  const [removing, setRemoving] = useState(false);
  const [renewing, setRenewing] = useState(false);
  if (!row) {
    return (
      <Side title={t("gone_title")} onClose={onClose}>
        <Empty title={t("gone_title")}>{t("gone")}</Empty>
      </Side>
    );
  }
  if (editing)
    return (
      <RowForm
        noun={noun}
        row={row}
        onClose={() => setEditing(false)}
        onSaved={(value) => {
          setEditing(false);
          onSaved(value);
        }}
      />
    );
  const shown = (field: FieldSpec): ReactNode => {
    const value = row[field.key];
    if (field.kind === "subjects") {
      const pairs = Object.entries((value ?? {}) as Record<string, string>);
      return pairs.length ? (
        <ul key={field.key} className="inf-subjects">
          {pairs.map(([part, one]) => (
            <li key={part}>
              <Code>{part}</Code>
              {!subject(one).includes(part) && ` · ${subject(one)}`}
            </li>
          ))}
        </ul>
      ) : null;
    }
    if (field.kind === "yes_no") return t(value ? "common:yes" : "common:no");
    if (value === null || value === undefined || value === "") return null;
    if (field.kind === "site") {
      const site = world.sites.get(String(value));
      return (
        <Link key={field.key} to={`/site/${String(value)}`}>
          {name(site) || String(value)}
        </Link>
      );
    }
    if (field.kind === "switch") return <Code key={field.key}>{world.watched.switch.get(String(value))?.code ?? String(value)}</Code>;
    if (field.kind === "date") return new Intl.DateTimeFormat(formats.locale, { dateStyle: "medium", timeZone: "UTC" }).format(Number(value) / 1000);
    if (field.kind === "number") return <bdi key={field.key}>{t(`with_unit.${field.key}`, { value: formats.number(Number(value)), defaultValue: formats.number(Number(value)) })}</bdi>;
    if (field.kind === "choice") return t(noun === "links" && field.key === "kind" ? `site:link_kind.${String(value)}` : `choice.${field.key}.${String(value)}`, { defaultValue: String(value) });
    return field.kind === "code" || field.kind === "profile" ? <Code key={field.key}>{String(value)}</Code> : String(value);
  };
  const renew = async () => {
    try {
      onToken((await api.post<{ token: string }>(`/api/infrastructure/devices/${row.id}/token`)).token);
    } catch (failure) {
      say(errorText(failure), { tone: "high" });
    } finally {
      setRenewing(false);
    }
  };
  const site = siteOf(noun, row);
  const token = takesToken(row.protocol, row.address);
  return (
    <Side
      title={<bdi>{title(noun, row)}</bdi>}
      subtitle={t(`one.${noun}`)}
      onClose={onClose}
      foot={
        <>
          {site && (
            <Link className="button" to={`/site/${site}`}>
              <Icon name="site" size={17} />
              {t("open_site")}
            </Link>
          )}
          <span className="gap" />
          {may.editNetwork && (
            <>
              <Button look="danger" icon="trash" onPress={() => setRemoving(true)}>
                {t("common:remove")}
              </Button>
              <Button icon="edit" onPress={() => setEditing(true)}>
                {t("common:edit")}
              </Button>
            </>
          )}
        </>
      }
    >
      <Facts
        items={FIELDS[noun].map((field) => {
          const node = shown(field);
          return node !== null && ([t(noun === "links" && field.key === "kind" ? "field.link_kind" : `field.${field.key}`), node] as const);
        })}
      />
      {noun === "devices" && (
        <Group title={t("secrets")}>
          <p className="muted">{t(token ? (row.has_token ? "has_token" : "no_token") : row.has_credentials ? "has_credentials" : "no_credentials")}</p>
          <OwnBroker row={row} />
          {token && may.editNetwork && (
            <p>
              <Button small icon="key" onPress={() => setRenewing(true)}>
                {t("new_token")}
              </Button>
            </p>
          )}
        </Group>
      )}
      {removing && <Remove noun={noun} row={row} title={title(noun, row)} onClose={() => setRemoving(false)} onRemoved={onRemoved} />}
      {renewing && (
        <DialogBox
          title={t("new_token")}
          isOpen
          onClose={() => setRenewing(false)}
          foot={
            <>
              <Button onPress={() => setRenewing(false)}>{t("common:cancel")}</Button>
              <Button look="danger" onPress={() => void renew()}>
                {t("new_token")}
              </Button>
            </>
          }
        >
          <p>{t("new_token_lost")}</p>
        </DialogBox>
      )}
    </Side>
  );
}

/** How a device signs in to our own MQTT broker, with its token as the password; nothing for any other. */
export function OwnBroker({ row }: { row: Row }) {
  const { t } = useTranslation("infrastructure");
  const topic = ownTopic(row.protocol, row.address);
  if (!topic) return null;
  return (
    <div className="inf-broker">
      <p className="muted">{t("mqtt_how")}</p>
      <Facts
        items={[
          [t("mqtt_username"), <Code key="name">{row.code}</Code>],
          [t("mqtt_topic"), <Code key="topic">{topic}</Code>],
        ]}
      />
    </div>
  );
}

function Remove({ noun, row, title, onClose, onRemoved }: { noun: Noun; row: Row; title: string; onClose: () => void; onRemoved: () => void }) {
  const { t } = useTranslation("infrastructure");
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const remove = async () => {
    setBusy(true);
    try {
      await api.delete(`/api/infrastructure/${noun}/${row.id}`);
      say(t("removed", { what: title }));
      onRemoved();
    } catch (failure) {
      setError(errorText(failure));
      setBusy(false);
    }
  };
  return (
    <DialogBox
      title={t("remove_title", { what: title })}
      isOpen
      onClose={onClose}
      busy={busy}
      foot={
        <>
          <Button onPress={onClose}>{t("common:cancel")}</Button>
          <Button look="danger" icon="trash" isDisabled={busy} onPress={() => void remove()}>
            {t("common:remove")}
          </Button>
        </>
      }
    >
      <p>{t(`remove_lost.${noun}`)}</p>
      {error && <p className="form-error">{error}</p>}
    </DialogBox>
  );
}
