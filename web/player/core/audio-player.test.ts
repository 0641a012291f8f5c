import { describe, expect, it, vi } from "vitest";
import { AudioPlayer } from "./audio-player.ts";
import {
  eachWithItsServer,
  FakeAudio,
  type FakeServer,
  playerOf as playerIn,
  refuses,
  running,
  settled,
} from "./fakes.ts";
import { Floor } from "./floor.ts";

const STREAMING = "[AudioPlayer] Streaming from CA1";
const SKIPPED = "[AudioPlayer] Check already in progress, skipping...";
const ABORTED = "[AudioPlayer] Request aborted";

let floor: Floor;
let server: FakeServer;
let logged: string[];

eachWithItsServer((made, lines) => {
  floor = new Floor();
  server = made;
  logged = lines;
});

const playerOf = (callSid: string, more: { onUnauthorized?: () => void } = {}) => playerIn(callSid, { floor, ...more });

describe("a press", () => {
  it("gives the element one source, with the explicit action and a play id, and says so once", () => {
    const { player, audio, phase } = playerOf("CA1");
    player.press();
    expect(audio.sources).toHaveLength(1);
    expect(audio.src).toMatch(
      /^\/api\/recordings\/CA1\/stream\?explicit_user_action=true&play=[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    expect(logged).toEqual([STREAMING]);
    expect(phase()).toBe("starting");
  });

  it("names the recording where the call has several", () => {
    const player = new AudioPlayer({ floor, base: "https://calls.example.com" });
    const audio = new FakeAudio();
    player.attach(audio as unknown as HTMLAudioElement, { call_sid: "CA1", recording_sid: "RE2" });
    player.press();
    expect(audio.src).toMatch(/^https:\/\/calls\.example\.com\/api\/.*&recording_sid=RE2$/);
  });

  it("does not believe in playing before the element does", () => {
    const { player, audio, phase } = playerOf("CA1");
    player.press();
    expect(audio.paused).toBe(false);
    expect(phase()).toBe("starting");
    audio.says("playing");
    expect(phase()).toBe("playing");
  });

  it("opens the events when sound does not come at once, and tells how much has arrived", async () => {
    const events = server.opens();
    const { player } = playerOf("CA1");
    player.press();
    await vi.advanceTimersByTimeAsync(249);
    expect(server.asked).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(server.asked.map(({ url }) => url)).toEqual(["/api/recordings/CA1/events"]);
    events.say("run", running);
    await settled();
    expect(player.store.get()).toMatchObject({ arrived: 0.43, fetching: { status: "running", received: 430 } });
    events.say("ready", {});
    await settled();
    expect(player.store.get()).toMatchObject({ arrived: 1, fetching: null, learnt: "ready" });
  });

  it("asks for nothing but the stream where a ready recording sounds at once", async () => {
    const { player, audio } = playerOf("CA1");
    player.update({ call_sid: "CA1", state: "ready" });
    player.press();
    audio.knows(60);
    audio.says("playing");
    await vi.advanceTimersByTimeAsync(5_000);
    expect(server.asked).toEqual([]);
    expect(player.store.get().arrived).toBe(1);
  });
});

describe("a second press", () => {
  it("does nothing while the first is under way", async () => {
    const { player, audio } = playerOf("CA1");
    player.press();
    for (let i = 0; i < 9; i++) {
      await vi.advanceTimersByTimeAsync(20);
      player.press();
    }
    expect(audio.sources).toHaveLength(1);
    expect(logged).toEqual([STREAMING, ...Array(9).fill(SKIPPED)]);
  });

  it("does not pause what the same hammering has just begun", async () => {
    const { player, audio, phase } = playerOf("CA1");
    player.press();
    await vi.advanceTimersByTimeAsync(200);
    player.press();
    audio.says("playing");
    for (let i = 0; i < 8; i++) {
      await vi.advanceTimersByTimeAsync(200);
      player.press();
    }
    expect(phase()).toBe("playing");
    expect(audio.paused).toBe(false);
    expect(logged).toEqual([STREAMING, ...Array(9).fill(SKIPPED)]);
  });

  it("pauses what plays, and a third goes on without a request or a line", () => {
    const { player, audio, phase } = playerOf("CA1");
    player.press();
    audio.says("playing");
    player.press();
    expect(phase()).toBe("playing");
    audio.says("pause");
    expect(phase()).toBe("paused");
    player.press();
    expect(phase()).toBe("paused");
    audio.says("playing");
    expect(phase()).toBe("playing");
    expect(audio.sources).toHaveLength(1);
    expect(logged).toEqual([STREAMING]);
  });
});

describe("letting go", () => {
  it("aborts the events, takes the source away and says so when the component goes in mid-fetch", async () => {
    server.opens();
    const { player, audio, phase } = playerOf("CA1");
    player.press();
    await vi.advanceTimersByTimeAsync(300);
    player.detach();
    expect(server.asked[0]?.signal.aborted).toBe(true);
    expect(audio.src).toBe("");
    expect(audio.networkState).toBe(0);
    expect(logged).toEqual([STREAMING, ABORTED]);
    expect(phase()).toBe("idle");
    audio.says("playing");
    expect(phase()).toBe("idle");
  });

  it("says nothing where nothing was under way", () => {
    const { player, audio } = playerOf("CA1");
    player.detach();
    player.attach(audio as unknown as HTMLAudioElement, { call_sid: "CA1", state: "ready" });
    player.press();
    audio.says("playing", { networkState: 1 });
    player.detach();
    expect(logged).toEqual([STREAMING]);
  });

  it("is what another player's start does to this one", () => {
    const one = playerOf("CA1");
    const two = playerOf("CA2");
    one.player.press();
    two.player.press();
    expect(one.audio.src).toBe("");
    expect(one.phase()).toBe("idle");
    expect(two.phase()).toBe("starting");
    expect(logged).toEqual([STREAMING, ABORTED, "[AudioPlayer] Streaming from CA2"]);
  });

  it("aborts for another recording in the same element", () => {
    const { player, audio } = playerOf("CA1");
    player.press();
    player.attach(audio as unknown as HTMLAudioElement, { call_sid: "CA2" });
    expect(audio.src).toBe("");
    expect(logged).toEqual([STREAMING, ABORTED]);
  });

  it("remembers where one was", () => {
    const { player, audio } = playerOf("CA1");
    player.press();
    audio.knows(60);
    audio.says("playing");
    audio.isAt(20);
    player.release();
    player.press();
    audio.knows(60);
    expect(audio.sent).toEqual([20]);
  });
});

describe("an element that refuses", () => {
  it("waits on the events after a 202, and gets its source again on ready, without a second line", async () => {
    server.answers(200, { state: "fetching", run: { ...running, status: "queued", reason: "queued" } });
    const events = server.opens();
    const { player, audio, phase } = playerOf("CA1");
    player.press();
    refuses(audio);
    await settled();
    expect(phase()).toBe("waiting");
    expect(player.store.get().fetching?.reason).toBe("queued");
    player.press();
    expect(audio.sources).toHaveLength(1);
    events.say("ready", {});
    await settled();
    expect(audio.sources).toHaveLength(2);
    expect(audio.sources[1]).toBe(audio.sources[0]);
    audio.says("playing");
    expect(phase()).toBe("playing");
    expect(logged).toEqual([STREAMING, SKIPPED]);
  });

  it("needs no further question when the events have told of the run", async () => {
    const events = server.opens();
    const { player, audio, phase } = playerOf("CA1");
    player.press();
    await vi.advanceTimersByTimeAsync(250);
    events.say("run", { ...running, status: "queued", reason: "not_ready" });
    await settled();
    refuses(audio);
    await settled();
    expect(phase()).toBe("waiting");
    expect(server.asked).toHaveLength(1);
  });

  it("says that the server is out of reach when it is", async () => {
    const { player, audio } = playerOf("CA1");
    player.press();
    refuses(audio);
    await settled();
    expect(player.store.get()).toMatchObject({ phase: "failed", problem: { code: "unreachable" } });
  });

  it.each([
    [
      { state: "failed", run: { error: "The provider answered 401." } },
      { code: "fetch_failed", detail: "The provider answered 401." },
    ],
    [
      { state: "failed", run: { error: { code: "not_audio", detail: "HTML" } } },
      { code: "not_audio", detail: "HTML" },
    ],
    [
      { state: "gone", run: null },
      { code: "recording_gone", status: 410 },
    ],
  ])("tells the cause that the recording %j knows", async (recording, problem) => {
    server.answers(200, recording);
    const { player, audio } = playerOf("CA1");
    player.press();
    refuses(audio);
    await settled();
    expect(player.store.get()).toMatchObject({ phase: "failed", problem });
    expect(audio.src).toBe("");
  });

  it("tells how long a failure still cools down", async () => {
    server.answers(200, { state: "failed", run: { error: "stalled" } });
    server.answers(500, { code: "fetch_failed", detail: "stalled" }, { "Retry-After": "25" });
    const retryAt = Date.now() + 25_000;
    const { player, audio } = playerOf("CA1");
    player.press();
    refuses(audio);
    await settled();
    expect(server.asked.map(({ url }) => url)).toEqual(["/api/recordings/CA1", "/api/recordings/CA1/fetch"]);
    expect(player.store.get().problem).toMatchObject({ code: "fetch_failed", detail: "stalled", retryAt });
  });

  it("reports the end of the session", async () => {
    const onUnauthorized = vi.fn();
    server.answers(401, { code: "unauthorized", status: 401 });
    const { player, audio } = playerOf("CA1", { onUnauthorized });
    player.press();
    refuses(audio);
    await settled();
    expect(onUnauthorized).toHaveBeenCalledOnce();
    expect(player.store.get().problem?.code).toBe("unauthorized");
  });

  it("asks the stream itself, without waiting for audio, when nothing is under way", async () => {
    server.answers(200, { state: "remote", run: null });
    server.answers(503, { code: "no_space", detail: "No room for this recording", status: 503 });
    const { player, audio } = playerOf("CA1");
    player.press();
    refuses(audio);
    await settled();
    expect(server.asked[1]).toMatchObject({ url: audio.sources[0], headers: { Prefer: "respond-async" } });
    expect(player.store.get().problem).toMatchObject({ code: "no_space", detail: "No room for this recording" });
  });

  it("is offered a whole recording twice, no more", async () => {
    server.answers(200, { state: "ready" }).answers(200, { state: "ready" });
    const { player, audio } = playerOf("CA1");
    player.press();
    refuses(audio);
    await settled();
    refuses(audio);
    await settled();
    expect(audio.sources).toHaveLength(2);
    expect(player.store.get().problem?.code).toBe("unplayable");
  });
});

it("is not woken by a connection that breaks while it is paused, and goes on from there", async () => {
  const { player, audio, phase } = playerOf("CA1");
  player.update({ call_sid: "CA1", state: "ready" });
  player.press();
  audio.knows(60);
  audio.says("playing");
  audio.isAt(20);
  player.press();
  audio.says("pause");
  audio.says("error", { error: { code: 2 } });
  await settled();
  expect(phase()).toBe("paused");
  expect(server.asked).toEqual([]);
  player.press();
  audio.knows(60);
  expect(audio.sources).toHaveLength(2);
  expect(audio.sent).toEqual([20]);
});

describe("a fetch that fails", () => {
  async function failedAt(seconds: number) {
    const events = server.opens();
    const it = playerOf("CA1");
    it.player.press();
    await vi.advanceTimersByTimeAsync(250);
    events.say("run", running);
    it.audio.knows(60);
    it.audio.says("playing");
    it.audio.isAt(seconds);
    events.say("failed", { code: "fetch_failed", detail: "Connection reset by the provider." });
    await settled();
    return it;
  }

  it("stops the element, which would ask again, and tells the cause", async () => {
    const { player, audio } = await failedAt(12);
    expect(player.store.get()).toMatchObject({
      phase: "failed",
      position: 12,
      learnt: "failed",
      problem: { detail: "Connection reset by the provider." },
    });
    expect(audio.src).toBe("");
  });

  it("starts anew on the next press, with a play id of its own, where it was", async () => {
    const { player, audio, phase } = await failedAt(12);
    player.press();
    expect(phase()).toBe("starting");
    expect(audio.sources).toHaveLength(2);
    expect(audio.sources[1]).not.toBe(audio.sources[0]);
    expect(logged).toEqual([STREAMING, STREAMING]);
    audio.knows(60);
    expect(audio.sent).toEqual([12]);
  });

  it("tries again by a retry, which no cool-down holds up, and then plays", async () => {
    const { player, audio } = await failedAt(12);
    server.answers(202, { status: "queued" });
    const before = server.asked.length;
    player.tryAgain();
    player.tryAgain();
    await settled();
    expect(server.asked.slice(before).map(({ url, body }) => [url, body])).toEqual([
      ["/api/recordings/CA1/fetch", '{"retry":true}'],
    ]);
    expect(audio.sources).toHaveLength(2);
    expect(logged).toEqual([STREAMING, STREAMING, SKIPPED]);
  });

  it("is told when it has tried again too often, and the element is left alone", async () => {
    const { player, audio } = await failedAt(12);
    server.answers(429, { code: "too_many_retries", detail: "Three in ten minutes." });
    player.tryAgain();
    await settled();
    expect(player.store.get()).toMatchObject({ phase: "failed", problem: { code: "too_many_retries" } });
    expect(audio.sources).toHaveLength(1);
  });

  it("plays without a retry where the page may only listen", async () => {
    const { player, audio } = await failedAt(12);
    server.answers(403, { code: "forbidden" });
    player.tryAgain();
    await settled();
    expect(audio.sources).toHaveLength(2);
  });

  it.each([
    ["called off", 200, { state: "remote" }, "cancelled", "remote"],
    ["erased", 404, { code: "recording_not_found" }, "recording_not_found", "gone"],
  ])("is told as %s when the run was cancelled", async (_, status, said, code, learnt) => {
    const events = server.opens();
    server.answers(status, said);
    const { player } = playerOf("CA1");
    player.press();
    await vi.advanceTimersByTimeAsync(250);
    events.say("run", running);
    events.say("run", { ...running, status: "cancelled" });
    await settled();
    expect(player.store.get()).toMatchObject({ problem: { code }, learnt });
  });

  it("is not believed when it is old news, told before this press's own run", async () => {
    const old = server.opens();
    server.answers(200, { state: "fetching", run: running });
    server.opens();
    const { player, phase } = playerOf("CA1");
    player.press();
    await vi.advanceTimersByTimeAsync(250);
    old.say("failed", { detail: "Yesterday's failure." });
    await vi.advanceTimersByTimeAsync(250);
    expect(phase()).toBe("starting");
    expect(server.asked.map(({ url }) => url)).toEqual([
      "/api/recordings/CA1/events",
      "/api/recordings/CA1",
      "/api/recordings/CA1/events",
    ]);
  });
});

describe("seeking", () => {
  function playing() {
    const it = playerOf("CA1");
    it.player.update({ call_sid: "CA1", state: "ready" });
    it.player.press();
    it.audio.knows(60);
    it.audio.says("playing");
    return it;
  }

  it("stays within the recording, and needs one", () => {
    const { player, audio } = playing();
    player.seek(1000);
    expect(audio.sent).toEqual([60]);
    const idle = playerOf("CA2");
    idle.player.seek(10);
    expect(idle.audio.sent).toEqual([]);
  });

  it("is kept until the element knows the recording, and then done", () => {
    const { player, audio } = playerOf("CA1");
    player.press();
    player.seek(40);
    player.seekBy(5);
    expect(player.store.get()).toMatchObject({ position: 45, seekable: true });
    expect(audio.sent).toEqual([]);
    audio.says("durationchange");
    audio.knows(60);
    expect(audio.sent).toEqual([45]);
  });

  it("is kept while the recording is waited for, past what has been heard", async () => {
    const events = server.opens();
    const { player, audio, phase } = playerOf("CA1");
    player.press();
    await vi.advanceTimersByTimeAsync(250);
    events.say("run", running);
    audio.knows(60);
    audio.says("playing");
    audio.isAt(12);
    await settled();
    refuses(audio);
    await settled();
    expect(phase()).toBe("waiting");
    player.seek(30);
    audio.says("volumechange");
    expect(player.store.get().position).toBe(30);
    events.say("ready", {});
    await settled();
    audio.knows(60);
    expect(audio.sent).toEqual([30]);
  });

  it("waits for a length to seek in", () => {
    const { player } = playerOf("CA1");
    player.update({ call_sid: "CA1" });
    player.press();
    player.seek(10);
    expect(player.store.get()).toMatchObject({ position: 0, seekable: false });
  });

  it("moves on by every key, the element only now and then", async () => {
    const { player, audio } = playing();
    for (let i = 0; i < 5; i++) player.seekBy(5);
    expect(audio.sent).toEqual([5]);
    await vi.advanceTimersByTimeAsync(120);
    expect(audio.sent).toEqual([5, 25]);
  });
});

it("keeps speed and volume for the next call", () => {
  const one = playerOf("CA1");
  one.player.press();
  one.player.setRate(1.5);
  one.player.setVolume(0.4);
  const two = playerOf("CA2");
  two.player.press();
  expect(two.audio).toMatchObject({ playbackRate: 1.5, defaultPlaybackRate: 1.5, volume: 0.4 });
});
