/**
 * Incremental demuxer of Manara's fragmented MP4: `ftyp moov (uuid moof mdat)*`, as it lies on disk and comes over the wire.
 *
 * Takes chunks of any size and gives init sections and fragments in order; unknown boxes are skipped, so any fragmented MP4
 * plays (without wall times when it has no `uuid` box of ours). Does not decode, keeps no fragment after it was given.
 * Called by the live engines, the playback cache and the tests.
 * Bounds: a moov of 1 MiB, a moof of 4 MiB, an mdat of 64 MiB, 100,000 samples a fragment; beyond them it throws `DemuxError`
 * and must be `reset()`. Source: ISO/IEC 14496-12; `docs/design/interfaces.md`, "Video on disk and on the wire".
 */
import { type Box, child, children, DemuxError, Reader } from './bytes';
import { avcCodecString, hevcCodecString } from './codecs';
import { type FragmentFacts, NO_FACTS, readFacts } from './facts';

export { DemuxError } from './bytes';

const LIMIT_BYTES: Record<string, number> = { moov: 1 << 20, moof: 4 << 20, mdat: 64 << 20 };
const LIMIT_OTHER_BYTES = 1 << 20;
const LIMIT_SAMPLES = 100_000;

/** What a decoder must know before the first frame. */
export interface InitSection {
  readonly codec: string;
  /** Payload of `avcC` or `hvcC`: what WebCodecs calls the description. */
  readonly description: Uint8Array;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly timescale: number;
  readonly trackId: number;
  readonly hasSound: boolean;
  /** `ftyp` and `moov` as they came, for MSE. */
  readonly bytes: Uint8Array;
}

export interface Sample {
  readonly data: Uint8Array;
  /** Decode time and composition offset in `timescale` units. */
  readonly dts: number;
  readonly cts: number;
  readonly duration: number;
  readonly key: boolean;
  /** UTC µs of this frame by arrival; 0 where the fragment told none. */
  readonly wallUs: number;
}

export interface Fragment extends FragmentFacts {
  readonly init: InitSection;
  readonly samples: readonly Sample[];
  /** `moof` and `mdat` as they came, for MSE. */
  readonly bytes: Uint8Array;
  /** UTC µs where the last frame ends; 0 without wall time. */
  readonly endUs: number;
}

export type DemuxEvent = { readonly kind: 'init'; readonly init: InitSection } | { readonly kind: 'fragment'; readonly fragment: Fragment };

interface TrackDefaults {
  duration: number;
  size: number;
  flags: number;
}

export class Demuxer {
  private rest: Uint8Array = new Uint8Array(0);
  private ftyp: Uint8Array | null = null;
  private init: InitSection | null = null;
  private defaults: TrackDefaults = { duration: 0, size: 0, flags: 0 };
  private facts: FragmentFacts | null = null;
  private moof: Uint8Array | null = null;

  reset(): void {
    this.rest = new Uint8Array(0);
    this.ftyp = null;
    this.init = null;
    this.facts = null;
    this.moof = null;
  }

  /** Bytes that wait for the rest of their box. */
  get pendingBytes(): number {
    return this.rest.byteLength;
  }

  /** Takes the next bytes of the stream; gives what they complete. Throws `DemuxError` on what is not fragmented MP4. */
  push(chunk: Uint8Array): DemuxEvent[] {
    let data = chunk;
    if (this.rest.byteLength > 0) {
      data = new Uint8Array(this.rest.byteLength + chunk.byteLength);
      data.set(this.rest);
      data.set(chunk, this.rest.byteLength);
    }
    const events: DemuxEvent[] = [];
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    let at = 0;
    while (data.byteLength - at >= 8) {
      let size = view.getUint32(at);
      const type = String.fromCharCode(data[at + 4]!, data[at + 5]!, data[at + 6]!, data[at + 7]!);
      let header = 8;
      if (size === 1) {
        if (data.byteLength - at < 16) break;
        size = view.getUint32(at + 8) * 0x1_0000_0000 + view.getUint32(at + 12);
        header = 16;
      }
      if (size < header) throw new DemuxError(`box ${printable(type)} says it has ${size} bytes`);
      if (size > (LIMIT_BYTES[type] ?? LIMIT_OTHER_BYTES)) throw new DemuxError(`box ${printable(type)} of ${size} bytes is over the limit`);
      if (data.byteLength - at < size) break;
      this.box(type, data.subarray(at, at + size), header, events);
      at += size;
    }
    // What is left is copied: the chunk may be a buffer its sender uses again.
    this.rest = at < data.byteLength ? data.slice(at) : new Uint8Array(0);
    return events;
  }

