import { describe, expect, it } from "vitest";
import { chosenLang, size, took, when } from "./i18n.ts";

describe("the language", () => {
  it.each([
    ["?lang=he", ["en-US"], "he"],
    ["?lang=en", ["he"], "en"],
    ["?lang=fr", ["he-IL"], "he"],
    ["", ["fr", "iw", "en"], "he"],
    ["", ["de"], "en"],
    ["", [], "en"],
  ])("%s with %j is %s", (search, preferred, lang) => expect(chosenLang(search, preferred)).toBe(lang));
});

it("writes sizes and times, and nothing for what is no time", () => {
  expect(size(512, "en")).toBe("512 bytes");
  expect(size(1_280_044, "en")).toBe("1.3 MB");
  expect(when("1999-11-21T10:00:00.000Z", "en")).toMatch(/Nov 21, 1999/);
  expect(when(`${new Date().getFullYear()}-11-21T10:00:00.000Z`, "en")).toMatch(/^Nov 21, \d+:00.[AP]M$/);
  expect(when("soon", "en")).toBe("");
  expect(when(null, "en")).toBe("");
});

it("writes how long a run has taken in the language's own unit", () => {
  const run = { id: "1", call_sid: "CA1", status: "completed" as const, started_at: "2026-11-21T10:00:00.000Z" };
  const ended = { ...run, completed_at: "2026-11-21T10:00:02.500Z" };
  expect(took(ended, "en")).toBe("2.5 sec");
  expect(took(ended, "he")).toContain("שנ׳");
  expect(took(run, "en")).toBe("");
});
