import { describe, expect, it } from 'vitest';
import { Demuxer } from '../fmp4';
import { fileOf, fragmentOf } from '../testing';
import { frameAt, GopCache, neighbourUs } from './gops';

const T0 = 1_790_000_000_000_000;
const S = 1_000_000;

function cacheOf(parts: { atS: number; frames?: number; key?: boolean; dts?: number }[]): GopCache {
  const cache = new GopCache();
  const bytes = fileOf(
    parts.map(({ atS, frames = 15, key = true, dts }, number) =>
      fragmentOf({ number, wallUs: T0 + atS * S, dts: dts ?? Math.round(atS * 90_000), frames, frameBytes: 100, key }),
    ),
  );
  for (const event of new Demuxer().push(bytes)) if (event.kind === 'fragment') cache.add(event.fragment);
  return cache;
}

describe('GopCache', () => {
  it('finds the GOP of a moment, and nothing in a gap', () => {
    const cache = cacheOf([{ atS: 0 }, { atS: 1 }, { atS: 10 }]);
    expect(cache.find(T0 + 1.5 * S)?.startUs).toBe(T0 + 1 * S);
    expect(cache.find(T0 + 5 * S)).toBeNull();
    expect(cache.find(T0 - 1)).toBeNull();
    expect(cache.following(cache.find(T0)!)?.startUs).toBe(T0 + 1 * S);
    expect(cache.following(cache.find(T0 + 1 * S)!)).toBeNull();
    expect(cache.next(cache.find(T0 + 1 * S)!)?.startUs).toBe(T0 + 10 * S);
  });

  it('joins a GOP that was cut into two fragments, and drops a continuation without its beginning', () => {
    const cache = cacheOf([{ atS: 0 }, { atS: 1, key: false }]);
    expect(cache.size).toBe(1);
    expect(cache.find(T0 + 1.9 * S)?.samples.length).toBe(30);
    expect(cacheOf([{ atS: 3, key: false }]).size).toBe(0);
  });

  it('keeps the fuller of two copies', () => {
    const cache = cacheOf([{ atS: 0, frames: 4 }, { atS: 0, frames: 15 }, { atS: 0, frames: 7 }]);
    expect(cache.size).toBe(1);
    expect(cache.find(T0)?.samples.length).toBe(15);
    expect(cache.bytes).toBe(1500);
  });

  it('remembers what was asked for, and forgets it with what it evicts', () => {
    const cache = cacheOf([{ atS: 0 }, { atS: 1 }, { atS: 2 }]);
    cache.cover(T0, T0 + 2 * S);
    cache.cover(T0 + 2 * S, T0 + 4 * S);
    expect(cache.uncoveredFrom(T0 + 1)).toBe(T0 + 4 * S);
    cache.evict(3000, T0 + 2.5 * S);
    expect(cache.size).toBe(2);
    expect(cache.isCovered(T0 + 0.5 * S)).toBe(false);
    expect(cache.isCovered(T0 + 1.5 * S)).toBe(true);
  });

  it('steps frame by frame over the border of GOPs, both ways', () => {
    const cache = cacheOf([{ atS: 0 }, { atS: 1 }]);
    const gop = cache.find(T0)!;
    expect(frameAt(gop, T0 + 0.5 * S)).toBe(7);
    expect(neighbourUs(cache, gop.samples[14]!.wallUs, 1)).toBe(T0 + 1 * S);
    expect(neighbourUs(cache, T0 + 1 * S, -1)).toBe(gop.samples[14]!.wallUs);
    expect(neighbourUs(cache, T0, -1)).toBeNull();
  });
});