  private box(type: string, box: Uint8Array, header: number, events: DemuxEvent[]): void {
    if (type === 'ftyp') {
      this.ftyp = box;
    } else if (type === 'moov') {
      const parsed = readMoov(box, header, this.ftyp);
      this.init = parsed.init;
      this.defaults = parsed.defaults;
      this.facts = null;
      this.moof = null;
      events.push({ kind: 'init', init: parsed.init });
    } else if (type === 'uuid') {
      this.facts = readFacts(box.subarray(header)) ?? this.facts;
    } else if (type === 'moof') {
      this.moof = box;
    } else if (type === 'mdat') {
      const { moof, init } = this;
      const facts = this.facts ?? NO_FACTS;
      this.moof = null;
      this.facts = null;
      if (!moof || !init) return; // joined in the middle of a stream: nothing can be decoded before an init section
      const samples = readSamples(moof, box, header, init, this.defaults, facts.wallUs);
      if (samples.length === 0) return;
      const last = samples[samples.length - 1]!;
      const first = samples[0]!;
      const spanUs = ((last.dts + last.duration - first.dts) * 1e6) / init.timescale;
      const bytes = new Uint8Array(moof.byteLength + box.byteLength);
      bytes.set(moof);
      bytes.set(box, moof.byteLength);
      events.push({
        kind: 'fragment',
        fragment: { ...facts, init, samples, bytes, endUs: facts.wallUs ? Math.round(facts.wallUs + spanUs) : 0 },
      });
    }
  }
}

function printable(type: string): string {
  return type.replace(/[^ -~]/g, '?');
}

function readMoov(box: Uint8Array, header: number, ftyp: Uint8Array | null): { init: InitSection; defaults: TrackDefaults } {
  const moov: Box = { type: 'moov', start: header, end: box.byteLength };
  let video: Omit<InitSection, 'bytes' | 'hasSound'> | null = null;
  let hasSound = false;
  for (const trak of children(box, moov.start, moov.end)) {
    if (trak.type !== 'trak') continue;
    const hdlr = child(box, trak, 'mdia', 'hdlr');
    if (!hdlr) throw new DemuxError('track without hdlr');
    const handler = new Reader(box, hdlr.start + 8, hdlr.end).type();
    if (handler === 'soun') hasSound = true;
    if (handler === 'vide' && !video) video = readVideoTrack(box, trak);
  }
  if (!video) throw new DemuxError('no video track');
  const defaults: TrackDefaults = { duration: 0, size: 0, flags: 0 };
  const mvex = child(box, moov, 'mvex');
  if (mvex) {
    for (const trex of children(box, mvex.start, mvex.end)) {
      if (trex.type !== 'trex') continue;
      const reader = new Reader(box, trex.start + 4, trex.end);
      if (reader.u32() !== video.trackId) continue;
      reader.u32();
      defaults.duration = reader.u32();
      defaults.size = reader.u32();
      defaults.flags = reader.u32();
    }
  }
  const bytes = new Uint8Array((ftyp?.byteLength ?? 0) + box.byteLength);
  if (ftyp) bytes.set(ftyp);
  bytes.set(box, ftyp?.byteLength ?? 0);
  return { init: { ...video, hasSound, bytes }, defaults };
}

