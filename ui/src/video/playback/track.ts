/**
 * One camera of a playback: shows, on its canvas, the frame that belongs to the common clock's moment.
 *
 * Decodes forward from the key frame before the moment; keeps decoded pictures only for the next few frames and, when stepping back,
 * small copies of those just before. Above a speed it shows key frames only. Where the browser cannot decode the codec, it
 * asks the server for still pictures instead and says so. Called by `group.ts` on every repaint.
 * Bounds: 10 decoded frames ahead, `stepCopies` bitmaps, `limitBytes` of fetched video.
 */
import type { InitSection, Sample } from '../fmp4';
import { webCodecsPlays } from '../support';
import { type FetchProblem, Fetcher } from './fetcher';
import { frameAt, type Gop, GopCache, neighbourUs } from './gops';
import { StillDecoder, StillImages } from './stills';

const AHEAD_FRAMES = 10;
const LIMIT_FEED_AHEAD = 24;
const WINDOW_US = 10_000_000;
const KEY_WINDOW_US = 60_000_000;
const BEHIND_US = 4_000_000;

/** `ok` shows the right frame; `loading` will; `gap` nothing was recorded; `still` shows server pictures; `problem` cannot be fetched. */
export type TrackState = 'ok' | 'loading' | 'gap' | 'still' | 'problem';

export interface TrackFacts {
  readonly state: TrackState;
  readonly problem: FetchProblem;
  readonly shownUs: number;
  readonly codec: string;
  readonly widthPx: number;
  readonly heightPx: number;
}

export class Track {
  state: TrackState = 'loading';
  shownUs = 0;
  codec = '';
  widthPx = 0;
  heightPx = 0;
  /** Set by the group: how many small copies stepping back may keep. */
  stepCopies = 24;
  private readonly cache = new GopCache();
  private readonly keys = new GopCache();
  private readonly fetcher: Fetcher;
  private readonly keyFetcher: Fetcher;
  private readonly still: StillDecoder;
  private readonly images: StillImages;
  private decoder: VideoDecoder | null = null;
  private configured: InitSection | null = null;
  private playable: boolean | null = null;
  private cursor: { gop: Gop; index: number } | null = null;
  private readonly pending = new Set<number>();
  private ready: VideoFrame[] = [];
  private copies = new Map<number, ImageBitmap>();
  private keepCopies = false;
  private flushing = false;
  private closed = false;
  private errors = 0;

  constructor(
    readonly cameraId: string,
    readonly canvas: HTMLCanvasElement,
    private readonly limitBytes: number,
  ) {
    const noted = (): void => undefined;
    this.fetcher = new Fetcher(cameraId, this.cache, false, noted);
    this.keyFetcher = new Fetcher(cameraId, this.keys, true, noted);
    this.still = new StillDecoder();
    this.images = new StillImages(cameraId);
  }

  get facts(): TrackFacts {
    const { state, shownUs, codec, widthPx, heightPx } = this;
    return { state, problem: this.fetcher.problem, shownUs, codec, widthPx, heightPx };
  }

  /** Moment of the frame before or after the one shown at `us`; null while that is not fetched. */
  neighbour(us: number, step: 1 | -1): number | null {
    return neighbourUs(this.cache, us, step);
  }

  /** Fetches around `us` and draws what belongs there. @returns whether the right picture (or an honest gap) is on the screen. */
  present(us: number, speed: number, playing: boolean, keysOnly: boolean, nowUs: number): TrackState {
    if (this.playable === false) return (this.state = this.presentStill(us));
    if (keysOnly && playing) return (this.state = this.presentKeys(us, speed, nowUs));
    const aheadUs = playing ? Math.max(4_000_000, 8_000_000 * speed) : 3_000_000;
    const fromUs = playing ? us : us - BEHIND_US;
    // What is under the play head comes first, then what lies before it (for stepping back), then what lies ahead.
    if (!this.cache.isCovered(us) && !this.cache.find(us)) this.fetcher.want(us, us + aheadUs, WINDOW_US, nowUs);
    else this.fetcher.want(fromUs, us + aheadUs, WINDOW_US * Math.max(1, speed), nowUs);
    this.cache.evict(this.limitBytes, us);
    const gop = this.cache.find(us);
    if (!gop) {
      if (this.fetcher.problem && this.fetcher.problem !== 'network') return (this.state = 'problem');
      return (this.state = this.cache.isCovered(us) ? this.clear() : 'loading');
    }
    if (this.playable === null) this.ask(gop.init);
    return (this.state = this.decodeTowards(gop, us));
  }

