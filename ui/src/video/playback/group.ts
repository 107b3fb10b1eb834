/**
 * Several cameras on one clock: the clock stands while any of them fetches or decodes, so none runs ahead of another.
 *
 * Knows no React; tells through `subscribe`/`snapshot`. Called by the playback screen.
 * Bounds: 16 cameras, 320 MiB of fetched video shared among them.
 */
import { MediaClock } from '../clocks';
import { Track, type TrackFacts } from './track';

export const LIMIT_CAMERAS = 16;
const LIMIT_BYTES = 320 << 20;
const STEP_COPIES = 40;
const STEP_MARGIN_US = 4000;
/** A camera that cannot fetch holds the others at most this long. */
const LIMIT_HOLD_MS = 4000;
/** Full decoding up to this many camera-seconds a second; above it key frames only. */
const FULL_LOAD = 8;

export interface GroupFacts {
  readonly us: number;
  readonly playing: boolean;
  readonly speed: number;
  readonly held: boolean;
  readonly scrubbing: boolean;
  readonly keysOnly: boolean;
  /** Greatest distance between the frames shown, µs, of cameras that show the right frame. */
  readonly skewUs: number;
  readonly tracks: ReadonlyMap<string, TrackFacts>;
}

export class PlaybackGroup {
  private readonly clock: MediaClock;
  private tracks = new Map<string, Track>();
  private readonly listeners = new Set<() => void>();
  private facts: GroupFacts;
  private published: GroupFacts;
  private scrubbing = false;
  private frame = 0;
  private heldSinceMs = 0;
  private toldMs = 0;
  private pendingStep: 1 | -1 | 0 = 0;
  /** Asked when every camera is in a gap while playing: where does recording go on? */
  onGap: (us: number) => number | null = () => null;
  serverNowUs: () => number = () => Date.now() * 1000;

  constructor(startUs: number) {
    this.clock = new MediaClock(startUs, performance.now());
    this.facts = { us: startUs, playing: false, speed: 1, held: false, scrubbing: false, keysOnly: false, skewUs: 0, tracks: new Map() };
    this.published = this.facts;
    this.frame = requestAnimationFrame(this.tick);
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  readonly snapshot = (): GroupFacts => this.published;

  get nowUs(): number {
    return this.clock.at(performance.now());
  }

  /** Gives the camera a canvas to draw on. @returns the function that takes it away again. */
  attach(cameraId: string, canvas: HTMLCanvasElement): () => void {
    const count = this.tracks.size + 1;
    const track = new Track(cameraId, canvas, LIMIT_BYTES / Math.max(count, 4));
    track.stepCopies = Math.max(4, Math.floor(STEP_COPIES / count));
    this.tracks.get(cameraId)?.close();
    this.tracks.set(cameraId, track);
    return () => {
      track.close();
      if (this.tracks.get(cameraId) === track) this.tracks.delete(cameraId);
    };
  }

  play(): void {
    this.pendingStep = 0;
    this.clock.play(performance.now());
    this.tell();
  }
  pause(): void {
    this.clock.pause(performance.now());
    this.clock.hold(false, performance.now());
    this.tell();
  }
  toggle(): void {
    if (this.clock.playing) this.pause();
    else this.play();
  }
  setSpeed(speed: number): void {
    this.clock.setSpeed(speed, performance.now());
    this.tell();
  }
  seek(us: number): void {
    this.pendingStep = 0;
    this.scrubbing = false;
    this.clock.seek(Math.min(us, this.serverNowUs()), performance.now());
    this.tell();
  }
  jump(deltaUs: number): void {
    this.seek(this.nowUs + deltaUs);
  }
  /** Follows the pointer on the timeline; `seek` ends it. */
  scrub(us: number): void {
    this.scrubbing = true;
    this.clock.seek(Math.min(us, this.serverNowUs()), performance.now());
    this.tell();
  }

  /** One frame on or back, by the first camera that shows a picture. Waits for the frame when it is not fetched yet. */
  step(direction: 1 | -1): void {
    this.pause();
    this.pendingStep = direction;
    this.tryStep();
  }

  private tryStep(): void {
    if (!this.pendingStep) return;
    const us = this.nowUs;
    const lead = [...this.tracks.values()].find((track) => track.state === 'ok' || track.state === 'loading');
    if (!lead) {
      if (this.tracks.size) this.clock.seek(us + this.pendingStep * 1_000_000, performance.now());
      this.pendingStep = 0;
      return;
    }
    if (lead.state === 'loading') return;
    const next = lead.neighbour(us, this.pendingStep);
    if (next === null) return; // still being fetched; the next repaint tries again
    this.pendingStep = 0;
    // A little into the frame: the others' frames of the same instant differ by less than this and are shown with it.
    this.clock.seek(next + STEP_MARGIN_US, performance.now());
    this.tell();
  }

  private readonly tick = (nowMs: number): void => {
    this.frame = requestAnimationFrame(this.tick);
    const serverNow = this.serverNowUs();
    let us = this.clock.at(nowMs);
    if (us > serverNow) {
      us = serverNow;
      this.clock.seek(us, nowMs);
      if (this.clock.speed > 1) this.clock.setSpeed(1, nowMs);
    }
    const { playing, speed } = this.clock;
    const keysOnly = speed * Math.max(1, this.tracks.size) > FULL_LOAD && speed >= 4;
    let waiting = false;
    let showing = 0;
    let gaps = 0;
    let low = Infinity;
    let high = -Infinity;
    for (const track of this.tracks.values()) {
      if (this.scrubbing) {
        track.scrub(us, serverNow);
        continue;
      }
      const state = track.present(us, speed, playing, keysOnly, serverNow);
      if (state === 'loading') waiting = true;
      if (state === 'gap') gaps += 1;
      if (state === 'ok') {
        showing += 1;
        low = Math.min(low, track.shownUs);
        high = Math.max(high, track.shownUs);
      }
    }
    if (!this.scrubbing) {
      if (!waiting || !playing) this.heldSinceMs = 0;
      else if (!this.heldSinceMs) this.heldSinceMs = nowMs;
      const patience = this.heldSinceMs > 0 && nowMs - this.heldSinceMs > LIMIT_HOLD_MS && showing > 0;
      this.clock.hold(playing && waiting && !patience, nowMs);
      if (playing && gaps > 0 && gaps === this.tracks.size) this.leaveGap(us, nowMs);
      if (!waiting || this.pendingStep) this.tryStep();
    }
    this.publish(us, keysOnly, showing > 1 ? high - low : 0, nowMs);
  };

  private leaveGap(us: number, nowMs: number): void {
    const next = this.onGap(us);
    if (next !== null && next > us) this.clock.seek(next, nowMs);
  }

  private publish(us: number, keysOnly: boolean, skewUs: number, nowMs: number): void {
    this.facts = {
      us,
      playing: this.clock.playing,
      speed: this.clock.speed,
      held: this.clock.isHeld,
      scrubbing: this.scrubbing,
      keysOnly: keysOnly && this.clock.playing,
      skewUs,
      tracks: new Map([...this.tracks].map(([id, track]) => [id, track.facts])),
    };
    // Pictures are drawn with every repaint; the text around them ten times a second is enough.
    if (nowMs - this.toldMs < 100) return;
    this.toldMs = nowMs;
    this.published = this.facts;
    for (const listener of [...this.listeners]) listener();
  }

  private tell(): void {
    this.toldMs = 0;
  }

  close(): void {
    cancelAnimationFrame(this.frame);
    for (const track of this.tracks.values()) track.close();
    this.tracks.clear();
    this.listeners.clear();
  }
}
