/**
 * Codec strings (RFC 6381) from the decoder configuration records of H.264 and H.265.
 *
 * Pure. Called by `fmp4.ts`. Source: ISO/IEC 14496-15, sections 5.3 and 8.3, annex E for the string of HEVC.
 */
import { DemuxError } from './bytes';

const hex = (value: number): string => value.toString(16).padStart(2, '0');

/** `avc1.PPCCLL` of an `avcC` record. */
export function avcCodecString(sampleEntry: string, avcC: Uint8Array): string {
  if (avcC.byteLength < 7 || avcC[0] !== 1) throw new DemuxError('avcC record is not version 1');
  return `${sampleEntry}.${hex(avcC[1]!)}${hex(avcC[2]!)}${hex(avcC[3]!)}`;
}

/** `hvc1.1.6.L93.B0` of an `hvcC` record. */
export function hevcCodecString(sampleEntry: string, hvcC: Uint8Array): string {
  if (hvcC.byteLength < 23 || hvcC[0] !== 1) throw new DemuxError('hvcC record is not version 1');
  const general = hvcC[1]!;
  const space = ['', 'A', 'B', 'C'][general >> 6]!;
  const tier = (general >> 5) & 1 ? 'H' : 'L';
  const profile = general & 31;
  // The compatibility flags are written in reverse bit order.
  let flags = ((hvcC[2]! << 24) | (hvcC[3]! << 16) | (hvcC[4]! << 8) | hvcC[5]!) >>> 0;
  let reversed = 0;
  for (let bit = 0; bit < 32; bit++) {
    reversed = ((reversed << 1) | (flags & 1)) >>> 0;
    flags >>>= 1;
  }
  const constraints = [...hvcC.subarray(6, 12)];
  while (constraints.length > 1 && constraints[constraints.length - 1] === 0) constraints.pop();
  const tail = constraints.map((value) => value.toString(16).toUpperCase()).join('.');
  return `${sampleEntry}.${space}${profile}.${reversed.toString(16).toUpperCase()}.${tier}${hvcC[12]!}.${tail}`;
}

export const isHevc = (codec: string): boolean => codec.startsWith('hvc1') || codec.startsWith('hev1');

/** A short name a person knows. */
export function codecName(codec: string): string {
  if (isHevc(codec) || codec === 'h265') return 'H.265';
  if (codec.startsWith('avc') || codec === 'h264') return 'H.264';
  return codec;
}