  /** While the pointer drags: the key frame at or before `us`, from the cache or fetched alone; the newest wish wins. */
  scrub(us: number, nowUs: number): void {
    if (this.playable === false) {
      this.presentStill(us);
      return;
    }
    const gop = this.cache.find(us) ?? this.keys.find(us);
    if (gop) {
      if (this.playable === null) this.ask(gop.init);
      this.drawStill(gop);
      return;
    }
    if (this.keys.isCovered(us)) {
      this.clear();
      return;
    }
    this.keyFetcher.want(us, us + 1_000_000, 2_000_000, nowUs);
  }

  private drawStill(gop: Gop): void {
    const key = gop.samples[0]!;
    if (this.shownUs === key.wallUs) return;
    void this.still.decode(gop.init, key).then((frame) => {
      if (!frame) return;
      if (this.closed) frame.close();
      else {
        this.draw(frame, key.wallUs, gop.init);
        frame.close();
      }
    });
  }

  private presentKeys(us: number, speed: number, nowUs: number): TrackState {
    this.keyFetcher.want(us, us + 10_000_000 * speed, KEY_WINDOW_US, nowUs);
    this.keys.evict(this.limitBytes, us);
    const gop = this.keys.find(us) ?? this.cache.find(us) ?? this.nearKey(us);
    if (!gop) return this.keys.isCovered(us) ? this.clear() : 'loading';
    if (this.playable === null) this.ask(gop.init);
    this.drawStill(gop);
    return 'ok';
  }

  /** A key frame alone is shown until the next one: its own duration is only one frame. */
  private nearKey(us: number): Gop | null {
    const gop = this.keys.before(us);
    return gop && us - gop.startUs < 5_000_000 ? gop : null;
  }

  private presentStill(us: number): TrackState {
    const image = this.images.at(us);
    if (image && image.atUs !== this.shownUs) {
      this.resize(image.bitmap.width, image.bitmap.height);
      this.canvas.getContext('2d')?.drawImage(image.bitmap, 0, 0);
      this.shownUs = image.atUs;
    }
    if (this.images.missing) return this.clear();
    return 'still';
  }

  private ask(init: InitSection): void {
    this.codec = init.codec;
    void webCodecsPlays(init.codec).then((plays) => {
      this.playable = plays;
    });
  }

  private decodeTowards(gop: Gop, us: number): TrackState {
    const index = frameAt(gop, us);
    const sample = gop.samples[index];
    if (!sample) return 'loading';
    const target = sample.wallUs;
    if (this.shownUs !== target) {
      this.takeReady(target);
      const copy = this.copies.get(target);
      if (this.shownUs !== target && copy) this.drawCopy(copy, target, gop.init);
    }
    if (this.shownUs !== target && !this.pending.has(target)) this.aim(gop, index);
    else if (!this.cursor) this.cursor = { gop, index: index + 1 };
    this.feed(target);
    return this.shownUs === target ? 'ok' : 'loading';
  }

  /** Points the cursor where decoding must go on to reach frame `index` of `gop`, beginning again when it lies behind. */
  private aim(gop: Gop, index: number): void {
    const { cursor } = this;
    const behind = cursor && (cursor.gop.startUs > gop.startUs || (cursor.gop === gop && cursor.index > index));
    const far = cursor && cursor.gop !== gop && cursor.gop.startUs < gop.startUs;
    if (!cursor || behind || this.flushing) {
      this.keepCopies = Boolean(behind && this.shownUs > gop.samples[index]!.wallUs);
      this.restart();
      this.cursor = { gop, index: 0 };
    } else if (far) this.cursor = { gop, index: 0 }; // a key frame may follow anything
  }

  private feed(target: number): void {
    for (let fed = 0; fed < LIMIT_FEED_AHEAD; fed++) {
      const { cursor } = this;
      if (!cursor || this.flushing) return;
      if (this.ready.length >= AHEAD_FRAMES || this.pending.size >= LIMIT_FEED_AHEAD) return;
      const sample = cursor.gop.samples[cursor.index];
      if (!sample) {
        const next = this.cache.following(cursor.gop);
        if (next) {
          this.cursor = { gop: next, index: 0 };
          continue;
        }
        // Nothing follows: what the decoder still holds must come out.
        if (this.pending.has(target) && this.decoder?.state === 'configured') this.flush();
        return;
      }
      if (!this.configure(cursor.gop.init)) return;
      this.pending.add(sample.wallUs);
      this.decoder!.decode(chunkOf(sample));
      cursor.index += 1;
    }
  }

