/** Notifications outside of the browser, asked for from a control and never at load. The wish is kept in this browser. */
const KEY = "manara.alarms.desktop";

export type DesktopState = "none" | "denied" | "off" | "on";

export function desktopState(): DesktopState {
  if (typeof Notification === "undefined") return "none";
  if (Notification.permission === "denied") return "denied";
  return Notification.permission === "granted" && localStorage.getItem(KEY) === "on" ? "on" : "off";
}

/** Asks the person, through the browser, when it has not been asked yet. */
export async function switchDesktop(on: boolean): Promise<DesktopState> {
  if (typeof Notification === "undefined") return "none";
  localStorage.setItem(KEY, on ? "on" : "off");
  if (on && Notification.permission === "default") await Notification.requestPermission();
  return desktopState();
}

/** One message an alarm, silent: the sound is ours. */
export function notify(id: string, title: string, body: string, onOpen: () => void): void {
  if (desktopState() !== "on") return;
  const shown = new Notification(title, { body, tag: id, silent: true, lang: document.documentElement.lang, dir: document.documentElement.dir as NotificationDirection });
  shown.onclick = () => {
    window.focus();
    onOpen();
    shown.close();
  };
}
