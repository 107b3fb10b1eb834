/** The controls every screen is made of, so that one change of looks or behaviour is made once. */
import { type ReactNode, useId } from "react";
import {
  Button as AriaButton,
  Checkbox as AriaCheckbox,
  Dialog as AriaDialog,
  FieldError,
  Heading,
  Input,
  Label,
  ListBox,
  ListBoxItem,
  Modal,
  ModalOverlay,
  Popover,
  Select as AriaSelect,
  SelectValue,
  Text,
  TextArea,
  TextField as AriaTextField,
  ToggleButton,
  ToggleButtonGroup,
  Tooltip,
  TooltipTrigger,
  type ButtonProps,
  type Key,
} from "react-aria-components";
import { useTranslation } from "react-i18next";
import { Icon, type IconName } from "./Icon";

export { Icon, type IconName } from "./Icon";
export { PriorityMark, StateMark } from "./Mark";

interface OurButtonProps extends Omit<ButtonProps, "className" | "children"> {
  look?: "plain" | "primary" | "quiet" | "danger";
  small?: boolean;
  icon?: IconName;
  mirror?: boolean;
  children?: ReactNode;
  className?: string;
}

export function Button({ look = "plain", small, icon, mirror, children, className, ...rest }: OurButtonProps) {
  return (
    <AriaButton {...rest} className={`button ${look}${small ? " small" : ""}${className ? ` ${className}` : ""}`}>
      {icon && <Icon name={icon} size={small ? 15 : 17} mirror={mirror} />}
      {children}
    </AriaButton>
  );
}

/** An icon alone: its name is spoken and shown on hover. */
export function IconButton({ label, icon, mirror, look = "quiet", small, className, ...rest }: OurButtonProps & { label: string; icon: IconName }) {
  return (
    <Hint text={label}>
      <AriaButton {...rest} aria-label={label} className={`button icon ${look}${small ? " small" : ""}${className ? ` ${className}` : ""}`}>
        <Icon name={icon} size={small ? 15 : 18} mirror={mirror} />
      </AriaButton>
    </Hint>
  );
}

/** What a control is, on hover and on focus. The child must be focusable (a React Aria control). */
export function Hint({ text, children }: { text: ReactNode; children: ReactNode }) {
  return (
    <TooltipTrigger delay={400} closeDelay={0}>
      {children}
      <Tooltip className="tooltip" offset={6}>
        {text}
      </Tooltip>
    </TooltipTrigger>
  );
}

interface FieldProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  error?: string;
  hint?: string;
  /** Latin whatever the language: addresses, codes, accounts. */
  latin?: boolean;
  type?: "text" | "password" | "url" | "search" | "date";
  lines?: number;
  required?: boolean;
  disabled?: boolean;
  autoComplete?: string;
  placeholder?: string;
  autoFocus?: boolean;
  inputMode?: "decimal" | "numeric" | "text";
  className?: string;
}

export function TextField({ label, value, onChange, error, hint, latin, type = "text", lines, required, disabled, autoComplete, placeholder, autoFocus, inputMode, className }: FieldProps) {
  return (
    <AriaTextField
      className={`field${className ? ` ${className}` : ""}`}
      value={value}
      onChange={onChange}
      isInvalid={Boolean(error)}
      isRequired={required}
      isDisabled={disabled}
      type={type === "date" ? (type as "text") : type}
      autoComplete={autoComplete}
      autoFocus={autoFocus}
      inputMode={inputMode}
      validationBehavior="aria"
    >
      <Label>{label}</Label>
      {lines ? (
        <TextArea rows={lines} dir={latin ? "ltr" : undefined} placeholder={placeholder} />
      ) : (
        <Input dir={latin ? "ltr" : undefined} placeholder={placeholder} spellCheck={latin ? false : undefined} />
      )}
      {hint && !error && (
        <Text slot="description" className="hint">
          {hint}
        </Text>
      )}
      <FieldError className="error">{error}</FieldError>
    </AriaTextField>
  );
}

export interface Choice<K extends string = string> {
  id: K;
  text: string;
  node?: ReactNode;
}

interface SelectProps<K extends string> {
  label: string;
  /** Shown before the value, with no label above: for tool bars. */
  inline?: boolean;
  value: K | null;
  onChange: (value: K) => void;
  choices: readonly Choice<K>[];
  error?: string;
  hint?: string;
  disabled?: boolean;
  placeholder?: string;
  className?: string;
}