  private flush(): void {
    const { decoder } = this;
    if (!decoder) return;
    this.flushing = true;
    decoder
      .flush()
      .catch(() => undefined) // a reset cancels the flush: `restart` has begun anew
      .finally(() => {
        if (this.decoder !== decoder) return;
        this.flushing = false;
        this.pending.clear();
        this.cursor = null;
      });
  }

  private configure(init: InitSection): boolean {
    if (this.decoder?.state === 'configured' && this.configured === init) return true;
    if (this.decoder?.state === 'configured' && this.configured && sameBytes(this.configured.description, init.description)) {
      this.configured = init;
      return true;
    }
    if (!this.decoder || this.decoder.state === 'closed') {
      const decoder: VideoDecoder = new VideoDecoder({
        output: (frame) => {
          if (this.decoder === decoder && !this.closed) this.decoded(frame);
          else frame.close();
        },
        error: () => {
          if (this.decoder !== decoder) return;
          this.errors += 1;
          this.decoder = null;
          this.restart();
          if (this.errors > 3) this.playable = false;
        },
      });
      this.decoder = decoder;
    }
    try {
      this.decoder.configure({
        codec: init.codec,
        description: init.description,
        codedWidth: init.widthPx,
        codedHeight: init.heightPx,
        optimizeForLatency: true,
      });
    } catch {
      this.playable = false;
      return false;
    }
    this.configured = init;
    return true;
  }

  private decoded(frame: VideoFrame): void {
    this.errors = 0;
    this.pending.delete(frame.timestamp);
    if (this.keepCopies && this.stepCopies > 0) {
      const at = frame.timestamp;
      void createImageBitmap(frame, { resizeWidth: Math.min(frame.displayWidth, 1280), resizeQuality: 'medium' }).then((bitmap) => {
        if (this.closed) bitmap.close();
        else this.remember(at, bitmap);
      });
    }
    this.ready.push(frame);
  }

  private remember(at: number, bitmap: ImageBitmap): void {
    this.copies.get(at)?.close();
    this.copies.set(at, bitmap);
    while (this.copies.size > this.stepCopies) {
      const farthest = [...this.copies.keys()].reduce((far, key) =>
        Math.abs(key - this.shownUs) > Math.abs(far - this.shownUs) ? key : far,
      );
      this.copies.get(farthest)?.close();
      this.copies.delete(farthest);
    }
  }

  /** Draws the frame of `target` if it is decoded; closes those before it. */
  private takeReady(target: number): void {
    const keep: VideoFrame[] = [];
    for (const frame of this.ready) {
      if (frame.timestamp === target) {
        this.draw(frame, target, this.configured);
        frame.close();
      } else if (frame.timestamp < target) frame.close();
      else keep.push(frame);
    }
    this.ready = keep;
  }

  private drawCopy(copy: ImageBitmap, target: number, init: InitSection): void {
    this.resize(init.widthPx, init.heightPx);
    this.canvas.getContext('2d')?.drawImage(copy, 0, 0, this.canvas.width, this.canvas.height);
    this.note(target, init);
  }

  private draw(frame: VideoFrame, target: number, init: InitSection | null): void {
    this.resize(frame.displayWidth, frame.displayHeight);
    this.canvas.getContext('2d')?.drawImage(frame, 0, 0, this.canvas.width, this.canvas.height);
    this.note(target, init);
  }

  private note(target: number, init: InitSection | null): void {
    this.shownUs = target;
    if (init) {
      this.codec = init.codec;
      this.widthPx = init.widthPx;
      this.heightPx = init.heightPx;
    }
  }

  private resize(width: number, height: number): void {
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
  }

  private clear(): 'gap' {
    if (this.shownUs !== 0) {
      this.canvas.getContext('2d')?.clearRect(0, 0, this.canvas.width, this.canvas.height);
      this.shownUs = 0;
    }
    return 'gap';
  }

  private restart(): void {
    for (const frame of this.ready) frame.close();
    this.ready = [];
    this.pending.clear();
    this.flushing = false;
    this.cursor = null;
    this.configured = null;
    if (this.decoder && this.decoder.state !== 'closed') {
      const old = this.decoder;
      this.decoder = null;
      old.close();
    }
  }

  close(): void {
    this.closed = true;
    this.restart();
    for (const copy of this.copies.values()) copy.close();
    this.copies.clear();
    this.fetcher.stop();
    this.keyFetcher.stop();
    this.still.close();
    this.images.close();
  }
}

function chunkOf(sample: Sample): EncodedVideoChunk {
  return new EncodedVideoChunk({ type: sample.key ? 'key' : 'delta', timestamp: sample.wallUs, data: sample.data });
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left === right || (left.byteLength === right.byteLength && left.every((byte, index) => byte === right[index]));
}
