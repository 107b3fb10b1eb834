/** Every place in the control room and its address. Each screen is fetched when it is first opened. */
import { createBrowserRouter, type RouteObject } from "react-router";
import { Lost } from "./shell/Lost";
import { Shell } from "./shell/Shell";
import { Start } from "./shell/Start";

const screens: RouteObject[] = [
  // What needs a person (ui/src/screens/{overview,alarms})
  { path: "overview", lazy: async () => ({ Component: (await import("./screens/overview/OverviewScreen")).OverviewScreen }) },
  { path: "alarms", lazy: async () => ({ Component: (await import("./screens/alarms/AlarmsScreen")).AlarmsScreen }) },
  { path: "alarms/:id", lazy: async () => ({ Component: (await import("./screens/alarms/AlarmsScreen")).AlarmsScreen }) },
  { path: "work", lazy: async () => ({ Component: (await import("./screens/work/WorkScreen")).WorkScreen }) },
  { path: "work/:id", lazy: async () => ({ Component: (await import("./screens/work/WorkScreen")).WorkScreen }) },
  { path: "shifts", lazy: async () => ({ Component: (await import("./screens/shifts/ShiftsScreen")).ShiftsScreen }) },
  { path: "shifts/:id", lazy: async () => ({ Component: (await import("./screens/shifts/ShiftsScreen")).ShiftsScreen }) },
  { path: "load", lazy: async () => ({ Component: (await import("./screens/load/LoadScreen")).LoadScreen }) },
  { path: "kinds", lazy: async () => ({ Component: (await import("./screens/kinds/KindsScreen")).KindsScreen }) },
  { path: "kinds/:id", lazy: async () => ({ Component: (await import("./screens/kinds/KindsScreen")).KindsScreen }) },
  // Video and map (ui/src/screens/{map,wall,camera,playback})
  { path: "map", lazy: async () => ({ Component: (await import("./screens/map/MapScreen")).MapScreen }) },
  { path: "wall", lazy: async () => ({ Component: (await import("./screens/wall/WallScreen")).WallScreen }) },
  { path: "wall/:layoutId", lazy: async () => ({ Component: (await import("./screens/wall/WallScreen")).WallScreen }) },
  { path: "camera/:id", lazy: async () => ({ Component: (await import("./screens/camera/CameraScreen")).CameraScreen }) },
  { path: "playback", lazy: async () => ({ Component: (await import("./screens/playback/PlaybackScreen")).PlaybackScreen }) },
  // Lists and forms
  { path: "cameras", lazy: async () => ({ Component: (await import("./screens/cameras/CamerasScreen")).CamerasScreen }) },
  { path: "cameras/:id", lazy: async () => ({ Component: (await import("./screens/cameras/CamerasScreen")).CamerasScreen }) },
  { path: "sites", lazy: async () => ({ Component: (await import("./screens/sites/SitesScreen")).SitesScreen }) },
  { path: "sites/:id", lazy: async () => ({ Component: (await import("./screens/sites/SitesScreen")).SitesScreen }) },
  { path: "site/:id", lazy: async () => ({ Component: (await import("./screens/site/SiteScreen")).SiteScreen }) },
  { path: "infrastructure", lazy: async () => ({ Component: (await import("./screens/infrastructure/InfrastructureScreen")).InfrastructureScreen }) },
  { path: "infrastructure/:noun", lazy: async () => ({ Component: (await import("./screens/infrastructure/InfrastructureScreen")).InfrastructureScreen }) },
  { path: "infrastructure/:noun/:id", lazy: async () => ({ Component: (await import("./screens/infrastructure/InfrastructureScreen")).InfrastructureScreen }) },
  { path: "sectors", lazy: async () => ({ Component: (await import("./screens/sectors/SectorsScreen")).SectorsScreen }) },
  { path: "people", lazy: async () => ({ Component: (await import("./screens/people/PeopleScreen")).PeopleScreen }) },
  { path: "people/:id", lazy: async () => ({ Component: (await import("./screens/people/PeopleScreen")).PeopleScreen }) },
  { path: "exports", lazy: async () => ({ Component: (await import("./screens/exports/ExportsScreen")).ExportsScreen }) },
  { path: "audit", lazy: async () => ({ Component: (await import("./screens/audit/AuditScreen")).AuditScreen }) },
  { path: "system", lazy: async () => ({ Component: (await import("./screens/system/SystemScreen")).SystemScreen }) },
  { path: "account", lazy: async () => ({ Component: (await import("./screens/account/AccountScreen")).AccountScreen }) },
];

export const router = createBrowserRouter([
  {
    path: "/",
    Component: Shell,
    ErrorBoundary: Lost,
    children: [
      { index: true, Component: Start },
      ...screens.map((screen) => ({ ...screen, ErrorBoundary: Lost })),
      { path: "*", Component: Lost },
    ],
  },
]);
