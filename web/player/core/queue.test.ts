import { expect, it, vi } from "vitest";
import { eachWithItsServer, type FakeServer, playerOf, refuses, settled } from "./fakes.ts";

const queued = { status: "queued", received_bytes: 0, total_bytes: null, attempt: 0, reason: "queued" };
const noWorker = { code: "no_worker", status: 500, detail: "Start a server with role all or worker." };

let server: FakeServer;

eachWithItsServer((made) => {
  server = made;
});

const asked = () => server.asked.map(({ url }) => url.replace("/api/recordings/CA1", ""));

it("tells at once that nobody works on the queue, where the server knows", async () => {
  server.answers(200, { state: "fetching", run: queued });
  server.opens();
  server.answers(500, noWorker);
  const { player, audio } = playerOf("CA1");
  player.press();
  refuses(audio);
  await settled();
  expect(player.store.get()).toMatchObject({ phase: "failed", problem: { code: "no_worker" } });
  expect(asked()).toEqual(["", "/events", "/fetch"]);
  expect(audio.sources).toHaveLength(1);
});

it("tells it later, where that is known later, and asks no stream for it", async () => {
  const events = server.opens();
  server.answers(202, queued).answers(202, queued).answers(500, noWorker);
  const { player, audio, phase } = playerOf("CA1");
  player.press();
  await vi.advanceTimersByTimeAsync(250);
  events.say("run", queued);
  await settled();
  refuses(audio);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(phase()).toBe("waiting");
  await vi.advanceTimersByTimeAsync(20_000);
  expect(player.store.get().problem?.code).toBe("no_worker");
  expect(asked()).toEqual(["/events", "/fetch", "/fetch", "/fetch"]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(server.asked).toHaveLength(4);
});

it("asks no more when the run has begun, or the listener lets go", async () => {
  const events = server.opens();
  server.answers(202, queued);
  const { player, audio, phase } = playerOf("CA1");
  player.press();
  await vi.advanceTimersByTimeAsync(250);
  events.say("run", queued);
  await settled();
  refuses(audio);
  await settled();
  events.say("run", { ...queued, status: "running", reason: null });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(server.asked).toHaveLength(2);
  expect(phase()).toBe("waiting");
  player.release();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(server.asked).toHaveLength(2);
});
