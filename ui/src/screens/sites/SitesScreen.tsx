import { Placeholder } from "@/shell/Placeholder";

export function SitesScreen() {
  return <Placeholder />;
}
