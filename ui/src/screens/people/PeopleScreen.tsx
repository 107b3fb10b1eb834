import { Placeholder } from "@/shell/Placeholder";

export function PeopleScreen() {
  return <Placeholder />;
}
