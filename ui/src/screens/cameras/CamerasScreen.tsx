import { Placeholder } from "@/shell/Placeholder";

export function CamerasScreen() {
  return <Placeholder />;
}
