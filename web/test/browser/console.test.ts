import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { sample } from "../../mock/sample.mjs";
import { type Call, startMock } from "../../mock/server.mjs";
import { looks, serious } from "./axe.ts";
import { buttonOf, openChromium, sounds, until, visit } from "./harness.ts";

let browser: Browser;
let ends: (() => Promise<void>)[] = [];

beforeAll(async () => {
  browser = await openChromium();
});
afterAll(() => browser.close());
afterEach(async () => {
  for (const end of ends.reverse()) await end();
  ends = [];
});

async function opened(options: Parameters<typeof visit>[2] = {}, key = "", calls: Call[] = sample()) {
  const mock = await startMock(calls, key ? { key } : {});
  const seen = await visit(browser, mock.url, options);
  ends.push(async () => {
    await seen.page.context().close();
    await mock.close();
  });
  return { mock, seen, page: seen.page };
}

const html = (page: Page) => page.evaluate(() => [document.documentElement.lang, document.documentElement.dir]);

describe("the language", () => {
  it("is chosen by the address, then by the browser, and can be switched without a reload", async () => {
    const { page, seen, mock } = await opened({ locale: "he-IL" });
    expect(await html(page)).toEqual(["en", "ltr"]);
    await page.goto(`${mock.url}/`);
    await page.locator(".call").first().waitFor();
    expect(await html(page)).toEqual(["he", "rtl"]);
    await buttonOf(page, sample()[1]?.about.call_sid ?? "").click();
    await sounds(page, sample()[1]?.about.call_sid ?? "");
    const asked = () => seen.requests.filter((request) => request.includes("/api/")).length;
    const before = asked();
    await page.getByRole("button", { name: "English" }).click();
    expect(await html(page)).toEqual(["en", "ltr"]);
    expect(page.url()).toContain("lang=en");
    await page.getByRole("button", { name: /^Pause/ }).waitFor();
    expect(asked()).toBe(before);
  });

  it("mirrors the chrome in Hebrew, but not numbers, the time axis and the transport", async () => {
    const { page } = await opened({ lang: "he" });
    const first = page.locator(".call").first();
    await first.getByRole("button", { name: /^נגן/ }).click();
    await first.getByRole("button", { name: /^השהה/ }).waitFor();
    const at = async (selector: string) => (await first.locator(selector).first().boundingBox())?.x ?? 0;
    expect(await at(".ot-play")).toBeGreaterThan(await at(".badge"));
    expect(await at(".ot-time")).toBeLessThan(await at(".ot-total"));
    expect(await at(".ot-controls button:nth-child(1)")).toBeLessThan(await at(".ot-controls button:nth-child(2)"));
    expect(await first.locator(".parties bdi").first().getAttribute("dir")).toBe("ltr");
    await page.locator(".call").nth(2).getByRole("button", { name: /^נגן/ }).click();
    await page.getByRole("alert").waitFor();
    await page.getByRole("button", { name: /^נסה שוב/ }).waitFor();
  });
});

describe("the list", () => {
  it("pages, searches, and keeps the words in the address", async () => {
    const calls = Array.from({ length: 60 }, (_, i) => ({
      about: {
        call_sid: `CA${String(i).padStart(3, "0")}`,
        from: i === 7 ? "+97225550107" : "+12025550100",
        to: "+12025550101",
      },
      audio: Buffer.alloc(600),
    }));
    const { page, mock } = await opened({}, "", calls);
    const rows = page.locator(".call");
    await until(async () => (await rows.count()) === 50, "the first page");
    await page.getByRole("button", { name: "Show more" }).click();
    await until(async () => (await rows.count()) === 60, "the second page");
    expect(await page.getByRole("button", { name: "Show more" }).count()).toBe(0);
    await page.getByRole("searchbox").fill("+972");
    await until(async () => (await rows.count()) === 1, "what was found");
    await page.goto(`${mock.url}/?lang=en#/?q=CA05`);
    await page.reload();
    await until(async () => (await rows.count()) === 10, "what was found by the address");
    await page.getByRole("searchbox").fill("nothing");
    await page.getByText("Nothing begins with “\u2066nothing\u2069”").waitFor();
  });

  it("shows a number that is typed as it is, in Hebrew too", async () => {
    const { page } = await opened({ lang: "he" });
    const field = page.getByRole("searchbox");
    expect(await field.getAttribute("dir")).toBeNull();
    await field.fill("+97299");
    expect(await field.getAttribute("dir")).toBe("ltr");
    await page.getByRole("heading", { name: "\u2066+97299\u2069" }).waitFor();
  });

  it("shows what a recording is, and whom the audio is owed to", async () => {
    const { page } = await opened();
    const second = page.locator(".call").nth(1);
    await second.getByRole("button", { name: /^Details/ }).click();
    const details = second.locator("dl");
    await details.getByText("audio/wav").waitFor();
    expect(await details.textContent()).toContain(sample()[1]?.about.call_sid);
    expect(await page.locator("footer").getByText("Asterisk core sounds").count()).toBe(1);
    expect(await page.locator("footer").textContent()).toMatch(/^onetake \d+\.\d+\.\d+/);
  });

  it("shows the state that the player has learnt", async () => {
    const { page } = await opened();
    const third = page.locator(".call").nth(2);
    await third.getByRole("button", { name: /^Play/ }).click();
    await page.getByRole("alert").waitFor();
    await third.locator(".badge[data-state=failed]").waitFor();
    await page.getByRole("link", { name: "Runs" }).click();
    const run = page.getByRole("row").nth(1);
    await run.getByText("Failed").waitFor();
    expect(await run.textContent()).toContain("The provider answered 503 Service Unavailable.");
  });

  it("is told from a list that did not come", async () => {
    const { page, mock } = await opened();
    await page.locator(".call").first().waitFor();
    await page.route("**/api/recordings?*", (route) => route.fulfill({ status: 400, json: { detail: "Bad cursor" } }));
    await page.goto(`${mock.url}/?lang=en`);
    await page.getByRole("alert").getByText("Bad cursor").waitFor();
    await page.unroute("**/api/recordings?*");
    await page.route("**/api/recordings?*", (route) => route.abort());
    await page.getByRole("button", { name: "Load again" }).click();
    await page.getByRole("alert").getByText("The server cannot be reached.").waitFor();
    await page.unroute("**/api/recordings?*");
    await page.getByRole("button", { name: "Load again" }).click();
    await page.locator(".call").first().waitFor();
  });
});

