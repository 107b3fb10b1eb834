/** Where a person begins: the overview for whoever acts on alarms, the map for everybody else. */
import { Navigate } from "react-router";
import { useMay } from "@/state/session";

export function Start() {
  return <Navigate to={useMay().actOnAlarms ? "/overview" : "/map"} replace />;
}
