import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Change, Snapshot, StreamStatus } from "@/api/types";
import { Connection, type Outside, type SocketLike } from "./connection";
import { World } from "./world";

const camera = (id: string, code = id) => ({ id, code, name_ar: "", name_en: code, enabled: true }) as Snapshot["cameras"][number];
const snapshot = (part: Partial<Snapshot> = {}): Snapshot => ({
  epoch: "e1",
  seq: 10,
  time_us: 1_000_000_000,
  deployment: { name_ar: "ذي قار", name_en: "Dhi Qar", timezone: "Asia/Baghdad" },
  sectors: [],
  towns: [],
  sites: [],
  cameras: [camera("a"), camera("b")],
  statuses: { a: { main: { state: "recording" } as StreamStatus } },
  layouts: [],
  system: null,
  ...part,
});
const change = (seq: number, kind: Change["kind"], id: string, value?: unknown, op: Change["op"] = "put"): Change => ({ seq, kind, id, op, value });

describe("World", () => {
  let world: World;
  beforeEach(() => {
    world = new World();
    world.load(snapshot());
  });

  it("is the snapshot, then the changes in order", () => {
    world.apply([change(11, "camera", "c", camera("c")), change(12, "camera", "a", undefined, "delete")], 12);
    expect([...world.cameras.keys()]).toEqual(["b", "c"]);
    expect(world.statuses.has("a")).toBe(false);
    expect(world.seq).toBe(12);
  });

  it("passes over what it has seen, so a change told twice is done once", () => {
    world.apply([change(11, "camera", "a", camera("a", "new"))], 11);
    world.apply([change(10, "camera", "a", camera("a", "old")), change(11, "camera", "a", camera("a", "old"))], 11);
    expect(world.cameras.get("a")?.code).toBe("new");
  });

  it("tells a gap and keeps its hands off", () => {
    expect(world.apply([change(15, "camera", "z", camera("z"))], 15, 14)).toBe("gap");
    expect(world.cameras.has("z")).toBe(false);
    expect(world.seq).toBe(10);
  });

  it("keeps the other stream when one changes", () => {
    world.apply([change(11, "status", "a", { stream: "sub", state: "lost" })], 11);
    expect(world.statuses.get("a")?.main?.state).toBe("recording");
    expect(world.statuses.get("a")?.sub?.state).toBe("lost");
  });

  it("moves only the versions of what changed, and tells listeners once a flush", () => {
    const before = { ...world.versions };
    const listener = vi.fn();
    world.flush();
    world.subscribe(listener);
    for (let seq = 11; seq < 1011; seq += 1) world.apply([change(seq, "status", "b", { main: { state: "lost" } })], seq);
    expect(listener).not.toHaveBeenCalled();
    world.flush();
    world.flush();
    expect(listener).toHaveBeenCalledTimes(1);
    expect(world.versions.camera).toBe(before.camera);
    expect(world.versions.status).toBe(before.status + 1000);
  });
});

class Stage implements Outside {
  clock = 1_000_000;
  timers: { at: number; run: () => void }[] = [];
  sockets: (SocketLike & { closed: boolean; epoch: string | number; after: number })[] = [];
  answers: (Snapshot | Error)[] = [];
  asked = 0;
  now = () => this.clock;
  random = () => 0.5;
  frame = (run: () => void) => run();
  after = (ms: number, run: () => void) => {
    const timer = { at: this.clock + ms, run };
    this.timers.push(timer);
    return () => void (this.timers = this.timers.filter((one) => one !== timer));
  };
  fetchSnapshot = () => {
    this.asked += 1;
    const answer = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
    return answer instanceof Error || !answer ? Promise.reject(answer ?? new Error("down")) : Promise.resolve(answer);
  };
  open = (epoch: string | number, after: number) => {
    const socket = { onmessage: null, onclose: null, closed: false, epoch, after, close: () => void (socket.closed = true) } as Stage["sockets"][number];
    this.sockets.push(socket);
    return socket;
  };
  say(message: unknown) {
    this.sockets.at(-1)?.onmessage?.({ data: JSON.stringify(message) });
  }
  async pass(ms: number) {
    const end = this.clock + ms;
    for (;;) {
      const next = this.timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.timers = this.timers.filter((timer) => timer !== next);
      this.clock = next.at;
      next.run();
      await Promise.resolve();
      await Promise.resolve();
      await Promise.resolve();
    }
    this.clock = end;
  }
}

describe("Connection", () => {
  let stage: Stage;
  let world: World;
  let connection: Connection;
  beforeEach(async () => {
    stage = new Stage();
    stage.answers = [snapshot()];
    world = new World();
    connection = new Connection(world, stage);
    connection.start();
    await stage.pass(1);
  });

  it("asks for what comes after the snapshot", () => {
    expect(connection.state.phase).toBe("live");
    expect(stage.sockets.at(-1)).toMatchObject({ epoch: "e1", after: 10 });
  });

  it("fetches again when the beat is ahead of what it has", async () => {
    stage.answers = [snapshot({ seq: 20 })];
    stage.say({ type: "beat", seq: 15, time_us: 1 });
    await stage.pass(1);
    expect(stage.asked).toBe(2);
    expect(world.seq).toBe(20);
  });

  it("fetches again on reset, and takes the other epoch", async () => {
    stage.answers = [snapshot({ epoch: "e2", seq: 3, cameras: [camera("z")] })];
    stage.say({ type: "reset" });
    await stage.pass(1);
    expect(world.epoch).toBe("e2");
    expect(world.seq).toBe(3);
    expect([...world.cameras.keys()]).toEqual(["z"]);
    expect(stage.sockets.at(-1)).toMatchObject({ epoch: "e2", after: 3 });
  });

  it("does not listen to a socket it has left", async () => {
    const old = stage.sockets[0];
    stage.say({ type: "reset" });
    await stage.pass(1);
    old?.onmessage?.({ data: JSON.stringify({ type: "changes", seq: 99, changes: [change(99, "camera", "ghost", camera("ghost"))] }) });
    expect(world.cameras.has("ghost")).toBe(false);
  });

  it("is stale after 3 s of silence, and live again when the server is", async () => {
    stage.answers = [new Error("down")];
    await stage.pass(2900);
    expect(connection.state.phase).toBe("live");
    const heard = connection.state.lastHeardMs;
    await stage.pass(2000);
    expect(connection.state.phase).toBe("stale");
    expect(connection.state.lastHeardMs).toBe(heard);
    stage.answers = [snapshot({ seq: 50 })];
    await stage.pass(10_000);
    expect(world.seq).toBe(50);
    expect(stage.sockets.at(-1)?.after).toBe(50);
  });

  it("stays live while beats come", async () => {
    for (let i = 0; i < 10; i += 1) {
      await stage.pass(1000);
      stage.say({ type: "beat", seq: 10, time_us: stage.clock * 1000 });
    }
    expect(connection.state.phase).toBe("live");
    expect(stage.asked).toBe(1);
  });

  it("backs off while the server is away", async () => {
    stage.answers = [new Error("down")];
    stage.sockets.at(-1)?.onclose?.();
    await stage.pass(60_000);
    expect(stage.asked).toBeGreaterThan(4);
    expect(stage.asked).toBeLessThan(16);
  });

  it("stops for good", async () => {
    connection.stop();
    const asked = stage.asked;
    await stage.pass(60_000);
    expect(stage.asked).toBe(asked);
    expect(stage.sockets.at(-1)?.closed).toBe(true);
  });
});