describe("the session", () => {
  it("is begun with a key, which is not kept, and ended", async () => {
    const { page } = await opened({}, "key-of-acme");
    await page.getByLabel("API key").waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);
    await page.getByLabel("API key").fill("wrong");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("alert").getByText("not valid").waitFor();
    await page.getByLabel("API key").fill("key-of-acme");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.locator(".call").first().waitFor();
    expect(await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]))).not.toContain(
      "acme",
    );
    await page.reload();
    await page.locator(".call").first().waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("API key").waitFor();
    await page.reload();
    await page.getByLabel("API key").waitFor();
  });

  it("that ends while listening brings the form", async () => {
    const { page } = await opened({}, "key-of-acme");
    await page.getByLabel("API key").fill("key-of-acme");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.locator(".call").first().waitFor();
    await page.context().clearCookies();
    await page.locator(".ot-play").first().click();
    await page.getByLabel("API key").waitFor();
    await page.getByRole("alert").getByText("The session has ended. Sign in again.").waitFor();
    await page.getByRole("button", { name: "עברית" }).click();
    await page.getByRole("alert").getByText("ההתחברות פגה. יש להתחבר מחדש.").waitFor();
    await page.locator(".sign-in input").fill("key-of-acme");
    await page.locator(".sign-in button").click();
    await page.locator(".call").first().waitFor();
  });
});

describe("accessibility", () => {
  it.each(looks)("finds nothing serious, whatever is shown: %j", async (look) => {
    const { page } = await opened(look);
    const calls = page.locator(".call");
    await calls.first().waitFor();
    expect(await serious(page)).toEqual([]);
    await calls.nth(2).locator(".ot-play").click();
    await page.getByRole("alert").waitFor();
    await calls.nth(0).locator(".ot-play").click();
    await calls.nth(1).locator(".disclose").click();
    await sounds(page, sample()[0]?.about.call_sid ?? "");
    await calls.nth(0).locator(".ot-volume > button").click();
    expect(await serious(page)).toEqual([]);
    await calls.nth(3).locator(".ot-play").click();
    await page.locator(".ot-quiet").waitFor();
    expect(await serious(page)).toEqual([]);
    await page.locator("nav a").nth(1).click();
    await page.locator(".runs").waitFor();
    expect(await serious(page)).toEqual([]);
  });

  it.each(looks)("finds nothing serious in what is empty: %j", async (look) => {
    const { page } = await opened(look, "", []);
    await page.locator(".empty").waitFor();
    expect(await serious(page)).toEqual([]);
  });

  it.each(looks)("finds nothing serious in the sign-in form: %j", async (look) => {
    const { page } = await opened(look, "key-of-acme");
    await page.locator(".sign-in input").fill("wrong");
    await page.locator(".sign-in button").click();
    await page.getByRole("alert").waitFor();
    expect(await serious(page)).toEqual([]);
  });

  it("needs no pointer", async () => {
    const { page } = await opened();
    await page.locator(".call").first().waitFor();
    await buttonOf(page, sample()[1]?.about.call_sid ?? "").focus();
    await page.keyboard.press("Space");
    await sounds(page, sample()[1]?.about.call_sid ?? "");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.getAttribute("role"))).toBe("slider");
  });

  const widths = [320, 390, 700, 1280].flatMap((width) => (["en", "he"] as const).map((lang) => ({ width, lang })));

  it.each(widths)("needs no scrolling sideways: %j", async ({ width, lang }) => {
    const calls = sample();
    Object.assign(calls[1]?.about ?? {}, {
      from: "sip:switchboard-of-the-northern-branch@voice.calls.example.com",
      labels: { "x-customer-reference-as-the-ticket-system-writes-it": "8c1f" },
    });
    const { page } = await opened({ viewport: { width, height: 800 }, lang }, "", calls);
    const wider = () =>
      page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    await page.locator(".call").first().waitFor();
    await page.locator(".ot-play").nth(2).click();
    await page.getByRole("alert").waitFor();
    await page.locator(".ot-play").nth(1).click();
    await page.locator(".disclose").nth(1).click();
    await page.locator(".ot-volume > button").click();
    expect(await wider()).toBe(0);
    const row = await page.locator(".calls").boundingBox();
    const address = await page.getByText("sip:switchboard").boundingBox();
    expect(address?.x).toBeGreaterThanOrEqual(row?.x ?? 0);
    expect((address?.x ?? 0) + (address?.width ?? 0)).toBeLessThanOrEqual((row?.x ?? 0) + (row?.width ?? 0));
    const popover = await page.locator(".ot-popover").boundingBox();
    expect(popover?.x).toBeGreaterThanOrEqual(0);
    expect((popover?.x ?? 0) + (popover?.width ?? 0)).toBeLessThanOrEqual(width);
    await page.locator("nav a").nth(1).click();
    await page.locator(".runs").waitFor();
    expect(await wider()).toBe(0);
  });
});
