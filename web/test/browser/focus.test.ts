import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { buttonOf, sounds, until } from "./harness.ts";
import { call, mockedConsole, slow } from "./mocked.ts";

const console_ = mockedConsole();

/** The name of what has the focus; "": nothing has. */
const focused = (page: Page) =>
  page.evaluate(() => {
    const here = document.activeElement;
    return here === document.body ? "" : (here?.getAttribute("aria-label") ?? here?.textContent ?? "");
  });

const comesTo = (page: Page, name: RegExp) =>
  until(async () => name.test(await focused(page)), `the focus on ${name}`, 10_000);

const waits = { wait: 200, firstByte: 2_500, rate: 4e6, reason: "queued" };

describe("the focus is not lost", () => {
  it("when waiting is given up: Play has it", async () => {
    const { page } = await console_([call("CA1", 20, waits)]);
    await buttonOf(page, "CA1").click();
    await page.locator(".ot-quiet").focus();
    await page.keyboard.press("Enter");
    await comesTo(page, /^Play/);
  });

  it("when sound begins while it is on what gives waiting up", async () => {
    const { page } = await console_([call("CA1", 20, waits)]);
    await buttonOf(page, "CA1").click();
    await page.locator(".ot-quiet").focus();
    await sounds(page, "CA1");
    await comesTo(page, /^Pause/);
  });

  it("when Try again is used", async () => {
    const { page } = await console_([call("CA1", 20, { ...slow, failAt: [0] })]);
    await buttonOf(page, "CA1").click();
    await page.getByRole("button", { name: /^Try again/ }).focus();
    await page.keyboard.press("Enter");
    await comesTo(page, /^(Play|Pause)/);
  });

  it("when the volume is closed by Escape", async () => {
    const { page } = await console_([call("CA1", 20, { ready: true })]);
    await buttonOf(page, "CA1").click();
    await sounds(page, "CA1");
    await page.locator(".ot-volume > button").click();
    await page.getByRole("slider", { name: "Volume" }).focus();
    await page.keyboard.press("Escape");
    await comesTo(page, /^Volume/);
  });

  it("when the list grows: the first of the new rows has it", async () => {
    const calls = Array.from({ length: 52 }, (_, i) => call(`CA${i}`, 0.1, {}, { from: null, to: null }));
    const { page } = await console_(calls);
    await page.getByRole("button", { name: "Show more" }).focus();
    await page.keyboard.press("Enter");
    await comesTo(page, /^Play CA50$/);
    expect(await page.getByRole("button", { name: "Show more" }).count()).toBe(0);
  });

  it("when the session ends: the key's field has it", async () => {
    const { page } = await console_([call("CA1", 20)]);
    await page.route("**/api/recordings/CA1**", (route) =>
      route.fulfill({ status: 401, json: { code: "unauthorized", status: 401 } }),
    );
    await buttonOf(page, "CA1").click();
    await until(() => page.evaluate(() => document.activeElement?.id === "api-key"), "the focus in the field");
  });
});
