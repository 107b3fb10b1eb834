/**
 * What a live engine is: takes init sections and fragments, shows the newest picture as soon as it can.
 *
 * Two follow it: `engineWebCodecs.ts` (canvas, lowest delay) and `engineMse.ts` (video element). `liveSession.ts` is the caller.
 */
import type { Fragment, InitSection } from './fmp4';

export interface EngineListener {
  /** A picture is on the screen. `wallUs` is 0 where the stream tells no time. */
  shown(wallUs: number): void;
  dropped(frames: number): void;
  /** This computer is too slow for all frames: for now only key frames are shown. */
  thinned(thin: boolean): void;
  /** This engine cannot go on with this stream. */
  failed(reason: 'codec' | 'decode'): void;
}

export interface LiveEngine {
  readonly name: 'webcodecs' | 'mse';
  /** What comes cannot be decoded before a key frame does: nothing is wrong here. */
  readonly waitsForKey: boolean;
  init(init: InitSection): void;
  fragment(fragment: Fragment): void;
  close(): void;
}
