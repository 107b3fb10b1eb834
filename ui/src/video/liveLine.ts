/**
 * The one socket that carries all live pictures of this window, each as a look of its own number.
 *
 * It stands open from sign-in to sign-out, so that a click costs no handshake. It does not decide when to try a look again:
 * when the socket is lost all looks end, and whoever opened them opens them anew. Source: `docs/design/interfaces.md`, `WS /api/live`.
 */
import { socketAddress } from "@/api/client";
import { ServerClock } from "./clocks";

export type StreamName = "main" | "sub";
/** `closed` may be tried again; `refused` not. */
export type LookEnd = "closed" | "refused";

export interface LookState {
  state: string;
  cause?: string;
  since_us?: number;
}

export interface LookListener {
  told(message: LookState): void;
  boxes(data: Uint8Array): void;
  ended(reason: LookEnd): void;
}

export type SocketLike = Pick<WebSocket, "onopen" | "onmessage" | "onclose" | "readyState" | "send" | "close" | "binaryType">;

/** Close codes by which the server says "not you" (`docs/reference/api.md`). */
const REFUSED = new Set([4401, 4403]);
const OPEN = 1;
const NUMBER_BYTES = 4;
/** A standing line that was lost is mended after this, give or take a third, so that a room's screens don't come at once. */
const MEND_MS = 2000;
/** The server tells the time every 2 s. Silent for this long, the line is dead although nobody closed it (a cable, a sleep); a slow link may take so long for a key frame. */
const SILENT_MS = 15_000;

export class LiveLine {
  readonly clock = new ServerClock();
  private socket: SocketLike | null = null;
  private readonly looks = new Map<number, LookListener>();
  private asked: string[] = [];
  private last = 0;
  private standing = false;
  private heardMs = 0;
  private mending: ReturnType<typeof setTimeout> | undefined;
  private listening: ReturnType<typeof setInterval> | undefined;

  constructor(private readonly connect: () => SocketLike = () => new WebSocket(socketAddress("/api/live", {}))) {}

  /** Open the socket and keep it open; returns how to let it go, with all looks. */
  stand(): () => void {
    this.standing = true;
    this.reach();
    return () => {
      this.standing = false;
      clearTimeout(this.mending);
      this.drop("closed");
    };
  }

  /** Begin a look; returns how to end it. The listener hears nothing after either end. */
  look(cameraId: string, stream: StreamName, listener: LookListener): () => void {
    const look = (this.last += 1);
    this.looks.set(look, listener);
    this.say({ op: "open", look, camera_id: cameraId, stream });
    return () => {
      if (this.looks.delete(look) && this.socket) this.say({ op: "close", look });
    };
  }

  private say(message: object): void {
    const text = JSON.stringify(message);
    const socket = this.reach();
    if (socket.readyState === OPEN) socket.send(text);
    else this.asked.push(text);
  }

  private reach(): SocketLike {
    clearTimeout(this.mending);
    if (this.socket) return this.socket;
    const socket = this.connect();
    this.socket = socket;
    this.heardMs = performance.now();
    this.listening = setInterval(() => {
      if (performance.now() - this.heardMs > SILENT_MS) this.lost("closed");
    }, SILENT_MS / 4);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      for (const text of this.asked.splice(0)) socket.send(text);
    };
    socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => {
      this.heardMs = performance.now();
      if (typeof event.data === "string") this.text(event.data);
      else this.boxes(event.data);
    };
    socket.onclose = (event) => this.lost(REFUSED.has(event.code) ? "refused" : "closed");
    return socket;
  }

  private lost(reason: LookEnd): void {
    this.drop(reason);
    if (this.standing && reason !== "refused") this.mending = setTimeout(() => this.reach(), MEND_MS * (0.7 + 0.6 * Math.random()));
  }

  private drop(reason: LookEnd): void {
    clearInterval(this.listening);
    const { socket } = this;
    this.socket = null;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    this.asked = [];
    const ended = [...this.looks.values()];
    this.looks.clear();
    for (const listener of ended) listener.ended(reason);
  }

  private text(data: string): void {
    const message = JSON.parse(data) as LookState & { look?: number; time_us?: number };
    if (message.state === "clock") {
      if (typeof message.time_us === "number") this.clock.observe(message.time_us, Date.now() * 1000);
      return;
    }
    const look = message.look ?? 0;
    const listener = this.looks.get(look);
    if (message.state !== "ended") listener?.told(message);
    else if (this.looks.delete(look)) listener?.ended(message.cause === "gone" ? "refused" : "closed");
  }

  private boxes(data: ArrayBuffer): void {
    if (data.byteLength < NUMBER_BYTES) return;
    const look = new DataView(data).getUint32(0);
    this.looks.get(look)?.boxes(new Uint8Array(data, NUMBER_BYTES));
  }
}

export const liveLine = new LiveLine();
