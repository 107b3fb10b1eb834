import { Placeholder } from "@/shell/Placeholder";

export function ExportsScreen() {
  return <Placeholder />;
}
