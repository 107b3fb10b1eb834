/**
 * The `uuid` box that Manara writes before every fragment: when, how many frames, what kind.
 *
 * Pure. Called by `fmp4.ts`. Layout: `src/manara/formats/fmp4.py`, which writes it. Hashes are not checked here (`manara verify` does).
 */

export interface FragmentFacts {
  /** The first frame is a key frame. */
  readonly key: boolean;
  /** One frame sent live, not a fragment of the archive. */
  readonly live: boolean;
  readonly frames: number;
  /** UTC µs of the first frame by arrival; 0 = not told. */
  readonly wallUs: number;
  /** The camera's own clock for the first frame, UTC µs; 0 = not known. */
  readonly cameraUs: number;
  readonly number: number;
}

export const NO_FACTS: FragmentFacts = { key: false, live: false, frames: 0, wallUs: 0, cameraUs: 0, number: 0 };

const UUID = [0x6d, 0x61, 0x6e, 0x61, 0x72, 0x61, 0x00, 0x01, 0x80, 0x00, 0xf4, 0xa6, 0x4d, 0x50, 0x34, 0x01];
const VERSIONS = [1, 2]; // they differ in how the hash was made
const HEAD_BYTES = 8;
const PAYLOAD_BYTES = 112;

/** Reads the payload of a `uuid` box (from the id on); null when it is not ours or of a version we do not know. */
export function readFacts(payload: Uint8Array): FragmentFacts | null {
  if (payload.byteLength < PAYLOAD_BYTES || UUID.some((byte, index) => payload[index] !== byte)) return null;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const at = (offset: number): number => offset - HEAD_BYTES; // offsets as the writer's page counts them
  if (!VERSIONS.includes(view.getUint8(at(24)))) return null;
  const flags = view.getUint8(at(25));
  const number64 = (offset: number): number => view.getUint32(at(offset)) * 0x1_0000_0000 + view.getUint32(at(offset) + 4);
  return {
    key: (flags & 1) !== 0,
    live: (flags & 2) !== 0,
    frames: view.getUint32(at(28)),
    wallUs: number64(32),
    cameraUs: number64(40),
    number: number64(48),
  };
}
