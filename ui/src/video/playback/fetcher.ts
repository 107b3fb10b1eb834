/**
 * Fetches spans of one camera's recording into a `GopCache`, one request at a time, the nearest need first.
 *
 * Does not decide when to play. Called by `track.ts` before every repaint. A request that no longer helps is aborted.
 * Bounds: a window of 10 s of media (times the speed), 16 MiB a request; the cache's limit is given by its owner.
 * Source: `GET /api/cameras/{id}/fragments` in `docs/design/interfaces.md`.
 */
import { Demuxer } from '../fmp4';
import type { GopCache } from './gops';

const LIMIT_REQUEST_BYTES = 16 << 20;
const RETRY_MS = [500, 1000, 2000, 5000];
/** The newest seconds are still being written: asked again rather than called a gap. */
const OPEN_END_US = 6_000_000;

export type FetchProblem = '' | 'network' | 'refused' | 'server' | 'bytes';

export class Fetcher {
  problem: FetchProblem = '';
  private running: { fromUs: number; toUs: number; abort: AbortController } | null = null;
  private failures = 0;
  private notBeforeMs = 0;

  constructor(
    private readonly cameraId: string,
    private readonly cache: GopCache,
    private readonly keyframes: boolean,
    private readonly changed: () => void,
  ) {}

  get busy(): boolean {
    return this.running !== null;
  }

  /** Makes sure that `[fromUs, toUs)` gets fetched, beginning with what is missing first. */
  want(fromUs: number, toUs: number, windowUs: number, nowUs: number): void {
    const missing = this.cache.uncoveredFrom(fromUs);
    if (missing >= toUs || missing >= nowUs) return;
    if (this.running) {
      // Outdated only when it will not bring what is wanted now.
      const serves = this.running.fromUs <= missing + windowUs && this.running.toUs >= fromUs;
      if (serves) return;
      this.running.abort.abort();
      this.running = null;
    }
    if (performance.now() < this.notBeforeMs) return;
    void this.fetch(missing, Math.max(missing + 1, Math.min(missing + windowUs, nowUs + 1_000_000)), nowUs);
  }

  stop(): void {
    this.running?.abort.abort();
    this.running = null;
  }

  private async fetch(fromUs: number, toUs: number, nowUs: number): Promise<void> {
    const abort = new AbortController();
    const mine = { fromUs, toUs, abort };
    this.running = mine;
    const query = new URLSearchParams({
      from_us: String(Math.floor(fromUs)),
      to_us: String(Math.ceil(toUs)),
      keyframes: this.keyframes ? '1' : '0',
      limit_bytes: String(LIMIT_REQUEST_BYTES),
    });
    try {
      const answer = await fetch(`/api/cameras/${encodeURIComponent(this.cameraId)}/fragments?${query.toString()}`, {
        signal: abort.signal,
        credentials: 'same-origin',
      });
      if (!answer.ok && answer.status !== 404) {
        this.fail(answer.status === 401 || answer.status === 403 ? 'refused' : 'server');
        return;
      }
      const demuxer = new Demuxer();
      let lastEndUs = 0;
      const reader = answer.ok ? answer.body?.getReader() : undefined;
      while (reader) {
        const { done, value } = await reader.read();
        if (done) break;
        let added = false;
        for (const event of demuxer.push(value)) {
          if (event.kind !== 'fragment') continue;
          this.cache.add(event.fragment);
          lastEndUs = Math.max(lastEndUs, event.fragment.endUs);
          added = true;
        }
        if (added) this.changed();
      }
      const next = Number(answer.headers.get('X-Next-Us') ?? 0);
      const end = next > fromUs ? Math.min(next, toUs) : toUs;
      const settled = nowUs - OPEN_END_US;
      this.cache.cover(fromUs, end <= settled ? end : Math.min(end, Math.max(lastEndUs, settled)));
      if (lastEndUs === 0 && end > settled) this.notBeforeMs = performance.now() + 500;
      this.problem = '';
      this.failures = 0;
    } catch (error) {
      if (abort.signal.aborted) return;
      this.fail(error instanceof TypeError ? 'network' : 'bytes');
    } finally {
      if (this.running === mine) this.running = null;
      this.changed();
    }
  }

  private fail(problem: FetchProblem): void {
    this.problem = problem;
    this.notBeforeMs = performance.now() + RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)]!;
    this.failures += 1;
  }
}
