/** Buttons of the video screens: our icons in the product's button, named for a screen reader and on hover. */
import type { ReactNode } from "react";
import { Button as AriaButton, type ButtonProps, ToggleButton, type ToggleButtonProps } from "react-aria-components";
import { Hint } from "@/design";
import { Icon, type IconName } from "./icons";

interface Props extends Omit<ButtonProps, "className" | "children"> {
  label: string;
  icon: IconName;
  hint?: ReactNode;
  small?: boolean;
  look?: "quiet" | "plain" | "primary" | "overlay";
  children?: ReactNode;
}

export function Tool({ label, icon, hint, small, look = "quiet", children, ...rest }: Props) {
  return (
    <Hint text={hint ?? label}>
      <AriaButton {...rest} aria-label={label} className={`button ${children ? "" : "icon"} ${look} ${small ? "small" : ""}`}>
        <Icon name={icon} size={small ? 15 : 18} />
        {children}
      </AriaButton>
    </Hint>
  );
}

export function Toggle({ label, icon, children, ...rest }: Omit<ToggleButtonProps, "className" | "children"> & { label: string; icon?: IconName; children?: ReactNode }) {
  return (
    <Hint text={label}>
      <ToggleButton {...rest} aria-label={label} className={`button ${children ? "" : "icon"} quiet toggle`}>
        {icon && <Icon name={icon} />}
        {children}
      </ToggleButton>
    </Hint>
  );
}
