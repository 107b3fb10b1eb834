/**
 * Single pictures: key frames decoded here, or JPEGs from the server where the browser has no decoder.
 *
 * Each does one at a time, and the newest wish replaces those that wait, so that scrubbing is never behind the pointer.
 * Called by `track.ts`. Bounds: one decode, one request, 24 kept JPEG pictures.
 */
import type { InitSection, Sample } from '../fmp4';

export class StillDecoder {
  private busy = false;
  private waiting: { init: InitSection; sample: Sample; done: (frame: VideoFrame | null) => void } | null = null;
  private decoder: VideoDecoder | null = null;
  private configured: InitSection | null = null;
  private output: VideoFrame | null = null;

  /** The picture of key frame `sample`; null when a newer wish replaced this one or it cannot be decoded. The caller closes it. */
  decode(init: InitSection, sample: Sample): Promise<VideoFrame | null> {
    return new Promise((done) => {
      this.waiting?.done(null);
      this.waiting = { init, sample, done };
      void this.work();
    });
  }

  private async work(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    while (this.waiting) {
      const { init, sample, done } = this.waiting;
      this.waiting = null;
      try {
        const decoder = this.ready(init);
        decoder.decode(new EncodedVideoChunk({ type: 'key', timestamp: sample.wallUs, data: sample.data }));
        await decoder.flush();
        done(this.output);
      } catch {
        this.decoder = null;
        this.output?.close();
        done(null);
      }
      this.output = null;
    }
    this.busy = false;
  }

  private ready(init: InitSection): VideoDecoder {
    if (!this.decoder || this.decoder.state === 'closed') {
      this.configured = null;
      this.decoder = new VideoDecoder({
        output: (frame) => {
          this.output?.close();
          this.output = frame;
        },
        error: () => undefined, // the promise of flush() rejects as well, and is handled
      });
    }
    if (this.configured !== init) {
      this.decoder.configure({ codec: init.codec, description: init.description, optimizeForLatency: true });
      this.configured = init;
    }
    return this.decoder;
  }

  close(): void {
    this.waiting?.done(null);
    this.waiting = null;
    if (this.decoder && this.decoder.state !== 'closed') this.decoder.close();
    this.decoder = null;
  }
}

const KEPT_IMAGES = 24;
const IMAGE_WIDTH_PX = 960;
const NEAR_US = 1_000_000;

export class StillImages {
  private readonly kept: { askedUs: number; atUs: number; bitmap: ImageBitmap }[] = [];
  private abort: AbortController | null = null;
  /** The server says there is no picture at the last moment asked for. */
  missing = false;

  constructor(private readonly cameraId: string) {}

  /** The kept picture nearest to `us`; asks for a nearer one when it is over a second away. */
  at(us: number): { atUs: number; bitmap: ImageBitmap } | null {
    let best: (typeof this.kept)[number] | null = null;
    for (const image of this.kept) if (!best || Math.abs(image.askedUs - us) < Math.abs(best.askedUs - us)) best = image;
    const near = best && Math.abs(best.askedUs - us) < NEAR_US;
    if (!near && !this.abort) void this.ask(us);
    return best && Math.abs(best.askedUs - us) < 30 * NEAR_US ? best : null;
  }

  private async ask(us: number): Promise<void> {
    const abort = new AbortController();
    this.abort = abort;
    try {
      const query = new URLSearchParams({ at_us: String(Math.round(us)), width_px: String(IMAGE_WIDTH_PX) });
      const answer = await fetch(`/api/cameras/${encodeURIComponent(this.cameraId)}/frame.jpg?${query.toString()}`, { signal: abort.signal });
      this.missing = answer.status === 404;
      if (!answer.ok) {
        await new Promise((later) => setTimeout(later, 700));
        return;
      }
      const atUs = Number(answer.headers.get('X-Frame-Us') ?? us);
      const bitmap = await createImageBitmap(await answer.blob());
      this.kept.push({ askedUs: us, atUs, bitmap });
      if (this.kept.length > KEPT_IMAGES) this.kept.shift()?.bitmap.close();
    } catch {
      await new Promise((later) => setTimeout(later, 700)); // the network is away: the tile keeps its last picture and its time
    } finally {
      if (this.abort === abort) this.abort = null;
    }
  }

  close(): void {
    this.abort?.abort();
    for (const image of this.kept) image.bitmap.close();
    this.kept.length = 0;
  }
}
