import { Placeholder } from "@/shell/Placeholder";

export function AuditScreen() {
  return <Placeholder />;
}
