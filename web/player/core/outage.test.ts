import { describe, expect, it, vi } from "vitest";
import { eachWithItsServer, type FakeServer, playerOf, running, settled } from "./fakes.ts";

let server: FakeServer;

eachWithItsServer((made) => {
  server = made;
});

/** Playing live, a run under way, and then the server's connections end. */
async function leftAlone() {
  const events = server.opens();
  const it = playerOf("CA1");
  it.player.press();
  await vi.advanceTimersByTimeAsync(250);
  events.say("run", running);
  it.audio.knows(60);
  it.audio.says("playing");
  await settled();
  events.cut();
  return it;
}

describe("events that break off", () => {
  it("are opened again", async () => {
    const first = server.opens();
    const second = server.opens();
    const { player } = playerOf("CA1");
    player.press();
    await vi.advanceTimersByTimeAsync(250);
    first.say("run", running);
    first.cut();
    await vi.advanceTimersByTimeAsync(500);
    second.say("ready", {});
    await settled();
    expect(player.store.get().arrived).toBe(1);
  });

  it("do not disturb what can be heard", async () => {
    const { player, audio, phase } = playerOf("CA1");
    player.press();
    audio.says("playing");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(phase()).toBe("playing");
    expect(server.asked).toHaveLength(6);
  });

  it("are told of once another connection has failed, and no more when one comes about", async () => {
    const { player } = await leftAlone();
    await vi.advanceTimersByTimeAsync(499);
    expect(player.store.get().lost).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(player.store.get().lost).toBe(true);
    server.opens();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(player.store.get().lost).toBe(false);
  });

  it("are the cause when the sound has run dry", async () => {
    const { player, audio } = await leftAlone();
    audio.says("waiting");
    await vi.advanceTimersByTimeAsync(15_499);
    expect(player.store.get()).toMatchObject({ phase: "playing", stalled: true, lost: true });
    await vi.advanceTimersByTimeAsync(1);
    expect(player.store.get()).toMatchObject({ phase: "failed", lost: false, problem: { code: "unreachable" } });
    expect(audio.src).toBe("");
  });

  it("are tried anew when the sound runs dry long after they were given up", async () => {
    const { player, audio, phase } = await leftAlone();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(player.store.get()).toMatchObject({ phase: "playing", lost: false, fetching: null });
    audio.says("waiting");
    await vi.advanceTimersByTimeAsync(15_500);
    expect(phase()).toBe("failed");
  });
});
