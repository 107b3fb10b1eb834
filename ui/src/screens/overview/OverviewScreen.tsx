export { Placeholder as OverviewScreen } from "@/shell/Placeholder";
