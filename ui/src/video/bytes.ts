/**
 * Reading big-endian fields of ISO base media boxes, with every read checked against its box.
 *
 * Does no I/O and keeps no state. Called by `fmp4.ts`. A read outside the box throws `DemuxError`: the wire is hostile.
 */

export class DemuxError extends Error {
  override readonly name = 'DemuxError';
}

/** One box inside `Reader.data`: payload is `[start, end)`. */
export interface Box {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

export class Reader {
  readonly view: DataView;
  constructor(
    readonly data: Uint8Array,
    public position = 0,
    readonly end = data.byteLength,
  ) {
    this.view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  }

  private take(length: number): number {
    const at = this.position;
    if (length < 0 || at + length > this.end) throw new DemuxError(`box cut short: ${length} bytes wanted at ${at} of ${this.end}`);
    this.position = at + length;
    return at;
  }

  u8(): number {
    return this.view.getUint8(this.take(1));
  }
  u16(): number {
    return this.view.getUint16(this.take(2));
  }
  u32(): number {
    return this.view.getUint32(this.take(4));
  }
  i32(): number {
    return this.view.getInt32(this.take(4));
  }
  /** Unsigned 64 bit as a number; above 2^53 is refused, no clock of ours reaches it. */
  u64(): number {
    const at = this.take(8);
    const value = this.view.getUint32(at) * 0x1_0000_0000 + this.view.getUint32(at + 4);
    if (!Number.isSafeInteger(value)) throw new DemuxError('64-bit field beyond 2^53');
    return value;
  }
  type(): string {
    const at = this.take(4);
    return String.fromCharCode(this.data[at]!, this.data[at + 1]!, this.data[at + 2]!, this.data[at + 3]!);
  }
  skip(length: number): void {
    this.take(length);
  }
  bytes(length: number): Uint8Array {
    const at = this.take(length);
    return this.data.subarray(at, at + length);
  }
  get left(): number {
    return this.end - this.position;
  }
}

/** The children of a box, at most `limit` of them. */
export function children(data: Uint8Array, start: number, end: number, limit = 256): Box[] {
  const found: Box[] = [];
  let at = start;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  while (at + 8 <= end) {
    const size = view.getUint32(at);
    const type = String.fromCharCode(data[at + 4]!, data[at + 5]!, data[at + 6]!, data[at + 7]!);
    if (size < 8 || at + size > end) throw new DemuxError(`child box ${type} of ${size} bytes does not fit its parent`);
    found.push({ type, start: at + 8, end: at + size });
    if (found.length > limit) throw new DemuxError(`more than ${limit} boxes in one parent`);
    at += size;
  }
  return found;
}

export function child(data: Uint8Array, parent: Box, ...path: string[]): Box | undefined {
  let box: Box | undefined = parent;
  for (const type of path) {
    if (!box) return undefined;
    box = children(data, box.start, box.end).find((candidate) => candidate.type === type);
  }
  return box;
}
