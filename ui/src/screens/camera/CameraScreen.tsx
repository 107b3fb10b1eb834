import { Placeholder } from "@/shell/Placeholder";

export function CameraScreen() {
  return <Placeholder />;
}
