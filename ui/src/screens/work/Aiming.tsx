/** Aiming a camera on the pole: its live picture beside the view that it should show. */
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { Group } from "@/design/Page";
import { Segmented } from "@/design";
import { useCamera, useCameras } from "@/state/hooks";
import { LiveView } from "@/video/LiveView";

interface Reference {
  picture: string;
}

export function Aiming({ cameraIds, siteId }: { cameraIds: string[]; siteId: string }) {
  const { t } = useTranslation("work");
  // An order raised by hand names no camera: then all of its site are there to choose from.
  const there = useCameras().filter((one) => cameraIds.includes(one.id) || (cameraIds.length === 0 && one.site_id === siteId));
  const [chosen, setChosen] = useState(cameraIds[0] ?? "");
  const id = chosen || (there[0]?.id ?? "");
  const camera = useCamera(id);
  const [references, setReferences] = useState<Reference[]>([]);
  useEffect(() => {
    let current = true;
    setReferences([]);
    if (id) {
      api
        .get<{ references: Reference[] }>(`/api/cameras/${id}/health/references`)
        .then((found) => current && setReferences(found.references ?? []))
        .catch(() => undefined); // none learned yet: said below
    }
    return () => {
      current = false;
    };
  }, [id]);
  if (!camera) return null;
  const reference = references[0];
  return (
    <Group title={t("aiming")}>
      {there.length > 1 && <Segmented label={t("camera")} value={id} onChange={setChosen} choices={there.map((one) => ({ id: one.id, text: one.code }))} />}
      <div className="aiming">
        <figure>
          <div className="aiming-picture">
            <LiveView key={camera.id} camera={camera} stream={camera.has_sub ? "sub" : "main"} />
          </div>
          <figcaption>{t("now")}</figcaption>
        </figure>
        <figure>
          <div className="aiming-picture">{reference ? <img src={`/api/cameras/${camera.id}/health/pictures/${reference.picture}`} alt={t("reference")} /> : <p className="muted">{t("no_reference")}</p>}</div>
          <figcaption>{t("reference")}</figcaption>
        </figure>
      </div>
    </Group>
  );
}
