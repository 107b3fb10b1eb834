/**
 * Made-up video for unit tests: the boxes of `src/manara/formats/fmp4.py`, with payloads that no decoder would take.
 *
 * Used by tests only.
 */

const text = (value: string): Uint8Array => Uint8Array.from(value, (letter) => letter.charCodeAt(0));
const u32 = (...values: number[]): Uint8Array => {
  const out = new Uint8Array(values.length * 4);
  const view = new DataView(out.buffer);
  values.forEach((value, index) => view.setUint32(index * 4, value >>> 0));
  return out;
};
const u64 = (value: number): Uint8Array => u32(Math.floor(value / 0x1_0000_0000), value % 0x1_0000_0000);
const zeros = (count: number): Uint8Array => new Uint8Array(count);

export function join(...parts: Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.byteLength;
  }
  return out;
}

const box = (type: string, ...parts: Uint8Array[]): Uint8Array => {
  const body = join(...parts);
  return join(u32(8 + body.byteLength), text(type), body);
};

export function initOf(widthPx = 640, heightPx = 360): Uint8Array {
  const avcC = box('avcC', new Uint8Array([1, 0x42, 0xc0, 0x1e, 0xff, 0xe0, 0]));
  const entry = box('avc1', zeros(24), new Uint8Array([widthPx >> 8, widthPx & 255, heightPx >> 8, heightPx & 255]), zeros(50), avcC);
  const stsd = box('stsd', u32(0, 1), entry);
  const tkhd = box('tkhd', u32(3, 0, 0, 1), zeros(64));
  const mdhd = box('mdhd', u32(0, 0, 0, 90_000), zeros(8));
  const hdlr = box('hdlr', u32(0, 0), text('vide'), zeros(13));
  const trak = box('trak', tkhd, box('mdia', mdhd, hdlr, box('minf', box('stbl', stsd))));
  const mvex = box('mvex', box('trex', u32(0, 1, 1, 0, 0, 0)));
  return join(box('ftyp', text('iso6'), u32(0)), box('moov', box('mvhd', zeros(100)), trak, mvex));
}

export interface FakeFragment {
  number: number;
  wallUs: number;
  dts: number;
  frames: number;
  frameBytes: number;
  /** First frame is a key frame; true by default. */
  key?: boolean;
  /** 90 kHz; 15 frames a second by default. */
  duration?: number;
  /** Of the `uuid` box; that of new recordings by default. */
  version?: number;
}

export function fragmentOf(options: FakeFragment): Uint8Array {
  const { number, wallUs, dts, frames, frameBytes } = options;
  const duration = options.duration ?? 6000;
  const key = options.key ?? true;
  const id = new Uint8Array([0x6d, 0x61, 0x6e, 0x61, 0x72, 0x61, 0, 1, 0x80, 0, 0xf4, 0xa6, 0x4d, 0x50, 0x34, 1]);
  const facts = join(new Uint8Array([options.version ?? 2, key ? 1 : 0, 0, 0]), u32(frames), u64(wallUs), u64(0), u64(number), zeros(64));
  const uuid = box('uuid', id, facts);
  const table = Array.from({ length: frames }, (_, index) => [duration, frameBytes, index === 0 && key ? 0x02000000 : 0x01010000, 0]);
  const moofBytes = 24 + 64 + 16 * frames;
  const traf = box(
    'traf',
    box('tfhd', u32(0x020000, 1)),
    box('tfdt', u32(1 << 24), u64(dts)),
    box('trun', u32((1 << 24) | 0xf01, frames, moofBytes + 8), u32(...table.flat())),
  );
  const payload = zeros(frames * frameBytes).map((_, index) => (number * 7 + index) & 255);
  return join(uuid, box('moof', box('mfhd', u32(0, number + 1)), traf), box('mdat', payload));
}

export const fileOf = (fragments: Uint8Array[]): Uint8Array => join(initOf(), ...fragments);
