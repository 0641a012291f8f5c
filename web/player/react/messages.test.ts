import { describe, expect, it } from "vitest";
import type { Fetching, PlayerState } from "../core/index.ts";
import { messages, statusOf } from "./messages.ts";
import { clock, spoken } from "./time.ts";

const base: PlayerState = {
  phase: "playing",
  stalled: false,
  position: 1,
  duration: 60,
  seekable: true,
  arrived: null,
  fetching: null,
  lost: false,
  learnt: null,
  problem: null,
  rate: 1,
  volume: 1,
  muted: false,
};
const fetching: Fetching = { status: "running", reason: null, attempt: 2, received: 430, total: 1000 };
const status = (change: Partial<PlayerState>) => statusOf({ ...base, ...change }, "en");

describe("what is going on, in words", () => {
  it.each<[Partial<PlayerState>, string, number | null]>([
    [{}, "", null],
    [{ phase: "starting" }, "Connecting…", null],
    [{ fetching, arrived: 0.439 }, "Fetching", 43],
    [{ fetching }, "Fetching", null],
    [{ phase: "waiting", fetching: { ...fetching, status: "queued", reason: "queued" } }, "Waiting in the queue", null],
    [{ phase: "waiting", fetching: { ...fetching, reason: "not_ready" } }, "Not ready at the provider yet", null],
    [{ fetching: { ...fetching, reason: "throttled" } }, "The provider is limiting requests, waiting", null],
    [{ fetching: { ...fetching, reason: "retrying" }, arrived: 0.5 }, "Fetching again, attempt 2", 50],
    [{ stalled: true, position: 50, arrived: 0.5, fetching }, "This part has not arrived yet", 50],
    [{ stalled: true, arrived: 1 }, "Loading…", null],
    [{ fetching, arrived: 0.17, lost: true }, "Connection lost, trying again", null],
    [{ phase: "waiting", lost: true }, "Connection lost, trying again", null],
    [{ phase: "failed" }, "", null],
  ])("%j", (change, text, percent) => expect(status(change)).toEqual({ text, percent }));
});

it("begins the names of buttons as the contract says", () => {
  expect(messages.en.play("x")).toMatch(/^Play/);
  expect(messages.en.pause("x")).toMatch(/^Pause/);
  expect(messages.en.tryAgain).toMatch(/^Try again/);
  expect(messages.he.play("x")).toMatch(/^נגן/);
  expect(messages.he.pause("x")).toMatch(/^השהה/);
  expect(messages.he.tryAgain).toMatch(/^נסה שוב/);
});

it("writes and says times", () => {
  expect([0, 9.99, 83, 3723].map((seconds) => clock(seconds))).toEqual(["0:00", "0:09", "1:23", "1:02:03"]);
  expect(clock(83, 3723)).toBe("0:01:23");
  expect(spoken(3723, "en")).toBe("1 hour 2 minutes 3 seconds");
  expect(spoken(0, "en")).toBe("0 seconds");
  expect(spoken(61, "he")).toBe("דקה אחת שנייה אחת");
});
