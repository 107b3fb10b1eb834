import { Placeholder } from "@/shell/Placeholder";

export function WallScreen() {
  return <Placeholder />;
}
