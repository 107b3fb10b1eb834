export { Placeholder as AlarmsScreen } from "@/shell/Placeholder";
