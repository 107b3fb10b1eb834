/** One tile of the wall: the live picture, and on its edge the name, the state, the time and the delay. */
import { memo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import type { Camera } from "@/api/types";
import { CameraState } from "@/video/CameraPicker";
import { Tool } from "@/video/controls";
import { getDragged, isDragged, setDragged } from "@/video/dnd";
import { Icon } from "@/video/icons";
import { LiveClock, LiveView } from "@/video/LiveView";
import { useName } from "@/state/preferences";
import { PtzLayer } from "@/video/PtzLayer";
import type { Cell, Grid } from "./grids";

interface Props {
  index: number;
  cell: Cell;
  grid: Grid;
  camera: Camera | undefined;
  cameraId: string | null;
  selected: boolean;
  enlarged: boolean;
  hidden: boolean;
  bare: boolean;
  onSelect(): void;
  onEnlarge(): void;
  onRemove(): void;
  onDrop(cameraId: string, from: number | null): void;
  onWantCamera(): void;
}

export const WallTile = memo(function WallTile(props: Props) {
  const { index, cell, grid, camera, cameraId, selected, enlarged, hidden, bare } = props;
  const { t } = useTranslation("wall");
  const names = useName();
  const navigate = useNavigate();
  const [over, setOver] = useState(false);
  // The main stream costs several times the sub stream: only where its detail can be seen.
  const large = enlarged || grid.count === 1 || (cell.span > 1 && grid.count <= 6);
  const small = !large && grid.columns >= 4;
  const area = enlarged ? "1 / 1 / -1 / -1" : `${cell.row + 1} / ${cell.column + 1} / span ${cell.span} / span ${cell.span}`;
  return (
    <div
      className="tile"
      data-tile={index}
      data-testid="tile"
      data-selected={selected || undefined}
      data-over={over || undefined}
      data-small={small || undefined}
      data-empty={!cameraId || undefined}
      hidden={hidden}
      style={{ gridArea: area }}
      tabIndex={0}
      role="group"
      aria-label={camera ? t("tile_of", { name: names(camera), number: index + 1 }) : t("tile_empty", { number: index + 1 })}
      onFocus={(event) => event.target === event.currentTarget && props.onSelect()}
      onClick={props.onSelect}
      onDoubleClick={props.onEnlarge}
      draggable={Boolean(cameraId) && !enlarged}
      onDragStart={(event) => cameraId && setDragged(event, { cameraId, tile: index })}
      onDragOver={(event) => {
        if (!isDragged(event)) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        setOver(false);
        const dragged = getDragged(event);
        if (!dragged) return;
        event.preventDefault();
        props.onDrop(dragged.cameraId, dragged.tile);
      }}
    >
      {camera ? (
        <>
          <LiveView camera={camera} stream={large ? "main" : "sub"} compact={!large && grid.columns >= 3}>
            {(facts) => (
              <div className="tile-edge">
                <CameraState camera={camera} size={14} />
                <span className="tile-name">{names(camera)}</span>
                {!small && <bdi className="code">{camera.code}</bdi>}
                {facts.fellBack && facts.state === "live" && <span className="tile-note">{t("fell_back")}</span>}
                <span className="tile-gap" />
                <LiveClock facts={facts} />
              </div>
            )}
          </LiveView>
          {enlarged && camera.kind === "ptz" && <PtzLayer cameraId={camera.id} />}
          {!bare && (
            <div className="tile-tools" onDoubleClick={(event) => event.stopPropagation()}>
              <Tool look="overlay" small icon="full" label={enlarged ? t("reduce") : t("enlarge")} onPress={props.onEnlarge} />
              <Tool look="overlay" small icon="camera" label={t("open")} onPress={() => void navigate(`/camera/${camera.id}`)} />
              <Tool look="overlay" small icon="back10" label={t("playback")} onPress={() => void navigate(`/playback?cameras=${camera.id}`)} />
              <Tool look="overlay" small icon="close" label={t("remove")} onPress={props.onRemove} />
            </div>
          )}
        </>
      ) : cameraId ? (
        <div className="tile-empty">
          <Icon name="warn" size={22} />
          <span>{t("camera_gone")}</span>
          {!bare && <Tool look="plain" small icon="close" label={t("remove")} onPress={props.onRemove} />}
        </div>
      ) : bare ? null : (
        <button type="button" className="tile-empty" tabIndex={-1} onClick={props.onWantCamera}>
          <Icon name="plus" size={small ? 18 : 26} />
          {!small && <span>{t("put_camera")}</span>}
        </button>
      )}
    </div>
  );
});
