/**
 * The searchable list of cameras beside the wall, the map and playback: virtual, so 10,000 scroll as one.
 *
 * By mouse: click or drag. By keys: type, arrows, Enter. The caller decides what choosing means.
 */
import { useVirtualizer } from "@tanstack/react-virtual";
import { useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Camera } from "@/api/types";
import { StateMark } from "@/design";
import { judgeCamera } from "@/state/camera_state";
import { useCameras, useCalmVersion, useCameraStatus } from "@/state/hooks";
import { world } from "@/state/world";
import { setDragged } from "./dnd";
import { Icon } from "./icons";
import { useName } from "@/state/preferences";
import "./picker.css";

interface Props {
  onChoose(camera: Camera): void;
  chosen?: ReadonlySet<string>;
  draggable?: boolean;
  /** Keeps only these, before the search. */
  filter?: (camera: Camera) => boolean;
  autoFocus?: boolean;
  onHover?(camera: Camera | null): void;
}

export function CameraPicker({ onChoose, chosen, draggable = false, filter, autoFocus = false, onHover }: Props) {
  const { t } = useTranslation("video");
  const names = useName();
  const cameras = useCameras();
  const [text, setText] = useState("");
  const [active, setActive] = useState(0);
  const version = useCalmVersion("site", 1000);
  const found = useMemo(() => {
    const words = fold(text).split(/\s+/).filter(Boolean);
    return cameras.filter((camera) => {
      if (filter && !filter(camera)) return false;
      if (words.length === 0) return true;
      const site = camera.site_id ? world.sites.get(camera.site_id) : undefined;
      const town = camera.town_id ? world.towns.get(camera.town_id) : undefined;
      const hay = fold([camera.code, camera.name_ar, camera.name_en, site?.name_ar, site?.name_en, town?.name_ar, town?.name_en].join(" "));
      return words.every((word) => hay.includes(word));
    });
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [cameras, filter, text, version]);
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({ count: found.length, getScrollElement: () => scroller.current, estimateSize: () => 48, overscan: 8 });
  const go = (index: number) => {
    const next = Math.max(0, Math.min(found.length - 1, index));
    setActive(next);
    virtual.scrollToIndex(next);
    onHover?.(found[next] ?? null);
  };
  return (
    <div className="picker">
      <div className="picker-search">
        <Icon name="search" size={16} />
        <input
          className="search-input"
          type="search"
          value={text}
          autoFocus={autoFocus}
          placeholder={t("picker.search")}
          aria-label={t("picker.search")}
          role="combobox"
          aria-expanded="true"
          aria-controls="picker-list"
          aria-activedescendant={found[active] ? `picker-${found[active].id}` : undefined}
          onChange={(event) => {
            setText(event.target.value);
            setActive(0);
          }}
          onKeyDown={(event) => {
            if (event.key === "ArrowDown") go(active + 1);
            else if (event.key === "ArrowUp") go(active - 1);
            else if (event.key === "Enter" && found[active]) onChoose(found[active]);
            else return;
            event.preventDefault();
          }}
        />
      </div>
      <div className="picker-count">{t("picker.count", { count: found.length })}</div>
      <div ref={scroller} className="picker-list" id="picker-list" role="listbox" aria-label={t("picker.list")}>
        <div style={{ blockSize: virtual.getTotalSize(), position: "relative" }}>
          {virtual.getVirtualItems().map((item) => {
            const camera = found[item.index]!;
            return (
              <div
                key={camera.id}
                id={`picker-${camera.id}`}
                role="option"
                aria-selected={chosen?.has(camera.id) ?? false}
                className="picker-row"
                data-active={item.index === active || undefined}
                data-chosen={chosen?.has(camera.id) || undefined}
                data-camera={camera.id}
                style={{ insetBlockStart: item.start, blockSize: item.size }}
                draggable={draggable}
                onDragStart={(event) => setDragged(event, { cameraId: camera.id, tile: null })}
                onClick={() => {
                  setActive(item.index);
                  onChoose(camera);
                }}
                onPointerEnter={() => onHover?.(camera)}
                onPointerLeave={() => onHover?.(null)}
              >
                <CameraState camera={camera} />
                <span className="picker-text">
                  <span className="picker-name">{names(camera)}</span>
                  <bdi className="code">{camera.code}</bdi>
                </span>
                {camera.kind === "ptz" && <Icon name="ptz" size={15} />}
                {chosen?.has(camera.id) && <Icon name="check" size={16} />}
              </div>
            );
          })}
        </div>
        {found.length === 0 && <p className="picker-none">{cameras.length === 0 ? t("picker.no_cameras") : t("picker.none")}</p>}
      </div>
    </div>
  );
}

export function CameraState({ camera, size = 16 }: { camera: Camera; size?: number }) {
  const judged = judgeCamera(camera, useCameraStatus(camera.id));
  return <StateMark state={judged.state} priority={judged.priority} size={size} />;
}

/** Letters that Arabic writers use for one another are one, so that a search finds what was meant. */
export function fold(text: string): string {
  return text
    .toLowerCase()
    .replace(/[\u064b-\u0652\u0640]/g, "")
    .replace(/[أإآ]/g, "ا")
    .replace(/ى/g, "ي")
    .replace(/ة/g, "ه")
    .replace(/[٠-٩]/g, (digit) => String(digit.charCodeAt(0) - 0x660));
}
