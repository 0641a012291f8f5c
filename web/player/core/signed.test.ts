import { expect, it, vi } from "vitest";
import { eachWithItsServer, type FakeServer, playerOf, refuses, running, settled } from "./fakes.ts";

let server: FakeServer;

eachWithItsServer((made) => {
  server = made;
});

/** What a page's own server would have made: a signature of the path, and of nothing else. */
const sign = (path: string) => `tenant=acme&expires=1&kid=k1&sig=${path.split("/").pop()}`;
const signed = () => playerOf("CA1", { base: "https://calls.example.com", sign });

it("signs the stream and the events, each for itself", async () => {
  server.opens();
  const { player, audio } = signed();
  player.press();
  expect(audio.src).toMatch(
    /^https:\/\/calls\.example\.com\/api\/recordings\/CA1\/stream\?explicit_user_action=true&play=[^&]+&tenant=acme&expires=1&kid=k1&sig=stream$/,
  );
  await vi.advanceTimersByTimeAsync(250);
  expect(server.asked.map(({ url }) => url)).toEqual([
    "https://calls.example.com/api/recordings/CA1/events?tenant=acme&expires=1&kid=k1&sig=events",
  ]);
});

it("asks the stream where it may not ask for the recording", async () => {
  server.answers(500, { code: "fetch_failed", detail: "stalled", status: 500 });
  const { player, audio } = signed();
  player.press();
  refuses(audio);
  await settled();
  expect(server.asked).toMatchObject([{ url: audio.sources[0], headers: { Prefer: "respond-async" } }]);
  expect(player.store.get().problem).toMatchObject({ code: "fetch_failed", detail: "stalled" });
});

it("believes the events about what went wrong, and begins nothing by asking", async () => {
  const events = server.opens();
  const { player } = signed();
  player.press();
  await vi.advanceTimersByTimeAsync(250);
  events.say("run", running);
  events.say("run", { ...running, status: "cancelled" });
  await settled();
  expect(player.store.get().problem?.code).toBe("cancelled");
  expect(server.asked).toHaveLength(1);
});

it("tries again by the press alone", async () => {
  server.answers(500, { code: "fetch_failed", detail: "stalled", status: 500 });
  const { player, audio } = signed();
  player.press();
  refuses(audio);
  await settled();
  player.tryAgain();
  await settled();
  expect(audio.sources).toHaveLength(2);
  expect(server.asked).toHaveLength(1);
});
