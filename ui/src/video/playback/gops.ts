/**
 * The GOPs of one camera that were fetched, by wall time, and which spans were asked for: nothing found there means a gap.
 *
 * Pure. Called by `fetcher.ts` (adds) and `track.ts` (asks). Bounds: `evict` keeps it under a number of bytes, dropping what
 * lies farthest from the play head. Times are UTC µs.
 */
import type { Fragment, InitSection, Sample } from '../fmp4';

export interface Gop {
  readonly startUs: number;
  endUs: number;
  readonly init: InitSection;
  samples: readonly Sample[];
  bytes: number;
}

/** Two GOPs this near are one recording: arrival times are slewed, not exact. */
const JOIN_US = 500_000;

export class GopCache {
  private gops: Gop[] = [];
  private covered: [number, number][] = [];
  bytes = 0;

  get size(): number {
    return this.gops.length;
  }

  add(fragment: Fragment): void {
    if (fragment.wallUs === 0) return;
    let from = 0;
    const { samples } = fragment;
    if (!samples[0]!.key) {
      const firstKey = samples.findIndex((sample) => sample.key);
      this.extend(fragment, samples.slice(0, firstKey < 0 ? samples.length : firstKey));
      if (firstKey < 0) return;
      from = firstKey;
    }
    // A fragment may hold several key frames; each begins a GOP of its own.
    for (let at = from + 1; at <= samples.length; at++) {
      if (at < samples.length && !samples[at]!.key) continue;
      const part = samples.slice(from, at);
      const startUs = part[0]!.wallUs;
      const endUs = at === samples.length ? fragment.endUs : samples[at]!.wallUs;
      this.insert({ startUs, endUs, init: fragment.init, samples: part, bytes: weigh(part) });
      from = at;
    }
  }

  private insert(gop: Gop): void {
    const index = this.indexAt(gop.startUs);
    const known = this.gops[index];
    if (known && known.startUs === gop.startUs) {
      if (known.samples.length >= gop.samples.length) return;
      this.bytes += gop.bytes - known.bytes;
      this.gops[index] = gop;
      return;
    }
    this.gops.splice(index + 1, 0, gop);
    this.bytes += gop.bytes;
  }

  /** A fragment that goes on where a GOP was cut (longer than 2 s, or the growing end of the recording). */
  private extend(fragment: Fragment, samples: readonly Sample[]): void {
    const first = samples[0];
    if (!first) return;
    const gop = this.gops[this.indexAt(first.wallUs)];
    const last = gop?.samples[gop.samples.length - 1];
    if (!gop || !last || last.dts + last.duration !== first.dts || last.dts >= first.dts) return;
    gop.samples = [...gop.samples, ...samples];
    gop.endUs = samples.length === fragment.samples.length ? fragment.endUs : first.wallUs;
    const more = weigh(samples);
    gop.bytes += more;
    this.bytes += more;
  }

  /** Index of the last GOP that begins at or before `us`; −1 if none. */
  private indexAt(us: number): number {
    let low = 0;
    let high = this.gops.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.gops[middle]!.startUs <= us) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** The GOP that shows the moment `us`, or null in a gap or where nothing was fetched. */
  find(us: number): Gop | null {
    const index = this.indexAt(us);
    const gop = this.gops[index];
    if (!gop) return null;
    if (us < gop.endUs) return gop;
    const next = this.gops[index + 1];
    return next && next.startUs - gop.endUs < JOIN_US ? gop : us - gop.endUs < 100_000 ? gop : null;
  }

  /** The GOP at or before `us`, however far. */
  before(us: number): Gop | null {
    return this.gops[this.indexAt(us)] ?? null;
  }

  next(gop: Gop): Gop | null {
    return this.gops[this.indexAt(gop.startUs) + 1] ?? null;
  }

  /** The next GOP when the recording goes on without a break. */
  following(gop: Gop): Gop | null {
    const next = this.next(gop);
    return next && next.startUs - gop.endUs < JOIN_US ? next : null;
  }

  previous(gop: Gop): Gop | null {
    return this.gops[this.indexAt(gop.startUs) - 1] ?? null;
  }

  cover(fromUs: number, toUs: number): void {
    if (toUs <= fromUs) return;
    const merged: [number, number][] = [];
    let [from, to] = [fromUs, toUs];
    for (const span of this.covered) {
      if (span[1] < from || span[0] > to) merged.push(span);
      else {
        from = Math.min(from, span[0]);
        to = Math.max(to, span[1]);
      }
    }
    merged.push([from, to]);
    this.covered = merged.sort((left, right) => left[0] - right[0]);
  }

  /** First moment at or after `us` that was not asked for. */
  uncoveredFrom(us: number): number {
    for (const [from, to] of this.covered) if (from <= us && us < to) return to;
    return us;
  }

  isCovered(us: number): boolean {
    return this.covered.some(([from, to]) => from <= us && us < to);
  }

  /** Keeps at most `limitBytes`, nearest to `us`. */
  evict(limitBytes: number, us: number): void {
    while (this.bytes > limitBytes && this.gops.length > 1) {
      const first = this.gops[0]!;
      const last = this.gops[this.gops.length - 1]!;
      const away = us - first.endUs > last.startUs - us ? this.gops.shift()! : this.gops.pop()!;
      this.bytes -= away.bytes;
      this.uncover(away.startUs, away.endUs);
    }
  }

  private uncover(fromUs: number, toUs: number): void {
    this.covered = this.covered.flatMap(([from, to]): [number, number][] => {
      if (to <= fromUs || from >= toUs) return [[from, to]];
      const parts: [number, number][] = [];
      if (from < fromUs) parts.push([from, fromUs]);
      if (to > toUs) parts.push([toUs, to]);
      return parts;
    });
  }
}

function weigh(samples: readonly Sample[]): number {
  return samples.reduce((sum, sample) => sum + sample.data.byteLength, 0);
}

/** Position in decode order of the frame that is on the screen at `us`; −1 for an empty GOP. */
export function frameAt(gop: Gop, us: number): number {
  let best = -1;
  let bestUs = -Infinity;
  let earliest = 0;
  gop.samples.forEach((sample, index) => {
    if (sample.wallUs <= us && sample.wallUs > bestUs) {
      best = index;
      bestUs = sample.wallUs;
    }
    if (sample.wallUs < gop.samples[earliest]!.wallUs) earliest = index;
  });
  return best >= 0 ? best : gop.samples.length ? earliest : -1;
}

/** The wall time of the frame shown before or after the one at `us`, in the order of showing; null when it is not in the cache. */
export function neighbourUs(cache: GopCache, us: number, step: 1 | -1): number | null {
  const gop = cache.find(us) ?? cache.before(us);
  if (!gop) return null;
  const times = gop.samples.map((sample) => sample.wallUs).sort((left, right) => left - right);
  if (step === 1) {
    const later = times.find((time) => time > us);
    if (later !== undefined) return later;
    return cache.next(gop)?.samples[0]?.wallUs ?? null;
  }
  const index = frameAt(gop, us);
  const shown = gop.samples[index]?.wallUs ?? us;
  const earlier = times.filter((time) => time < shown).pop();
  if (earlier !== undefined) return earlier;
  const previous = cache.previous(gop);
  if (!previous) return null;
  return Math.max(...previous.samples.map((sample) => sample.wallUs));
}
