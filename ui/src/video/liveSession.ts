/**
 * The live picture of one tile: keeps a connection, falls back when the browser cannot play, and says honestly what is seen.
 *
 * States: `idle` (not asked for), `connecting`, `live`, `waiting` (the camera sends nothing, and why), `stale` (no picture for over
 * two seconds although nobody said why), `late` (pictures come, but seconds old), `offline` (the server is not reached), `unsupported` (codec), `refused` (not allowed).
 * Only `live` may look live. Writes `data-*` on its host for tests and tells React through `subscribe`/`snapshot`.
 * Called by `LiveView.tsx`. Bounds: two connections (the new one while the old still shows), back-off of 0.5 to 8 s.
 */
import { type EndReason, LiveConnection } from './liveConnection';
import { liveLine, type LookState, type StreamName } from './liveLine';
import { type EngineName, hasMse, preferredEngine } from './support';

export type LiveState = 'idle' | 'connecting' | 'live' | 'waiting' | 'stale' | 'late' | 'offline' | 'unsupported' | 'refused';

export interface LiveFacts {
  readonly state: LiveState;
  /** Cause of `waiting`, as `StreamStatus.cause`. */
  readonly cause: string;
  /** UTC µs since when the state is what it is; 0 unknown. */
  readonly sinceUs: number;
  readonly lastWallUs: number;
  readonly delayMs: number;
  readonly firstPictureMs: number;
  readonly shown: number;
  readonly dropped: number;
  readonly codec: string;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly stream: StreamName;
  readonly engine: EngineName;
  /** The stream asked for could not be played here, so another one is shown. */
  readonly fellBack: boolean;
}

const STALE_MS = 2000;
/** Key frames come every two to four seconds. */
const STALE_THIN_MS = 4500;
const LATE_MS = 4000;
const BEAT_MS = 500;
const BACKOFF_MS = [500, 1000, 2000, 4000, 8000];

export class LiveSession {
  private facts: LiveFacts;
  /** What React sees: renewed with a change of state and twice a second, not with every picture. */
  private published: LiveFacts;
  private readonly listeners = new Set<() => void>();
  private connection: LiveConnection | null = null;
  private next: LiveConnection | null = null;
  /** The last picture of a connection that ended. */
  private ghost: HTMLElement | null = null;
  private wanted: StreamName;
  private engine: EngineName;
  private readonly unplayable = new Set<string>();
  private startedMs = 0;
  private lastShownMs = 0;
  private attempts = 0;
  private retry: ReturnType<typeof setTimeout> | null = null;
  private beat: ReturnType<typeof setInterval> | null = null;
  private told = false;

