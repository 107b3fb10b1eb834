/** Photographs before and after the work, taken with the phone. */
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError, errorText } from "@/api/client";
import { Button } from "@/design";
import { Group } from "@/design/Page";
import { say } from "@/design/toast";
import { useFormats } from "@/i18n/format";
import type { OrderDetail } from "./types";

export function Photos({ order, mayAdd, onAdded }: { order: OrderDetail; mayAdd: boolean; onAdded: () => void }) {
  const { t } = useTranslation("work");
  const formats = useFormats();
  const input = useRef<HTMLInputElement>(null);
  const [when, setWhen] = useState<"before" | "after">("before");
  const [busy, setBusy] = useState(false);
  const choose = (taken: "before" | "after") => {
    setWhen(taken);
    input.current?.click();
  };
  const send = async (file: File) => {
    setBusy(true);
    try {
      const answer = await fetch(`/api/work-orders/${order.id}/photos?when=${when}`, { method: "POST", headers: { "X-Manara": "1", "Content-Type": file.type || "image/jpeg" }, body: file });
      if (!answer.ok) throw new ApiError(answer.status, await answer.json());
      say(t("photo_kept"));
      onAdded();
    } catch (failure) {
      say(errorText(failure), { tone: "high" });
    } finally {
      setBusy(false);
    }
  };
  if (!mayAdd && order.photos.length === 0) return null;
  return (
    <Group title={t("photos")}>
      {mayAdd && (
        <div className="order-steps">
          <input
            ref={input}
            type="file"
            accept="image/*"
            capture="environment"
            hidden
            onChange={(event) => {
              const file = event.target.files?.[0];
              event.target.value = "";
              if (file) void send(file);
            }}
          />
          <Button icon="camera" isDisabled={busy} onPress={() => choose("before")}>
            {t("taken.before")}
          </Button>
          <Button icon="camera" isDisabled={busy} onPress={() => choose("after")}>
            {t("taken.after")}
          </Button>
        </div>
      )}
      <ul className="order-photos">
        {order.photos.map((photo) => (
          <li key={photo.id}>
            <a href={`/api/work-orders/${order.id}/photos/${photo.id}`} target="_blank" rel="noreferrer">
              <img loading="lazy" src={`/api/work-orders/${order.id}/photos/${photo.id}`} alt={t(`taken.${photo.taken}`)} width={photo.width_px} height={photo.height_px} />
            </a>
            <span>
              {t(`taken.${photo.taken}`)} <span className="muted">{formats.stamp(photo.at_us)}</span>
            </span>
          </li>
        ))}
      </ul>
    </Group>
  );
}
