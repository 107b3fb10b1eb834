/**
 * Keeps `world` equal to the server: snapshot, then ordered changes over one WebSocket. Any doubt (gap, other epoch,
 * reset) fetches again. Silence over 3 s is told as stale with its age; reconnecting backs off with jitter.
 */
import { api, ApiError, socketAddress } from "@/api/client";
import type { ChangesMessage, Snapshot } from "@/api/types";
import { world, type World } from "./world";

export const STALE_AFTER_MS = 3000;
const BACKOFF_MS = [250, 500, 1000, 2000, 4000, 8000];

export interface ConnectionState {
  phase: "starting" | "live" | "stale";
  /** Local ms of the last word from the server; 0 before the first. */
  lastHeardMs: number;
  /** The server's clock less this machine's, in ms. */
  skewMs: number;
  attempts: number;
}

export interface SocketLike {
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: (() => void) | null;
  close(): void;
}

export interface Outside {
  now(): number;
  after(ms: number, run: () => void): () => void;
  frame(run: () => void): void;
  fetchSnapshot(): Promise<Snapshot>;
  open(epoch: string | number, after: number): SocketLike;
  random(): number;
}

const browser: Outside = {
  now: () => Date.now(),
  after: (ms, run) => {
    const id = window.setTimeout(run, ms);
    return () => window.clearTimeout(id);
  },
  // A hidden window gets no animation frames; it must still follow.
  frame: (run) => (document.hidden ? window.setTimeout(run, 200) : requestAnimationFrame(run)),
  fetchSnapshot: () => api.get<Snapshot>("/api/snapshot"),
  open: (epoch, after) => new WebSocket(socketAddress("/api/changes", { epoch, after })) as unknown as SocketLike,
  random: Math.random,
};

export class Connection {
  state: ConnectionState = { phase: "starting", lastHeardMs: 0, skewMs: 0, attempts: 0 };
  private socket: SocketLike | null = null;
  private running = false;
  private generation = 0;
  private framePending = false;
  private stopTimer: () => void = () => undefined;
  private listeners = new Set<() => void>();

  constructor(
    private readonly world: World,
    private readonly outside: Outside = browser,
  ) {}

  start(): void {
    if (this.running) return;
    this.running = true;
    this.watch();
    void this.refetch();
  }

  stop(): void {
    this.running = false;
    this.generation += 1;
    this.stopTimer();
    this.socket?.close();
    this.socket = null;
    this.set({ phase: "starting", lastHeardMs: 0, attempts: 0 });
  }

  /** Try at once, e.g. when somebody presses "try again". */
  retry(): void {
    if (!this.running) return;
    this.set({ attempts: 0 });
    void this.refetch();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private set(part: Partial<ConnectionState>): void {
    this.state = { ...this.state, ...part };
    for (const listener of this.listeners) listener();
  }

  private watch(): void {
    this.stopTimer = this.outside.after(1000, () => {
      if (!this.running) return;
      const { phase, lastHeardMs } = this.state;
      if (phase === "live" && this.outside.now() - lastHeardMs > STALE_AFTER_MS) {
        this.set({ phase: "stale" });
        // The socket may be half dead: a beat comes each second, so silence is a broken line. Begin anew.
        this.reconnect();
      }
      this.watch();
    });
  }

  private async refetch(): Promise<void> {
    const mine = ++this.generation;
    this.socket?.close();
    this.socket = null;
    try {
      const snapshot = await this.outside.fetchSnapshot();
      if (mine !== this.generation || !this.running) return;
      this.world.load(snapshot);
      this.heard(snapshot.time_us);
      this.schedule();
      this.listen(mine);
    } catch (error) {
      if (mine !== this.generation || !this.running) return;
      if (error instanceof ApiError && error.status === 401) return; // The app shows sign-in.
      this.reconnect();
    }
  }

  private listen(mine: number): void {
    const socket = this.outside.open(this.world.epoch ?? "", this.world.seq);
    this.socket = socket;
    socket.onmessage = (event) => {
      if (mine !== this.generation) return;
      this.receive(JSON.parse(String(event.data)) as ChangesMessage & { epoch?: string | number; after?: number });
    };
    socket.onclose = () => {
      if (mine !== this.generation || !this.running) return;
      this.reconnect();
    };
  }

  private receive(message: ChangesMessage & { epoch?: string | number; after?: number }): void {
    if (message.epoch !== undefined && message.epoch !== this.world.epoch) return void this.refetch();
    switch (message.type) {
      case "reset":
        void this.refetch();
        return;
      case "beat":
        // The beat names the last number sent to us: being behind it means that something was missed.
        if (message.seq > this.world.seq) return void this.refetch();
        this.heard(message.time_us);
        return;
      case "changes":
        if (this.world.apply(message.changes, message.seq, message.after) === "gap") return void this.refetch();
        this.heard();
        this.schedule();
        return;
    }
  }

  private heard(time_us?: number): void {
    const now = this.outside.now();
    const skewMs = time_us === undefined ? this.state.skewMs : time_us / 1000 - now;
    const changed = this.state.phase !== "live" || Math.abs(skewMs - this.state.skewMs) > 250;
    if (changed) this.set({ phase: "live", lastHeardMs: now, skewMs, attempts: 0 });
    else this.state.lastHeardMs = now; // Heard again: nobody needs to draw anything.
  }

  /** Tell React once a frame, however many changes came. */
  private schedule(): void {
    if (this.framePending) return;
    this.framePending = true;
    this.outside.frame(() => {
      this.framePending = false;
      this.world.flush();
    });
  }

  private reconnect(): void {
    const mine = ++this.generation;
    this.socket?.close();
    this.socket = null;
    const attempts = this.state.attempts + 1;
    const phase = this.state.phase === "live" && this.sinceHeard() <= STALE_AFTER_MS ? "live" : this.state.phase === "starting" ? "starting" : "stale";
    this.set({ attempts, phase });
    const base = BACKOFF_MS[Math.min(attempts - 1, BACKOFF_MS.length - 1)] ?? 8000;
    this.outside.after(base * (0.7 + 0.6 * this.outside.random()), () => {
      if (mine === this.generation && this.running) void this.refetch();
    });
  }

  private sinceHeard(): number {
    return this.outside.now() - this.state.lastHeardMs;
  }
}

export const connection = new Connection(world);

/** Now by the server's clock, in ms. */
export function serverNowMs(): number {
  return Date.now() + connection.state.skewMs;
}
