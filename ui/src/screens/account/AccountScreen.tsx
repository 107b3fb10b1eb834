import { Placeholder } from "@/shell/Placeholder";

export function AccountScreen() {
  return <Placeholder />;
}
