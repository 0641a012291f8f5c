import { describe, expect, it } from "vitest";
import type { Problem } from "../core/index.ts";
import { problemText } from "./problems.ts";

const problem = (change: Partial<Problem>): Problem => ({
  code: "fetch_failed",
  title: "The recording could not be fetched",
  detail: "",
  status: 500,
  ...change,
});

const CAUSES =
  "not_ready throttled unavailable unreachable interrupted stalled timed_out unauthorized forbidden missing gone " +
  "wrong_content too_large refused no_space overdue internal";

describe("a failed fetch", () => {
  it.each([
    ["wrong_content: what the provider sent is not audio", "What the provider sent is not a whole recording."],
    ["unreachable: 127.0.0.1:44557: Empty reply from server", "The provider cannot be reached."],
    ["stalled", "The provider stopped sending."],
  ])("is told by its cause, with %j for whoever asks", (detail, text) =>
    expect(problemText(problem({ detail }), "en")).toEqual({ text, technical: `fetch_failed · ${detail}` }),
  );

  it.each(CAUSES.split(" "))("has words of its own for %s, in both languages", (cause) => {
    const [en, he] = (["en", "he"] as const).map((lang) => problemText(problem({ detail: cause }), lang).text);
    expect(en).not.toBe(problemText(problem({}), "en").text);
    expect(he).toMatch(/^[֐-׿ :,.]+$/u);
  });

  it("has a sentence also for a cause that is not known", () =>
    expect(problemText(problem({ detail: "eclipse: the sun is gone" }), "he").text).toBe(
      "לא ניתן היה להוריד את ההקלטה.",
    ));
});

it("leaves the server's words out where the player has its own", () => {
  const gone = problem({ code: "recording_not_found", status: 404, detail: "Register it first: PUT /api/recordings/" });
  expect(problemText(gone, "en")).toEqual({
    text: "There is no such recording any more.",
    technical: "recording_not_found",
  });
});

it("tells every 401 as the end of the session", () =>
  expect(problemText(problem({ code: "http_401", status: 401 }), "en").text).toMatch(/^The session has ended/));

it("takes no name of an object's own for a code", () =>
  expect(problemText(problem({ code: "constructor", detail: "toString" }), "en").text).toBe(
    "The recording could not be fetched.",
  ));