  constructor(
    private readonly cameraId: string,
    private readonly host: HTMLElement,
    stream: StreamName,
    private readonly hasSub: boolean,
  ) {
    this.wanted = stream;
    this.engine = preferredEngine(location.search);
    this.facts = {
      state: 'idle',
      cause: '',
      sinceUs: 0,
      lastWallUs: 0,
      delayMs: 0,
      firstPictureMs: 0,
      shown: 0,
      dropped: 0,
      codec: '',
      widthPx: 0,
      heightPx: 0,
      stream,
      engine: this.engine,
      fellBack: false,
    };
    this.published = this.facts;
    this.write();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  readonly snapshot = (): LiveFacts => this.published;

  /** Server time in µs, as well as it is known. */
  serverNowUs(): number {
    return liveLine.clock.now(Date.now() * 1000);
  }

  /** The canvas or video that shows the picture now. */
  get surface(): HTMLCanvasElement | HTMLVideoElement | null {
    return this.connection?.surface ?? null;
  }

  start(): void {
    if (this.facts.state !== 'idle') return;
    this.startedMs = performance.now();
    this.change({ state: 'connecting', cause: '', sinceUs: Date.now() * 1000, firstPictureMs: 0 });
    this.open(this.choose(this.wanted));
    this.beat = setInterval(() => this.watch(), BEAT_MS);
  }

  stop(): void {
    if (this.retry) clearTimeout(this.retry);
    if (this.beat) clearInterval(this.beat);
    this.retry = null;
    this.beat = null;
    for (const connection of [this.connection, this.next]) {
      connection?.stop();
      connection?.surface.remove();
    }
    this.ghost?.remove();
    this.ghost = null;
    this.connection = null;
    this.next = null;
    this.told = false;
    this.change({ state: 'idle', cause: '', sinceUs: 0, delayMs: 0 });
  }

  /** Changes between main and sub stream; the old picture stays until the new one is there. */
  setStream(stream: StreamName): void {
    if (stream === this.wanted) return;
    this.wanted = stream;
    if (this.facts.state === 'idle') return;
    const chosen = this.choose(stream);
    if (chosen === this.connection?.stream && !this.next) return;
    this.open(chosen);
  }

  private choose(stream: StreamName): StreamName {
    const exists = stream === 'sub' && !this.hasSub ? 'main' : stream;
    if (!this.unplayable.has(exists)) return exists;
    const other: StreamName = exists === 'main' ? 'sub' : 'main';
    return (other === 'sub' && !this.hasSub) || this.unplayable.has(other) ? exists : other;
  }

  private open(stream: StreamName): void {
    this.next?.stop();
    this.next?.surface.remove();
    const connection = new LiveConnection(this.cameraId, stream, this.engine, {
      told: (message) => this.heard(connection, message),
      shown: (wallUs) => this.show(connection, wallUs),
      dropped: (frames) => this.dropped(frames),
      ended: (reason) => this.end(connection, reason),
    });
    connection.surface.style.opacity = '0';
    this.host.prepend(connection.surface);
    if (this.connection && this.connection.pictures > 0) this.next = connection;
    else {
      this.connection?.stop();
      this.connection?.surface.remove();
      this.connection = connection;
    }
  }

  private heard(connection: LiveConnection, message: LookState): void {
    if (connection !== this.connection && connection !== this.next) return;
    if (message.state === 'waiting') {
      this.told = true;
      this.change({ state: 'waiting', cause: message.cause ?? '', sinceUs: message.since_us ?? 0 });
    } else if (message.state === 'live') {
      this.told = false;
      if (this.facts.state === 'waiting') this.change({ state: 'connecting', cause: '', sinceUs: this.serverNowUs() });
    }
  }
  private dropped(frames: number): void {
    this.facts = { ...this.facts, dropped: this.facts.dropped + frames };
  }

  private show(connection: LiveConnection, wallUs: number): void {
    if (connection === this.next) {
      const old = this.connection;
      this.connection = connection;
      this.next = null;
      old?.stop();
      old?.surface.remove();
    } else if (connection !== this.connection) return;
    this.ghost?.remove();
    this.ghost = null;
    const nowMs = performance.now();
    this.lastShownMs = nowMs;
    this.attempts = 0;
    const delayMs = wallUs ? (this.serverNowUs() - wallUs) / 1000 : 0;
    const first = this.facts.firstPictureMs || Math.round(nowMs - this.startedMs);
    const { facts } = this;
    const smooth = facts.shown > 30 && Math.abs(delayMs - facts.delayMs) < 1000 ? facts.delayMs * 0.9 + delayMs * 0.1 : delayMs;
    this.facts = { ...facts, shown: facts.shown + 1, lastWallUs: wallUs || Math.round(this.serverNowUs()), delayMs: smooth, firstPictureMs: first };
    const late = liveLine.clock.known && delayMs > (facts.state === 'late' ? LATE_MS * 0.75 : LATE_MS) && facts.shown > 0;
    if (late) {
      if (facts.state === 'late') this.write();
      else this.change({ state: 'late', cause: this.slow(connection) ? 'busy' : '', sinceUs: this.serverNowUs() });
    } else if (connection.pictures === 1 || facts.state !== 'live') {
      connection.surface.style.opacity = '1';
      this.change({
        state: 'live',
        cause: '',
        sinceUs: facts.state === 'live' ? facts.sinceUs : this.serverNowUs(),
        codec: connection.codec,
        widthPx: connection.widthPx,
        heightPx: connection.heightPx,
        stream: connection.stream,
        engine: connection.engineName,
        fellBack: connection.stream !== this.wanted && (this.hasSub || connection.stream === 'sub'),
      });
    } else this.write();
  }

  private end(connection: LiveConnection, reason: EndReason): void {
    const isNext = connection === this.next;
    if (!isNext && connection !== this.connection) return;
    if (reason === 'codec' || reason === 'decode') {
      if (connection.engineName === 'webcodecs' && hasMse() && reason === 'decode') {
        this.engine = 'mse';
      } else {
        this.unplayable.add(connection.stream);
        if (this.choose(this.wanted) === connection.stream) {
          this.change({ state: 'unsupported', cause: reason, codec: connection.codec, sinceUs: this.serverNowUs() });
          return;
        }
      }
      this.drop(connection);
      this.open(this.choose(this.wanted));
      return;
    }
    if (isNext) {
      this.drop(connection);
      return;
    }
    if (reason === 'refused') {
      this.change({ state: 'refused', cause: '', sinceUs: this.serverNowUs() });
      return;
    }
    if (this.facts.state !== 'offline') this.change({ state: 'offline', cause: '', sinceUs: this.serverNowUs() });
    const base = BACKOFF_MS[Math.min(this.attempts, BACKOFF_MS.length - 1)]!;
    this.attempts += 1;
    this.retry = setTimeout(() => this.reconnect(), base * (0.7 + Math.random() * 0.6));
  }

  private reconnect(): void {
    this.retry = null;
    const old = this.connection;
    this.connection = null;
    if (old && old.pictures > 0) {
      // The dead connection's last picture stays, veiled, until a new one has its first.
      this.ghost?.remove();
      this.ghost = old.surface;
    } else old?.surface.remove();
    this.open(this.choose(this.wanted));
  }

  private drop(connection: LiveConnection): void {
    connection.stop();
    connection.surface.remove();
    if (this.next === connection) this.next = null;
    if (this.connection === connection) this.connection = null;
  }

  private watch(): void {
    const quietMs = performance.now() - this.lastShownMs;
    const limitMs = this.connection?.thin ? STALE_THIN_MS : STALE_MS;
    if ((this.facts.state === 'live' || this.facts.state === 'late') && quietMs > limitMs) {
      const busy = this.connection !== null && this.slow(this.connection);
      this.change({ state: 'stale', cause: busy ? 'busy' : '', sinceUs: this.facts.lastWallUs });
    } else if (this.facts.state === 'connecting' && !this.told && performance.now() - this.startedMs > 10_000 && this.facts.shown === 0) {
      this.change({ cause: 'timeout' });
    } else this.tell();
  }

  /** Video arrives and is not shown in time: the fault is here, not with the camera. */
  private slow(connection: LiveConnection): boolean {
    if (connection.engineName !== 'webcodecs' || connection.engine.waitsForKey) return false;
    return connection.thin || performance.now() - connection.arrivedMs < STALE_MS;
  }

  private change(part: Partial<LiveFacts>): void {
    this.facts = { ...this.facts, ...part };
    this.write();
    this.tell();
  }
  private tell(): void {
    this.published = { ...this.facts }; // a new object each time: ages on the screen go on although nothing changes
    for (const listener of [...this.listeners]) listener();
  }

  private write(): void {
    const { dataset } = this.host;
    const { facts } = this;
    dataset['state'] = facts.state;
    dataset['frames'] = String(facts.shown);
    dataset['wallUs'] = String(facts.lastWallUs);
    dataset['firstMs'] = String(facts.firstPictureMs);
    dataset['delayMs'] = String(Math.round(facts.delayMs));
    dataset['stream'] = facts.stream;
    dataset['engine'] = facts.engine;
  }
}
