/**
 * One stream of one camera on the way to one surface: a look on the live line, demuxer, engine. Ends when any of them ends.
 *
 * Does not begin anew and knows no React: `liveSession.ts` decides what to do when it ends, and keeps the old surface until the
 * new one has a picture.
 */
import type { EngineListener, LiveEngine } from './engine';
import { MseEngine } from './engineMse';
import { WebCodecsEngine } from './engineWebCodecs';
import { Demuxer } from './fmp4';
import { liveLine, type LookEnd, type LookListener, type LookState, type StreamName } from './liveLine';
import { type EngineName, msePlays, webCodecsPlays } from './support';

/** `bytes`: what came could not be read. */
export type EndReason = LookEnd | 'bytes' | 'codec' | 'decode';

export interface ConnectionListener {
  told(message: LookState): void;
  shown(wallUs: number): void;
  dropped(frames: number): void;
  ended(reason: EndReason): void;
}

export class LiveConnection implements EngineListener, LookListener {
  readonly surface: HTMLCanvasElement | HTMLVideoElement;
  codec = '';
  widthPx = 0;
  heightPx = 0;
  pictures = 0;
  /** Showing key frames only, since this computer cannot keep up. */
  thin = false;
  /** When bytes last came, `performance.now()`. */
  arrivedMs = 0;
  private readonly demuxer = new Demuxer();
  readonly engine: LiveEngine;
  private readonly endLook: () => void;
  private over = false;

  constructor(
    cameraId: string,
    readonly stream: StreamName,
    readonly engineName: EngineName,
    private readonly listener: ConnectionListener,
  ) {
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
    this.endLook = liveLine.look(cameraId, stream, this);
  }

  told(message: LookState): void {
    this.listener.told(message);
  }
  ended(reason: LookEnd): void {
    this.end(reason);
  }

  boxes(data: Uint8Array): void {
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
      this.end('bytes');
    }
  }

  /** The engine starts at once; if the browser says a moment later that it cannot, the stream is given up. */
  private ask(codec: string): void {
    if (this.engineName === 'mse') {
      if (!msePlays(codec)) this.end('codec');
      return;
    }
    void webCodecsPlays(codec).then((plays) => {
      if (!plays) this.end('codec');
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
    this.end(reason);
  }

  private end(reason: EndReason): void {
    if (this.over) return;
    this.stop();
    this.listener.ended(reason);
  }

  /** Ends without telling the listener. The surface stays where it is, for the session to take away. */
  stop(): void {
    if (this.over) return;
    this.over = true;
    this.endLook();
    this.engine.close();
  }
}
