/**
 * One stream of one camera on the way to one surface: socket, demuxer, engine. Ends when any of them ends.
 *
 * Does not reconnect and knows no React: `liveSession.ts` decides what to do when it ends, and keeps the old surface until the
 * new one has a picture. Source: `docs/design/interfaces.md`, `WS /api/cameras/{id}/live`.
 */
import { ServerClock } from './clocks';
import type { EngineListener, LiveEngine } from './engine';
import { MseEngine } from './engineMse';
import { WebCodecsEngine } from './engineWebCodecs';
import { Demuxer } from './fmp4';
import { type EngineName, msePlays, webCodecsPlays } from './support';

export type StreamName = 'main' | 'sub';
export type EndReason = 'closed' | 'refused' | 'codec' | 'decode' | 'bytes';

export interface ConnectionListener {
  told(message: { state: string; cause?: string; since_us?: number; codec?: string; width?: number; height?: number }): void;
  shown(wallUs: number): void;
  dropped(frames: number): void;
  ended(reason: EndReason, code: number): void;
}

/** Close codes by which the server says "not you" or "no such camera". */
const REFUSED = new Set([1008, 3000, 3003, 4401, 4403, 4404]);

export class LiveConnection implements EngineListener {
  readonly surface: HTMLCanvasElement | HTMLVideoElement;
  readonly clock: ServerClock;
  codec = '';
  widthPx = 0;
  heightPx = 0;
  pictures = 0;
  /** Showing key frames only, since this computer cannot keep up. */
  thin = false;
  /** When bytes last came, `performance.now()`. */
  arrivedMs = 0;
  private readonly socket: WebSocket;
  private readonly demuxer = new Demuxer();
  readonly engine: LiveEngine;
  private over = false;

  constructor(
    cameraId: string,
    readonly stream: StreamName,
    readonly engineName: EngineName,
    clock: ServerClock,
    private readonly listener: ConnectionListener,
  ) {
    this.clock = clock;
    if (engineName === 'webcodecs') {
      const canvas = document.createElement('canvas');
      this.surface = canvas;
      this.engine = new WebCodecsEngine(canvas, this);
    } else {
      const video = document.createElement('video');
      this.surface = video;
      this.engine = new MseEngine(video, this);
    }
    this.surface.className = 'live-surface';
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    this.socket = new WebSocket(`${scheme}://${location.host}/api/cameras/${encodeURIComponent(cameraId)}/live?stream=${stream}`);
    this.socket.binaryType = 'arraybuffer';
    this.socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => {
      if (this.over) return;
      if (typeof event.data === 'string') this.text(event.data);
      else this.boxes(new Uint8Array(event.data));
    };
    this.socket.onclose = (event) => this.end(REFUSED.has(event.code) ? 'refused' : 'closed', event.code);
  }

  private text(data: string): void {
    let message: { state?: unknown; time_us?: unknown };
    try {
      message = JSON.parse(data) as typeof message;
    } catch {
      this.end('bytes', 0);
      return;
    }
    if (message.state === 'clock' && typeof message.time_us === 'number') this.clock.observe(message.time_us, Date.now() * 1000);
    else if (typeof message.state === 'string') this.listener.told(message as { state: string });
  }

  private boxes(data: Uint8Array): void {
    this.arrivedMs = performance.now();
    try {
      for (const event of this.demuxer.push(data)) {
        if (event.kind === 'init') {
          this.codec = event.init.codec;
          this.widthPx = event.init.widthPx;
          this.heightPx = event.init.heightPx;
          this.engine.init(event.init);
          this.ask(event.init.codec);
        } else this.engine.fragment(event.fragment);
      }
    } catch {
      this.end('bytes', 0);
    }
  }

  /** The engine starts at once; if the browser says a moment later that it cannot, the stream is given up. */
  private ask(codec: string): void {
    if (this.engineName === 'mse') {
      if (!msePlays(codec)) this.end('codec', 0);
      return;
    }
    void webCodecsPlays(codec).then((plays) => {
      if (!plays) this.end('codec', 0);
    });
  }

  shown(wallUs: number): void {
    if (this.over) return;
    this.pictures += 1;
    this.listener.shown(wallUs);
  }
  dropped(frames: number): void {
    this.listener.dropped(frames);
  }
  thinned(thin: boolean): void {
    this.thin = thin;
  }
  failed(reason: 'codec' | 'decode'): void {
    this.end(reason, 0);
  }

  private end(reason: EndReason, code: number): void {
    if (this.over) return;
    this.stop();
    this.listener.ended(reason, code);
  }

  /** Ends without telling the listener. The surface stays where it is, for the session to take away. */
  stop(): void {
    if (this.over) return;
    this.over = true;
    this.socket.onmessage = null;
    this.socket.onclose = null;
    this.socket.close();
    this.engine.close();
  }
}
