/** A day and a time of day in the control room's zone. In 24 hours as everywhere here, whatever this browser's own habit. */
import { useId } from "react";
import { useTranslation } from "react-i18next";
import { useFormats } from "@/i18n/format";
import { fromLocal, tidyTime } from "@/i18n/localTime";

interface Props {
  label: string;
  /** `2026-11-22T14:05`, with seconds where they matter. */
  value: string;
  onChange: (value: string) => void;
  error?: string;
  disabled?: boolean;
  autoFocus?: boolean;
}

export function MomentField({ label, value, onChange, error, disabled, autoFocus }: Props) {
  const { t } = useTranslation();
  const formats = useFormats();
  const id = useId();
  const [day = "", time = ""] = value.split("T");
  const us = fromLocal(value, formats.timezone);
  const told = { "aria-invalid": error ? true : undefined, "aria-describedby": error ? `${id}-error` : undefined };
  return (
    <div className="field all" role="group" aria-labelledby={id} data-invalid={error ? true : undefined}>
      <span className="label" id={id}>
        {label}
      </span>
      <div className="moment-field">
        <input type="date" {...told} aria-label={t("moment.day", { what: label })} value={day} disabled={disabled} autoFocus={autoFocus} onChange={(event) => onChange(`${event.target.value}T${time}`)} />
        <input
          {...told}
          dir="ltr"
          inputMode="numeric"
          aria-label={t("moment.time", { what: label })}
          placeholder="18:00"
          maxLength={8}
          value={time}
          disabled={disabled}
          onChange={(event) => onChange(`${day}T${event.target.value}`)}
          onBlur={() => tidyTime(time) !== time && onChange(`${day}T${tidyTime(time)}`)}
        />
        <span className="muted">{us === null ? "" : formats.date(us / 1000)}</span>
      </div>
      {error && (
        <span className="error" id={`${id}-error`}>
          {error}
        </span>
      )}
    </div>
  );
}
