import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebCodecsEngine } from './engineWebCodecs';
import { Demuxer, type Fragment, type InitSection } from './fmp4';
import { fileOf, fragmentOf } from './testing';

/** A decoder that takes a while for each frame, on the test's clock. */
class SlowDecoder {
  static frameMs = 1;
  static readonly decoded: number[] = [];
  state = 'unconfigured';
  decodeQueueSize = 0;
  constructor(private readonly out: { output: (frame: unknown) => void }) {}
  configure(): void {
    this.state = 'configured';
  }
  decode(chunk: { timestamp: number }): void {
    this.decodeQueueSize += 1;
    setTimeout(() => {
      if (this.state !== 'configured') return;
      this.decodeQueueSize -= 1;
      SlowDecoder.decoded.push(chunk.timestamp);
      this.out.output({ timestamp: chunk.timestamp, displayWidth: 640, displayHeight: 360, close: () => undefined });
    }, SlowDecoder.frameMs * this.decodeQueueSize);
  }
  close(): void {
    this.state = 'closed';
  }
}

const WALL_US = 1_790_000_000_000_000;
const events = new Demuxer().push(fileOf([fragmentOf({ number: 0, wallUs: WALL_US, dts: 0, frames: 300, frameBytes: 20 })]));
const gop = events.find((event) => event.kind === 'fragment') as { fragment: Fragment };
const begin = events.find((event) => event.kind === 'init') as { init: InitSection };

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('VideoDecoder', SlowDecoder);
  vi.stubGlobal('EncodedVideoChunk', class {
    timestamp: number;
    constructor(of: { timestamp: number }) {
      this.timestamp = of.timestamp;
    }
  });
  vi.stubGlobal('requestAnimationFrame', (draw: () => void) => setTimeout(draw, 16));
  SlowDecoder.decoded.length = 0;
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function begun(frameMs: number, thinned: boolean[] = []): WebCodecsEngine {
  SlowDecoder.frameMs = frameMs;
  const canvas = { width: 0, height: 0, getContext: () => ({ drawImage: () => undefined }) } as unknown as HTMLCanvasElement;
  const listener = { shown: () => undefined, dropped: () => undefined, failed: () => undefined, thinned: (thin: boolean) => thinned.push(thin) };
  const engine = new WebCodecsEngine(canvas, listener);
  engine.init(begin.init);
  return engine;
}

function play(frameMs: number): { thinned: boolean[]; sent: number; waited: boolean } {
  const thinned: boolean[] = [];
  const engine = begun(frameMs, thinned);
  engine.fragment(gop.fragment); // the whole open GOP, as whoever joins gets it
  vi.advanceTimersByTime(1000);
  const more = gop.fragment.samples.slice(1, 16).map((sample) => ({ ...sample, wallUs: sample.wallUs + 20_000_000 }));
  for (const sample of more) {
    engine.fragment({ ...gop.fragment, samples: [sample] });
    vi.advanceTimersByTime(200);
  }
  const waited = engine.waitsForKey;
  engine.close();
  return { thinned, waited, sent: gop.fragment.samples.length + more.length };
}

describe('WebCodecsEngine', () => {
  it('plays on after a GOP of 20 s that comes at once', () => {
    const { thinned, sent } = play(1);
    expect(thinned).toEqual([]);
    expect(SlowDecoder.decoded).toHaveLength(sent);
  });

  it('shows key frames only where this computer is too slow', () => {
    const { thinned, waited } = play(40);
    expect(thinned).toEqual([true]);
    expect(waited).toBe(false);
  });

  it('says that it waits for a key frame where none comes', () => {
    const engine = begun(1);
    const [key, ...rest] = gop.fragment.samples;
    for (const sample of rest.slice(0, 5)) engine.fragment({ ...gop.fragment, samples: [sample] });
    expect(engine.waitsForKey).toBe(true);
    engine.fragment({ ...gop.fragment, samples: [key!] });
    expect(engine.waitsForKey).toBe(false);
    engine.close();
  });
});
