import { Placeholder } from "@/shell/Placeholder";

export function PlaybackScreen() {
  return <Placeholder />;
}