function readVideoTrack(box: Uint8Array, trak: Box): Omit<InitSection, 'bytes' | 'hasSound'> {
  const tkhd = child(box, trak, 'tkhd');
  const mdhd = child(box, trak, 'mdia', 'mdhd');
  const stsd = child(box, trak, 'mdia', 'minf', 'stbl', 'stsd');
  if (!tkhd || !mdhd || !stsd) throw new DemuxError('video track without tkhd, mdhd or stsd');
  const head = new Reader(box, tkhd.start, tkhd.end);
  const headVersion = head.u8();
  head.skip(3 + (headVersion === 1 ? 16 : 8));
  const trackId = head.u32();
  const media = new Reader(box, mdhd.start, mdhd.end);
  const mediaVersion = media.u8();
  media.skip(3 + (mediaVersion === 1 ? 16 : 8));
  const timescale = media.u32();
  if (timescale === 0) throw new DemuxError('timescale is zero');
  const entry = children(box, stsd.start + 8, stsd.end)[0];
  if (!entry) throw new DemuxError('empty stsd');
  const fields = new Reader(box, entry.start, entry.end);
  fields.skip(24);
  const widthPx = fields.u16();
  const heightPx = fields.u16();
  fields.skip(50);
  for (const inner of children(box, fields.position, entry.end)) {
    if (inner.type === 'avcC' || inner.type === 'hvcC') {
      const description = box.slice(inner.start, inner.end);
      const codec = inner.type === 'avcC' ? avcCodecString(entry.type, description) : hevcCodecString(entry.type, description);
      return { codec, description, widthPx, heightPx, timescale, trackId };
    }
  }
  throw new DemuxError(`sample entry ${printable(entry.type)} is neither H.264 nor H.265`);
}

function readSamples(
  moof: Uint8Array,
  mdat: Uint8Array,
  mdatHeader: number,
  init: InitSection,
  trackDefaults: TrackDefaults,
  wallUs: number,
): Sample[] {
  const samples: Sample[] = [];
  let firstPts = 0;
  for (const traf of children(moof, 8, moof.byteLength)) {
    if (traf.type !== 'traf') continue;
    const inner = children(moof, traf.start, traf.end, 4096);
    const tfhd = inner.find((box) => box.type === 'tfhd');
    if (!tfhd) throw new DemuxError('traf without tfhd');
    const head = new Reader(moof, tfhd.start, tfhd.end);
    const flags = head.u32() & 0xffffff;
    if (head.u32() !== init.trackId) continue;
    if (flags & 0x1) throw new DemuxError('absolute base data offset in a live fragment');
    if (flags & 0x2) head.u32();
    const duration = flags & 0x8 ? head.u32() : trackDefaults.duration;
    const size = flags & 0x10 ? head.u32() : trackDefaults.size;
    const sampleFlags = flags & 0x20 ? head.u32() : trackDefaults.flags;
    let dts = 0;
    const tfdt = inner.find((box) => box.type === 'tfdt');
    if (tfdt) {
      const reader = new Reader(moof, tfdt.start, tfdt.end);
      const version = reader.u8();
      reader.skip(3);
      dts = version === 1 ? reader.u64() : reader.u32();
    }
    let next = moof.byteLength + mdatHeader;
    for (const trun of inner) {
      if (trun.type !== 'trun') continue;
      const run = new Reader(moof, trun.start, trun.end);
      const runFlags = run.u32() & 0xffffff;
      const count = run.u32();
      if (samples.length + count > LIMIT_SAMPLES) throw new DemuxError(`fragment of more than ${LIMIT_SAMPLES} samples`);
      let at = runFlags & 0x1 ? run.i32() : next;
      const firstFlags = runFlags & 0x4 ? run.u32() : null;
      for (let index = 0; index < count; index++) {
        const thisDuration = runFlags & 0x100 ? run.u32() : duration;
        const thisSize = runFlags & 0x200 ? run.u32() : size;
        const ownFlags = runFlags & 0x400 ? run.u32() : sampleFlags;
        const thisFlags = index === 0 && firstFlags !== null ? firstFlags : ownFlags;
        // Version 0 offsets are unsigned, but are never above 2^31 in practice: signed serves both.
        const cts = runFlags & 0x800 ? run.i32() : 0;
        const from = at - moof.byteLength;
        if (from < mdatHeader || from + thisSize > mdat.byteLength) throw new DemuxError('sample lies outside its mdat');
        if (samples.length === 0) firstPts = dts + cts;
        samples.push({
          data: mdat.subarray(from, from + thisSize),
          dts,
          cts,
          duration: thisDuration,
          key: (thisFlags & 0x10000) === 0,
          wallUs: wallUs ? Math.round(wallUs + ((dts + cts - firstPts) * 1e6) / init.timescale) : 0,
        });
        at += thisSize;
        dts += thisDuration;
      }
      next = at;
    }
  }
  return samples;
}
