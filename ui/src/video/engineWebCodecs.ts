/**
 * Live by WebCodecs: each frame is decoded as it comes and the newest is drawn on a canvas. No buffer, no playback clock.
 *
 * When decoding falls behind, frames up to the next key frame are dropped (and counted) rather than shown late.
 * Bounds: one picture waiting to be drawn, 1,200 frames in the decoder: a GOP of smart-codec cameras lasts 20 s and comes at once. Called by `liveSession.ts`.
 */
import { forgetPainter, paintSoon, type Painter } from './drawLoop';
import type { EngineListener, LiveEngine } from './engine';
import type { Fragment, InitSection } from './fmp4';

const LIMIT_QUEUED = 1200;
/** A frame that waits so long for the decoder: the rest is given up at the next key frame; twice this, at once. */
const LATE_MS = 1200;
/** After having been late, only key frames are decoded for this long: a wall too large for its computer shows all its tiles, slowly. */
const THIN_MS = 8000;
const LIMIT_ERRORS = 3;

export class WebCodecsEngine implements LiveEngine, Painter {
  readonly name = 'webcodecs';
  private decoder: VideoDecoder | null = null;
  private current: InitSection | null = null;
  private waitKey = true;
  private newest: VideoFrame | null = null;
  private errors = 0;
  private closed = false;
  private painted = 0;
  private thinUntilMs = 0;
  /** When the last frames came, in their order: of those that still wait for the decoder, and some before. */
  private arrivals: number[] = [];
  private warm = false;
  private readonly context: CanvasRenderingContext2D;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly listener: EngineListener,
  ) {
    const context = canvas.getContext('2d', { alpha: false });
    if (!context) throw new Error('the canvas gives no 2D context');
    this.context = context;
  }

  get waitsForKey(): boolean {
    return this.waitKey && this.thinUntilMs === 0;
  }

  init(init: InitSection): void {
    const same = this.current && this.current.codec === init.codec && equal(this.current.description, init.description);
    this.current = init;
    if (same && this.decoder?.state === 'configured') return;
    this.restart();
  }

  private restart(): void {
    const init = this.current;
    if (!init || this.closed) return;
    this.dispose();
    this.waitKey = true;
    this.arrivals = [];
    this.warm = false;
    const decoder: VideoDecoder = new VideoDecoder({
      output: (frame) => {
        if (this.closed || this.decoder !== decoder) frame.close();
        else this.decoded(frame);
      },
      error: (error) => {
        if (this.decoder === decoder) this.broke(error);
      },
    });
    this.decoder = decoder;
    try {
      decoder.configure({
        codec: init.codec,
        description: init.description,
        codedWidth: init.widthPx,
        codedHeight: init.heightPx,
        optimizeForLatency: true,
      });
    } catch {
      this.listener.failed('codec');
    }
  }

  private broke(error: DOMException): void {
    this.errors += 1;
    if (error.name === 'NotSupportedError') this.listener.failed('codec');
    else if (this.errors >= LIMIT_ERRORS) this.listener.failed('decode');
    else this.restart();
  }

  private decoded(frame: VideoFrame): void {
    this.errors = 0;
    this.warm = true;
    if (this.newest) {
      this.newest.close();
      this.listener.dropped(1);
    }
    this.newest = frame;
    // The first picture does not wait for the next repaint to be asked for; all later ones are drawn together.
    if (this.painted === 0) this.paint();
    else paintSoon(this);
  }

  paint(): void {
    const frame = this.newest;
    this.newest = null;
    if (!frame) return;
    const { canvas } = this;
    if (canvas.width !== frame.displayWidth || canvas.height !== frame.displayHeight) {
      canvas.width = frame.displayWidth;
      canvas.height = frame.displayHeight;
    }
    this.context.drawImage(frame, 0, 0, canvas.width, canvas.height);
    const wallUs = frame.timestamp;
    frame.close();
    this.painted += 1;
    this.listener.shown(wallUs);
  }

  fragment(fragment: Fragment): void {
    for (const sample of fragment.samples) {
      const { decoder } = this;
      if (!decoder || decoder.state !== 'configured') {
        this.listener.dropped(1);
        continue;
      }
      const nowMs = performance.now();
      const waiting = decoder.decodeQueueSize;
      if (waiting === 0) this.arrivals = [];
      const lateMs = this.warm && waiting > 2 ? nowMs - (this.arrivals.at(-waiting) ?? nowMs) : 0;
      if ((sample.key && lateMs > LATE_MS) || lateMs > 2 * LATE_MS || waiting > LIMIT_QUEUED) {
        this.listener.dropped(decoder.decodeQueueSize);
        this.restart();
        this.thinUntilMs = nowMs + THIN_MS;
        this.listener.thinned(true);
        if (!this.decoder || !sample.key) continue;
      }
      if (this.thinUntilMs > 0 && sample.key && nowMs > this.thinUntilMs) {
        this.thinUntilMs = 0;
        this.listener.thinned(false);
      }
      if (this.thinUntilMs > 0 && !sample.key) {
        this.waitKey = true;
        this.listener.dropped(1);
        continue;
      }
      if (this.waitKey && !sample.key) {
        this.listener.dropped(1);
        continue;
      }
      this.waitKey = false;
      this.arrivals.push(nowMs);
      if (this.arrivals.length > 2 * LIMIT_QUEUED) this.arrivals = this.arrivals.slice(-LIMIT_QUEUED); // a decoder that is never quite done
      // The wall time travels as the timestamp, so that every picture knows when it was taken.
      this.decoder?.decode(new EncodedVideoChunk({ type: sample.key ? 'key' : 'delta', timestamp: sample.wallUs, data: sample.data }));
    }
  }

  private dispose(): void {
    const { decoder } = this;
    this.decoder = null;
    if (decoder && decoder.state !== 'closed') decoder.close();
  }

  close(): void {
    this.closed = true;
    forgetPainter(this);
    this.newest?.close();
    this.newest = null;
    this.dispose();
  }
}

function equal(left: Uint8Array, right: Uint8Array): boolean {
  return left.byteLength === right.byteLength && left.every((byte, index) => byte === right[index]);
}
