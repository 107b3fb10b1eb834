/**
 * The sign of a priority: a shape, a letter and a colour, so that none of the three has to be seen alone.
 * critical ■ · high ▲ · medium ◆ · low ● · none: a quiet grey ring or dot.
 */
import { useTranslation } from "react-i18next";
import type { CameraState, Priority } from "@/state/camera_state";
import "./mark.css";

const SHAPES: Record<Exclude<Priority, "none">, string> = {
  critical: "M2 2h16v16H2z",
  high: "M10 1 19.500 18.500H.5z",
  medium: "M10 .5 19.500 10 10 19.500.5 10z",
  low: "M10 1a9 9 0 1 0 0 18 9 9 0 0 0 0-18Z",
};

/** Where the letter stands: a triangle's weight lies lower. */
const LETTER_Y: Record<Exclude<Priority, "none">, number> = { critical: 14.2, high: 16.2, medium: 14, low: 14.2 };

export function PriorityMark({ priority, size = 18, title }: { priority: Priority; size?: number; title?: string }) {
  const { t } = useTranslation();
  if (priority === "none") return null;
  const name = title ?? t(`priority.${priority}`);
  return (
    <svg className={`mark ${priority}`} width={size} height={size} viewBox="0 0 20 20" role="img" aria-label={name}>
      <title>{name}</title>
      <path d={SHAPES[priority]} />
      <text x="10" y={LETTER_Y[priority]} textAnchor="middle">
        {t(`priority_letter.${priority}`)}
      </text>
    </svg>
  );
}

/** A camera's state: its priority's sign, or a quiet grey one when nothing needs a person. */
export function StateMark({ state, priority, size = 18 }: { state: CameraState; priority: Priority; size?: number }) {
  const { t } = useTranslation();
  if (priority !== "none") return <PriorityMark priority={priority} size={size} title={t(`camera_state.${state}`)} />;
  const name = t(`camera_state.${state}`);
  return (
    <svg className={`mark quiet ${state}`} width={size} height={size} viewBox="0 0 20 20" role="img" aria-label={name}>
      <title>{name}</title>
      {state === "recording" ? (
        <circle cx="10" cy="10" r="4.500" className="fill" />
      ) : state === "live_only" ? (
        <circle cx="10" cy="10" r="4.500" className="ring" />
      ) : (
        <path d="M5 10h10" className="ring" />
      )}
    </svg>
  );
}
