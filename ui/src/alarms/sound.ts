/**
 * The sounds of alarms, made here: one for each priority, told apart by pitch, number and haste.
 *
 * Does not decide when to sound; `bell.ts` does. A browser plays nothing before a person's first click or key: `state` says so.
 */
import type { AlarmPriority } from "@/api/health";

/** Frequency Hz, start s, length s. */
type Note = readonly [number, number, number];

const NOTES: Record<AlarmPriority, readonly Note[]> = {
  critical: [0, 0.16, 0.32, 0.48, 0.8, 0.96, 1.12, 1.28].map((at, index): Note => [index % 2 ? 740 : 988, at, 0.14]),
  high: [[784, 0, 0.2], [784, 0.3, 0.2], [988, 0.6, 0.3]], // prettier-ignore
  medium: [[587, 0, 0.22], [494, 0.3, 0.3]], // prettier-ignore
  low: [[392, 0, 0.35]],
};
const LOUDNESS: Record<AlarmPriority, number> = { critical: 0.34, high: 0.26, medium: 0.18, low: 0.1 };

/** How long after its beginning a sound is repeated while nobody acknowledges. */
export const REPEAT_MS: Record<AlarmPriority, number> = { critical: 4_000, high: 10_000, medium: 30_000, low: 60_000 };

export type SoundState = "ready" | "blocked" | "none";

export class Sound {
  private context: AudioContext | null = null;
  private listeners = new Set<() => void>();
  state: SoundState = typeof AudioContext === "undefined" ? "none" : "blocked";
  /** How many were played, for whoever checks that alarms are heard. */
  played = 0;

  /** Begins when the browser allows it: at once after a click on this page, else at the next one. */
  begin(): void {
    if (this.context || this.state === "none") return;
    const context = new AudioContext();
    this.context = context;
    const judge = () => {
      const state: SoundState = context.state === "running" ? "ready" : "blocked";
      if (state === this.state) return;
      this.state = state;
      for (const listener of this.listeners) listener();
    };
    context.onstatechange = judge;
    judge();
    const wake = () => {
      if (context.state !== "running") void context.resume().catch(() => undefined); // refused until a real gesture: `state` says it
    };
    window.addEventListener("pointerdown", wake, true);
    window.addEventListener("keydown", wake, true);
  }

  async unlock(): Promise<void> {
    this.begin();
    await this.context?.resume();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Returns whether it could be heard. */
  play(priority: AlarmPriority): boolean {
    const context = this.context;
    if (!context || context.state !== "running") return false;
    this.played += 1;
    const now = context.currentTime + 0.02;
    for (const [hz, at, length] of NOTES[priority]) {
      const tone = context.createOscillator();
      const gain = context.createGain();
      tone.type = priority === "critical" ? "square" : "triangle";
      tone.frequency.value = hz;
      const from = now + at;
      const loud = LOUDNESS[priority] * (priority === "critical" ? 0.5 : 1); // a square wave sounds twice as loud
      gain.gain.setValueAtTime(0, from);
      gain.gain.linearRampToValueAtTime(loud, from + 0.015);
      gain.gain.setValueAtTime(loud, from + length - 0.04);
      gain.gain.linearRampToValueAtTime(0, from + length);
      tone.connect(gain).connect(context.destination);
      tone.start(from);
      tone.stop(from + length + 0.02);
    }
    return true;
  }
}

export const sound = new Sound();
