import { Placeholder } from "@/shell/Placeholder";

export function MapScreen() {
  return <Placeholder />;
}
