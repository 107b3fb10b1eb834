/**
 * An alarm's sign: shape, letter and colour say the priority; full means that it waits, hollow that somebody has it. Only a critical
 * one that waits blinks, slowly, and not for people who asked for less motion.
 */
import type { Alarm, AlarmPriority, AlarmState } from "@/api/health";
import { PriorityMark } from "@/design";
import { isUnacknowledged } from "./order";
import "./alarms.css";

export function AlarmMark({ alarm, size = 20 }: { alarm: Pick<Alarm, "priority" | "state">; size?: number }) {
  const waits = isUnacknowledged(alarm as Alarm);
  return (
    <span className="alarm-mark" data-waits={waits || undefined} data-blink={(alarm.state === "unacknowledged" && alarm.priority === "critical") || undefined}>
      <PriorityMark priority={alarm.priority} size={size} />
    </span>
  );
}

export function MarkOf({ priority, state, size }: { priority: AlarmPriority; state: AlarmState; size?: number }) {
  return <AlarmMark alarm={{ priority, state }} size={size} />;
}
