import { describe, expect, it } from "vitest";
import { chosenLang, size, when } from "./i18n.ts";

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
