import { describe, expect, it } from 'vitest';
import { hevcCodecString } from './codecs';
import { Demuxer, DemuxError, type DemuxEvent, type Fragment } from './fmp4';
import { fileOf, fragmentOf, initOf } from './testing';

const WALL_US = 1_790_000_000_000_000;

const fragments = (events: DemuxEvent[]): Fragment[] =>
  events.flatMap((event) => (event.kind === 'fragment' ? [event.fragment] : []));

describe('Demuxer', () => {
  const file = fileOf([
    fragmentOf({ number: 0, wallUs: WALL_US, dts: 0, frames: 5, frameBytes: 100 }),
    fragmentOf({ number: 1, wallUs: WALL_US + 333_333, dts: 30_000, frames: 3, frameBytes: 50 }),
  ]);

  it('gives the init section and the frames with their wall times', () => {
    const events = new Demuxer().push(file);
    expect(events.map((event) => event.kind)).toEqual(['init', 'fragment', 'fragment']);
    const init = events[0]!.kind === 'init' ? events[0]!.init : null;
    expect(init).toMatchObject({ codec: 'avc1.42c01e', widthPx: 640, heightPx: 360, timescale: 90_000, trackId: 1, hasSound: false });
    const [first, second] = fragments(events);
    expect(first!.samples.map((sample) => sample.key)).toEqual([true, false, false, false, false]);
    expect(first!.samples[1]!.wallUs).toBe(WALL_US + 66_667);
    expect(first!.endUs).toBe(WALL_US + 333_333);
    expect(second!.number).toBe(1);
    expect(second!.samples[0]!.data.byteLength).toBe(50);
  });

  it('reads recordings of both versions, and tells nothing of one it does not know', () => {
    const wallOf = (version: number): number => {
      const one = fragmentOf({ number: 0, wallUs: WALL_US, dts: 0, frames: 2, frameBytes: 10, version });
      return fragments(new Demuxer().push(fileOf([one])))[0]!.wallUs;
    };
    expect([1, 2, 3].map(wallOf)).toEqual([WALL_US, WALL_US, 0]);
  });

  it('gives the same whatever the chunks', () => {
    const whole = fragments(new Demuxer().push(file));
    for (const step of [1, 7, 64, 333]) {
      const demuxer = new Demuxer();
      const events: DemuxEvent[] = [];
      for (let at = 0; at < file.byteLength; at += step) events.push(...demuxer.push(file.slice(at, at + step)));
      const found = fragments(events);
      expect(found.map((one) => one.samples.map((sample) => [sample.dts, sample.data.byteLength, sample.wallUs]))).toEqual(
        whole.map((one) => one.samples.map((sample) => [sample.dts, sample.data.byteLength, sample.wallUs])),
      );
      expect(demuxer.pendingBytes).toBe(0);
    }
  });

  it('begins again with a new init section and skips boxes that are not ours', () => {
    const demuxer = new Demuxer();
    demuxer.push(file);
    const free = new Uint8Array([0, 0, 0, 12, 0x66, 0x72, 0x65, 0x65, 1, 2, 3, 4]);
    expect(demuxer.push(free)).toEqual([]);
    expect(demuxer.push(file).map((event) => event.kind)).toEqual(['init', 'fragment', 'fragment']);
  });

  it('drops fragments before the first init section', () => {
    const demuxer = new Demuxer();
    expect(demuxer.push(fragmentOf({ number: 0, wallUs: WALL_US, dts: 0, frames: 2, frameBytes: 10 }))).toEqual([]);
    expect(demuxer.push(initOf()).length).toBe(1);
  });

  it('refuses a box over its limit, a size below its header and a sample outside its mdat', () => {
    const huge = new Uint8Array([0x7f, 0xff, 0xff, 0xff, 0x6d, 0x64, 0x61, 0x74]);
    expect(() => new Demuxer().push(huge)).toThrow(DemuxError);
    expect(() => new Demuxer().push(new Uint8Array([0, 0, 0, 4, 0x6d, 0x64, 0x61, 0x74]))).toThrow(/4 bytes/);
    const demuxer = new Demuxer();
    demuxer.push(initOf());
    const fragment = fragmentOf({ number: 0, wallUs: WALL_US, dts: 0, frames: 2, frameBytes: 10 });
    const view = new DataView(fragment.buffer);
    view.setUint32(fragment.byteLength - 8 - 20, 12); // mdat cut down to 4 bytes of payload
    expect(() => demuxer.push(fragment.slice(0, fragment.byteLength - 16))).toThrow(/outside its mdat/);
  });

  it('never hangs or throws anything but DemuxError on damaged bytes', () => {
    let seed = 1;
    const random = (): number => (seed = (seed * 1103515245 + 12345) % 0x7fffffff) / 0x7fffffff;
    for (let round = 0; round < 400; round++) {
      const damaged = file.slice();
      for (let hit = 0; hit < 6; hit++) damaged[Math.floor(random() * damaged.byteLength)] = Math.floor(random() * 256);
      try {
        new Demuxer().push(damaged);
      } catch (error) {
        expect(error).toBeInstanceOf(DemuxError);
      }
    }
  });
});

describe('codec strings', () => {
  it('names main profile HEVC as browsers want it', () => {
    const record = new Uint8Array(23);
    record.set([1, 1, 0x60, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 93]);
    expect(hevcCodecString('hvc1', record)).toBe('hvc1.1.6.L93.B0');
  });
});
