import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LiveLine, type LookEnd, type LookState, type SocketLike } from "./liveLine";

class FakeSocket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  binaryType = "";
  readyState = 0;
  sent: unknown[] = [];
  closed = false;

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(): void {
    this.closed = true;
  }
  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }
  says(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
  brings(look: number, bytes: number[]): void {
    const data = new Uint8Array(4 + bytes.length);
    new DataView(data.buffer).setUint32(0, look);
    data.set(bytes, 4);
    this.onmessage?.({ data: data.buffer });
  }
  lose(code: number): void {
    this.readyState = 3;
    this.onclose?.({ code });
  }
}

function listener() {
  const heard = { states: [] as LookState[], boxes: [] as number[][], ends: [] as LookEnd[] };
  return {
    heard,
    told: (message: LookState) => void heard.states.push(message),
    boxes: (data: Uint8Array) => void heard.boxes.push([...data]),
    ended: (reason: LookEnd) => void heard.ends.push(reason),
  };
}

describe("LiveLine", () => {
  let sockets: FakeSocket[];
  let line: LiveLine;
  const last = () => sockets.at(-1)!;

  beforeEach(() => {
    vi.useFakeTimers();
    sockets = [];
    line = new LiveLine(() => {
      sockets.push(new FakeSocket());
      return last() as unknown as SocketLike;
    });
  });
  afterEach(() => vi.useRealTimers());

  it("carries several looks on one socket, each with its own boxes and states", () => {
    const [one, two] = [listener(), listener()];
    line.look("a", "main", one);
    line.look("b", "sub", two);
    expect(sockets.length).toBe(1);
    expect(last().sent).toEqual([]);
    last().open();
    expect(last().sent).toEqual([
      { op: "open", look: 1, camera_id: "a", stream: "main" },
      { op: "open", look: 2, camera_id: "b", stream: "sub" },
    ]);
    last().brings(2, [7, 8]);
    last().brings(9, [1]);
    last().says({ look: 1, state: "waiting", cause: "stalled", since_us: 5 });
    expect([one.heard.boxes, two.heard.boxes]).toEqual([[], [[7, 8]]]);
    expect(one.heard.states.map((state) => state.cause)).toEqual(["stalled"]);
    expect(two.heard.states).toEqual([]);
  });

  it("says when a look ends, and hears nothing of it after", () => {
    const one = listener();
    const end = line.look("a", "main", one);
    last().open();
    end();
    end();
    expect(last().sent.slice(1)).toEqual([{ op: "close", look: 1 }]);
    last().brings(1, [1]);
    last().says({ look: 1, state: "ended", cause: "gone" });
    expect(one.heard).toEqual({ states: [], boxes: [], ends: [] });
  });

  it("tells a camera that is gone from a look that may be tried again", () => {
    const [one, two] = [listener(), listener()];
    line.look("a", "main", one);
    line.look("b", "main", two);
    last().open();
    last().says({ look: 1, state: "ended", cause: "gone" });
    last().says({ look: 2, state: "ended", cause: "busy" });
    expect([one.heard.ends, two.heard.ends]).toEqual([["refused"], ["closed"]]);
  });

  it("ends all looks when the socket is lost, and stands again by itself", () => {
    line.stand();
    const one = listener();
    last().open();
    line.look("a", "main", one);
    last().lose(1006);
    expect(one.heard.ends).toEqual(["closed"]);
    expect(sockets.length).toBe(1);
    vi.advanceTimersByTime(3000);
    expect(sockets.length).toBe(2);
    line.look("a", "main", one);
    last().open();
    expect(last().sent).toEqual([{ op: "open", look: 2, camera_id: "a", stream: "main" }]);
  });

  it("does not come back by itself when it is refused, nor after it was let go", () => {
    const letGo = line.stand();
    const one = listener();
    line.look("a", "main", one);
    last().open();
    last().lose(4401);
    vi.advanceTimersByTime(60_000);
    expect([one.heard.ends, sockets.length]).toEqual([["refused"], 1]);
    line.look("a", "main", one);
    letGo();
    vi.advanceTimersByTime(60_000);
    expect([last().closed, sockets.length]).toEqual([true, 2]);
  });

  it("takes a silent socket for dead", () => {
    line.stand();
    last().open();
    const one = listener();
    line.look("a", "main", one);
    for (let turn = 0; turn < 10; turn++) {
      vi.advanceTimersByTime(2000);
      last().says({ state: "clock", time_us: 1 });
    }
    expect(one.heard.ends).toEqual([]);
    vi.advanceTimersByTime(20_000);
    expect([one.heard.ends, sockets[0]!.closed]).toEqual([["closed"], true]);
    vi.advanceTimersByTime(3000);
    expect(sockets.length).toBe(2);
  });

  it("keeps the server's clock for all looks", () => {
    line.stand();
    last().open();
    last().says({ state: "clock", time_us: 5_000_000 + Date.now() * 1000 });
    expect(line.clock.now(Date.now() * 1000) - Date.now() * 1000).toBe(5_000_000);
  });
});
