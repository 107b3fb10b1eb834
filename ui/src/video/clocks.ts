/**
 * Two clocks: the server's, as seen from here, and the one that every camera of a playback follows.
 *
 * Pure: local time comes in as an argument. Called by `liveSession.ts` and `playback/group.ts`.
 */

const KEPT_OFFSETS = 12;

/** Server time from `clock` messages: the least of the last offsets is the one least delayed on the way. */
export class ServerClock {
  private offsets: number[] = [];

  /** @param serverUs what the server's clock said; @param localUs when it arrived here. */
  observe(serverUs: number, localUs: number): void {
    this.offsets.push(localUs - serverUs);
    if (this.offsets.length > KEPT_OFFSETS) this.offsets.shift();
  }

  get known(): boolean {
    return this.offsets.length > 0;
  }

  /** Server time in µs at local time `localUs`; the local clock itself before the first message. */
  now(localUs: number): number {
    return this.known ? localUs - Math.min(...this.offsets) : localUs;
  }
}

export const SPEEDS = [0.25, 0.5, 1, 2, 4, 8, 16] as const;

/** A media clock that runs, is held while pictures are fetched, and is set by the person. Local times in ms (performance.now). */
export class MediaClock {
  private anchorUs: number;
  private anchorMs: number;
  private running = false;
  private held = false;
  private rate = 1;

  constructor(startUs: number, nowMs: number) {
    this.anchorUs = startUs;
    this.anchorMs = nowMs;
  }

  at(nowMs: number): number {
    return this.running && !this.held ? this.anchorUs + (nowMs - this.anchorMs) * 1000 * this.rate : this.anchorUs;
  }

  private pin(nowMs: number): void {
    this.anchorUs = this.at(nowMs);
    this.anchorMs = nowMs;
  }

  seek(us: number, nowMs: number): void {
    this.anchorUs = us;
    this.anchorMs = nowMs;
  }
  play(nowMs: number): void {
    this.pin(nowMs);
    this.running = true;
  }
  pause(nowMs: number): void {
    this.pin(nowMs);
    this.running = false;
  }
  /** Stand still while a camera fetches, so that all stay in step; playing goes on at release. */
  hold(held: boolean, nowMs: number): void {
    if (held === this.held) return;
    this.pin(nowMs);
    this.held = held;
  }
  setSpeed(rate: number, nowMs: number): void {
    this.pin(nowMs);
    this.rate = rate;
  }
  get playing(): boolean {
    return this.running;
  }
  get isHeld(): boolean {
    return this.held;
  }
  get speed(): number {
    return this.rate;
  }
}
