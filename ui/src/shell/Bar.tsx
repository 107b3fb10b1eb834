/** The slim bar: where we are, search, connection and clock, who sits here, language and looks. */
import { Link } from "react-router";
import { useTranslation } from "react-i18next";
import {
  Button as AriaButton,
  Header,
  Menu,
  MenuItem,
  MenuSection,
  MenuTrigger,
  Popover,
  Separator,
} from "react-aria-components";
import { AlarmBar } from "@/alarms/AlarmBar";
import { Hint, Icon, IconButton } from "@/design";
import { useFormats } from "@/i18n/format";
import { useConnection, useNow, useWorld } from "@/state/hooks";
import { useName, usePreferences } from "@/state/preferences";
import { useSession } from "@/state/session";
import { Search } from "./Search";

export function Bar() {
  const { t } = useTranslation();
  const name = useName();
  const place = useWorld((w) => w.deployment);
  return (
    <header className="bar">
      <Link to="/" className="place">
        <Beacon />
        <span className="place-text">
          <strong>{t("product")}</strong>
          <span>{name(place)}</span>
        </span>
      </Link>
      <Search />
      <span className="bar-gap" />
      <AlarmBar />
      <LinkState />
      <Clock />
      <LanguageSwitch />
      <ThemeSwitch />
      <Person />
    </header>
  );
}

function Beacon() {
  return (
    <svg width="26" height="26" viewBox="0 0 32 32" aria-hidden="true" className="beacon">
      <path d="M12.500 28 14 12.500h4L19.500 28z" fill="currentColor" opacity="0.85" />
      <path d="M13 8.500a3 3 0 0 1 6 0V11h-6z" fill="var(--accent)" />
      <path d="M11 8 4.500 5.500M11 10.200l-7 1M21 8l6.500-2.500M21 10.200l7 1" stroke="var(--accent)" strokeWidth="1.700" strokeLinecap="round" fill="none" />
    </svg>
  );
}

/** The line to the server: quiet grey when it works, a sign when it does not. */
function LinkState() {
  const { t } = useTranslation();
  const { phase } = useConnection();
  if (phase === "live") {
    return (
      <span className="link-state" data-phase="live" role="status">
        <svg width="10" height="10" viewBox="0 0 10 10" aria-hidden="true">
          <circle cx="5" cy="5" r="4" fill="currentColor" />
        </svg>
        <span>{t("shell:live")}</span>
      </span>
    );
  }
  return (
    <span className={`link-state ${phase === "stale" ? "text-high" : ""}`} role="status">
      <Icon name={phase === "stale" ? "warning" : "refresh"} size={15} />
      <span>{t(phase === "stale" ? "shell:not_live" : "shell:connecting")}</span>
    </span>
  );
}

function Clock() {
  const { t } = useTranslation();
  const formats = useFormats();
  const now = useNow(1000);
  return (
    <Hint
      text={
        <span dir="auto">
          {formats.date(now)}
          <br />
          {t("shell:utc", { time: formats.utcClock(now) })}
        </span>
      }
    >
      <AriaButton className="clock" aria-label={t("shell:clock", { time: formats.clock(now, false) })}>
        <time dir="ltr">{formats.clock(now)}</time>
      </AriaButton>
    </Hint>
  );
}

function LanguageSwitch() {
  const { t } = useTranslation();
  const { preferences, change } = usePreferences();
  const other = preferences.language === "ar" ? "en" : "ar";
  return (
    <Hint text={t("shell:switch_language")}>
      <AriaButton className="button quiet language" lang={other} onPress={() => change({ language: other })}>
        {t(`shell:language_short.${other}`)}
      </AriaButton>
    </Hint>
  );
}

function ThemeSwitch() {
  const { t } = useTranslation();
  const { preferences, change } = usePreferences();
  const other = preferences.theme === "dark" ? "light" : "dark";
  return (
    <IconButton
      icon={other === "light" ? "sun" : "moon"}
      label={t(`shell:theme_to.${other}`)}
      onPress={() => change({ theme: other })}
    />
  );
}

function Person() {
  const { t } = useTranslation();
  const { me, signOut } = useSession();
  const { preferences, change } = usePreferences();
  const role = me.roles[0];
  return (
    <MenuTrigger>
      <AriaButton className="person" aria-label={t("shell:person_menu", { name: me.name || me.account })}>
        <span className="face">
          <Icon name="person" size={17} />
        </span>
        <span className="person-text">
          <strong>
            <bdi>{me.name || me.account}</bdi>
          </strong>
          <span>
            {role ? t(`role.${role}`) : ""}
            {me.roles.length > 1 && ` ${t("plus", { count: me.roles.length - 1 })}`}
          </span>
        </span>
        <Icon name="down" size={14} />
      </AriaButton>
      <Popover className="popover" placement="bottom end" offset={6}>
        <Menu
          onAction={(key) => {
            if (key === "out") void signOut();
            if (key === "latn" || key === "arab") change({ digits: key });
          }}
        >
          <MenuItem id="account" href="/account" className="option">
            <Icon name="key" size={16} />
            {t("shell:my_account")}
          </MenuItem>
          <Separator className="separator" />
          <MenuSection>
            <Header className="option-heading">{t("digits.title")}</Header>
            <MenuItem id="latn" className="option">
              {t("digits.latn")}
              <span className="end">{preferences.digits === "latn" && <Icon name="check" size={15} />}</span>
            </MenuItem>
            <MenuItem id="arab" className="option">
              {t("digits.arab")}
              <span className="end">{preferences.digits === "arab" && <Icon name="check" size={15} />}</span>
            </MenuItem>
          </MenuSection>
          <Separator className="separator" />
          <MenuItem id="out" className="option">
            <Icon name="signout" size={16} mirror />
            {t("shell:sign_out")}
          </MenuItem>
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}
