import { Placeholder } from "@/shell/Placeholder";

export function SectorsScreen() {
  return <Placeholder />;
}