export function Select<K extends string>({ label, inline, value, onChange, choices, error, hint, disabled, placeholder, className }: SelectProps<K>) {
  return (
    <AriaSelect
      className={`field${inline ? " inline" : ""}${className ? ` ${className}` : ""}`}
      value={value}
      onChange={(key: Key | null) => key !== null && onChange(String(key) as K)}
      isInvalid={Boolean(error)}
      isDisabled={disabled}
      placeholder={placeholder ?? "—"}
      aria-label={inline ? label : undefined}
    >
      {!inline && <Label>{label}</Label>}
      <AriaButton className="select-button">
        <SelectValue />
        <Icon name="down" size={14} />
      </AriaButton>
      {hint && !error && (
        <Text slot="description" className="hint">
          {hint}
        </Text>
      )}
      <FieldError className="error">{error}</FieldError>
      <Popover className="popover" offset={4}>
        <ListBox items={choices}>
          {(choice) => (
            <ListBoxItem id={choice.id} textValue={choice.text} className="option">
              {choice.node ?? choice.text}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </AriaSelect>
  );
}

export function Check({ label, hint, value, onChange, disabled }: { label: ReactNode; hint?: string; value: boolean; onChange: (value: boolean) => void; disabled?: boolean }) {
  return (
    <AriaCheckbox className="check" isSelected={value} onChange={onChange} isDisabled={disabled}>
      <span className="box">
        <Icon name="check" size={14} />
      </span>
      <span>
        {label}
        {hint && <span className="hint">{hint}</span>}
      </span>
    </AriaCheckbox>
  );
}

/** A few choices side by side, exactly one chosen. */
export function Segmented<K extends string>({ label, value, onChange, choices }: { label: string; value: K; onChange: (value: K) => void; choices: readonly Choice<K>[] }) {
  return (
    <ToggleButtonGroup
      aria-label={label}
      className="segmented"
      selectionMode="single"
      disallowEmptySelection
      selectedKeys={[value]}
      onSelectionChange={(keys) => {
        const [first] = keys;
        if (first !== undefined) onChange(String(first) as K);
      }}
    >
      {choices.map((choice) => (
        <ToggleButton key={choice.id} id={choice.id}>
          {choice.node ?? choice.text}
        </ToggleButton>
      ))}
    </ToggleButtonGroup>
  );
}

interface DialogBoxProps {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  width?: "narrow" | "wide";
  children: ReactNode;
  foot?: ReactNode;
  /** While work runs that must not be closed over by a stray click. */
  busy?: boolean;
}

export function DialogBox({ title, isOpen, onClose, width = "narrow", children, foot, busy }: DialogBoxProps) {
  const { t } = useTranslation();
  return (
    <ModalOverlay className="veil" isOpen={isOpen} onOpenChange={(open) => !open && !busy && onClose()} isDismissable={!busy}>
      <Modal className={`modal ${width}`}>
        <AriaDialog className="dialog">
          <header className="dialog-head">
            <Heading slot="title">{title}</Heading>
            <IconButton label={t("close")} icon="close" onPress={onClose} isDisabled={busy} />
          </header>
          <div className="dialog-body">{children}</div>
          {foot && <footer className="dialog-foot">{foot}</footer>}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

/** An empty list says why it is empty, and what to do. */
export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="empty">
      <span className="title">{title}</span>
      {children && <p>{children}</p>}
      {action}
    </div>
  );
}

export function Loading({ what }: { what: string }) {
  return (
    <div className="empty" role="status">
      <span className="spinner" />
      <span>{what}</span>
    </div>
  );
}

/** A bar from 0 to 100, named for a screen reader. */
export function Meter({ value, label, tone = "" }: { value: number; label: string; tone?: "" | "accent" | "medium" | "high" | "critical" }) {
  const id = useId();
  const shown = Math.max(0, Math.min(100, value));
  return (
    <div className={`bar-meter ${tone}`} role="meter" id={id} aria-label={label} aria-valuenow={Math.round(shown)} aria-valuemin={0} aria-valuemax={100}>
      <span style={{ inlineSize: `${shown}%` }} />
    </div>
  );
}

/** A Latin code in any text: kept together, left to right. */
export function Code({ children }: { children: ReactNode }) {
  return <bdi className="code">{children}</bdi>;
}
