/**
 * Live by Media Source Extensions: the boxes go into a video element as they come.
 *
 * Keeps at most a second ahead: plays a little faster when late, jumps when more than two seconds late. Removes what was shown.
 * Bounds: 120 fragments waiting to be appended, 10 s of media behind the play head. Called by `liveSession.ts`.
 */
import type { EngineListener, LiveEngine } from './engine';
import type { Fragment, InitSection } from './fmp4';

const LIMIT_WAITING = 120;
const AIM_S = 0.12;
const JUMP_S = 2;
const KEEP_BEHIND_S = 10;

type Append = { bytes: Uint8Array; offset?: number; type?: string };

export class MseEngine implements LiveEngine {
  readonly name = 'mse';
  readonly waitsForKey = false;
  private source = new MediaSource();
  private buffer: SourceBuffer | null = null;
  private queue: Append[] = [];
  private current: InitSection | null = null;
  private needsOffset = true;
  private pendingInit: Uint8Array | null = null;
  /** Media time in seconds where the next fragment goes. */
  private endS = 0;
  private offsetS = 0;
  /** (media seconds, wall µs) of recent fragments, to tell when the picture on the screen was taken. */
  private marks: [number, number][] = [];
  private closed = false;
  private readonly url: string;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly listener: EngineListener,
  ) {
    video.muted = true;
    video.playsInline = true;
    video.disableRemotePlayback = true;
    this.url = URL.createObjectURL(this.source);
    video.src = this.url;
    this.source.addEventListener('sourceopen', () => this.pump(), { once: true });
    video.addEventListener('error', this.onError);
    this.watch();
  }

  private readonly onError = (): void => {
    if (!this.closed) this.listener.failed('decode');
  };

  private watch(): void {
    if (!('requestVideoFrameCallback' in this.video)) return;
    this.video.requestVideoFrameCallback((_now, facts) => {
      if (this.closed) return;
      this.listener.shown(this.wallAt(facts.mediaTime));
      this.watch();
    });
  }

  private wallAt(mediaS: number): number {
    for (let index = this.marks.length - 1; index >= 0; index--) {
      const [at, wallUs] = this.marks[index]!;
      if (at <= mediaS + 0.001) return wallUs ? Math.round(wallUs + (mediaS - at) * 1e6) : 0;
    }
    return this.marks[0]?.[1] ?? 0;
  }

  init(init: InitSection): void {
    const type = `video/mp4; codecs="${init.codec}"`;
    if (!MediaSource.isTypeSupported(type)) {
      this.listener.failed('codec');
      return;
    }
    this.current = init;
    this.pendingInit = init.bytes;
    this.needsOffset = true;
  }

  fragment(fragment: Fragment): void {
    const init = this.current;
    const first = fragment.samples[0];
    const last = fragment.samples[fragment.samples.length - 1];
    if (!init || !first || !last) return;
    if (this.queue.length > LIMIT_WAITING) {
      this.listener.dropped(this.queue.length);
      this.queue = [];
      this.needsOffset = true;
      return;
    }
    if (this.needsOffset) {
      if (!first.key) {
        this.listener.dropped(fragment.samples.length);
        return;
      }
      // Each recording counts from its own beginning: put it after what is there.
      this.offsetS = this.endS - first.dts / init.timescale;
      if (this.pendingInit) this.queue.push({ bytes: this.pendingInit, offset: this.offsetS, type: `video/mp4; codecs="${init.codec}"` });
      this.pendingInit = null;
      this.needsOffset = false;
    }
    this.queue.push({ bytes: fragment.bytes, offset: this.offsetS });
    this.marks.push([first.dts / init.timescale + this.offsetS, fragment.wallUs]);
    if (this.marks.length > 600) this.marks.splice(0, 300);
    this.endS = (last.dts + last.duration) / init.timescale + this.offsetS;
    this.pump();
  }

  private pump(): void {
    if (this.closed || this.source.readyState !== 'open' || this.buffer?.updating) return;
    const next = this.queue[0];
    if (!next) {
      this.follow();
      return;
    }
    try {
      if (!this.buffer) {
        if (!next.type) return;
        this.buffer = this.source.addSourceBuffer(next.type);
        this.buffer.addEventListener('updateend', () => this.pump());
      } else if (next.type && next.type !== this.appendedType) this.buffer.changeType(next.type);
      if (next.type) this.appendedType = next.type;
      if (next.offset !== undefined && this.buffer.timestampOffset !== next.offset) this.buffer.timestampOffset = next.offset;
      // Fragments that wait together go in together: a GOP from the cache then needs one append.
      let take = 1;
      while (take < this.queue.length && !this.queue[take]!.type && this.queue[take]!.offset === next.offset) take += 1;
      const parts = this.queue.splice(0, take);
      const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.bytes.byteLength, 0));
      let at = 0;
      for (const part of parts) {
        bytes.set(part.bytes, at);
        at += part.bytes.byteLength;
      }
      this.buffer.appendBuffer(bytes);
      this.follow();
    } catch (error) {
      if (error instanceof DOMException && error.name === 'QuotaExceededError' && this.buffer) this.trim(1);
      else this.listener.failed('decode');
    }
  }
  private appendedType = '';

  /** Keeps the play head near the newest picture. */
  private follow(): void {
    const { video, buffer } = this;
    if (!buffer || buffer.buffered.length === 0) return;
    const end = buffer.buffered.end(buffer.buffered.length - 1);
    const lateS = end - video.currentTime;
    if (lateS > JUMP_S || video.currentTime < buffer.buffered.start(buffer.buffered.length - 1)) {
      video.currentTime = Math.max(buffer.buffered.start(buffer.buffered.length - 1), end - AIM_S);
      video.playbackRate = 1;
    } else if (lateS > 1) video.playbackRate = 1.5;
    else if (lateS > AIM_S * 3) video.playbackRate = 1.1;
    else video.playbackRate = 1;
    if (video.paused) {
      if (video.currentTime === 0 && end > 0.5) video.currentTime = Math.max(0, end - AIM_S);
      void video.play().catch(() => undefined); // refused only without "muted"; the state overlay then says that no picture comes
    }
    this.trim(KEEP_BEHIND_S);
  }

  private trim(keepS: number): void {
    const { video, buffer } = this;
    if (!buffer || buffer.updating || buffer.buffered.length === 0) return;
    const start = buffer.buffered.start(0);
    if (video.currentTime - start > keepS * 2) buffer.remove(start, video.currentTime - keepS);
  }

  close(): void {
    this.closed = true;
    this.queue = [];
    this.video.removeEventListener('error', this.onError);
    this.video.removeAttribute('src');
    this.video.load();
    URL.revokeObjectURL(this.url);
  }
}
