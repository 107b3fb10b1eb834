import { Placeholder } from "@/shell/Placeholder";

export function SystemScreen() {
  return <Placeholder />;
}
