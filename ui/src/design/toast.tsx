/** What was done, with a way back: undo rather than confirm. */
import { useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { Button, IconButton } from ".";
import { PriorityMark } from "./Mark";
import "./toast.css";

interface Toast {
  id: number;
  text: string;
  tone: "plain" | "high";
  undo?: () => void | Promise<void>;
}

let toasts: readonly Toast[] = [];
let next = 1;
const listeners = new Set<() => void>();
const tell = () => listeners.forEach((listener) => listener());

function remove(id: number): void {
  toasts = toasts.filter((toast) => toast.id !== id);
  tell();
}

export function say(text: string, options: { undo?: Toast["undo"]; tone?: Toast["tone"] } = {}): void {
  const id = next++;
  toasts = [...toasts.slice(-3), { id, text, tone: options.tone ?? "plain", undo: options.undo }];
  tell();
  window.setTimeout(() => remove(id), options.undo || options.tone === "high" ? 12_000 : 5_000);
}

export function Toasts() {
  const { t } = useTranslation();
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => toasts,
  );
  return (
    <div className="toasts" role="status" aria-live="polite">
      {shown.map((toast) => (
        <div key={toast.id} className={`toast ${toast.tone}`}>
          {toast.tone === "high" && <PriorityMark priority="high" />}
          <span>{toast.text}</span>
          {toast.undo && (
            <Button
              small
              onPress={() => {
                remove(toast.id);
                void toast.undo?.();
              }}
            >
              {t("undo")}
            </Button>
          )}
          <IconButton small icon="close" label={t("close")} onPress={() => remove(toast.id)} />
        </div>
      ))}
    </div>
  );
}
