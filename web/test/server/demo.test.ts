import { readFileSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { looks, serious } from "../browser/axe.ts";
import {
  buttonOf,
  heard,
  openChromium,
  STREAMING,
  sounds,
  streamsOf,
  until,
  type Visit,
  visit,
} from "../browser/harness.ts";
import { type Server, startDemo } from "./onetake.ts";

// `onetake demo` as it is: its calls, its provider's moods. Each call is cold once, so each test has one of its own.

interface Told {
  call_sid: string;
  labels: { topic: string };
}

let browser: Browser;
let server: Server;
let topics: Map<string, string>;
let ends: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  browser = await openChromium();
  server = await startDemo();
  const { items } = await server.read<{ items: Told[] }>("/api/recordings");
  // Of two with the same topic the newer one.
  topics = new Map(items.reverse().map(({ call_sid, labels }) => [labels.topic, call_sid]));
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
});
afterEach(async () => {
  for (const end of ends.reverse()) await end();
  ends = [];
});

const about = (topic: string): string => {
  const sid = topics.get(topic);
  if (!sid) throw new Error(`no call about “${topic}”; there are ${[...topics.keys()].join(", ")}`);
  return sid;
};

async function console_(options: Parameters<typeof visit>[2] = {}): Promise<Visit> {
  const seen = await visit(browser, server.url, options);
  ends.push(() => seen.page.context().close());
  await seen.page.locator(".call").nth(7).waitFor();
  return seen;
}

const asked = () => server.metric("onetake_provider_requests_total");
const rowOf = (page: Page, sid: string) =>
  page.locator(".call", { has: page.locator(`audio[data-call-sid="${sid}"]`) });

/** What a tab's process has in memory, in MB: all that is resident, as the system tells it. */
async function memory(): Promise<number> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  const resident = processInfo
    .filter(({ type }) => type === "renderer")
    .map(({ id }) => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${id}/status`, "utf8"))?.[1] ?? 0) / 1024);
  return resident.reduce((sum, each) => sum + each, 0);
}

describe("the demo", () => {
  it("fetches no recording when its page is opened, looked through and left", async () => {
    const { page, requests, faults } = await console_();
    await page.locator(".disclose").first().click();
    await page.locator(".details").waitFor();
    await page.getByRole("searchbox").fill("+1303");
    await until(async () => (await page.locator(".call").count()) === 1, "what was found");
    await page.getByRole("link", { name: "Runs" }).click();
    await page.getByText("Nothing has been fetched yet").waitFor();
    expect(requests.filter((request) => /\/(stream|events|fetch)/.test(request))).toEqual([]);
    expect(await asked()).toBe(0);
    expect(faults).toEqual([]);
  });

  it("plays a cold call while it is fetched, from one request to the provider", async () => {
    const sid = about("two minutes");
    const before = await asked();
    const seen = await console_();
    await buttonOf(seen.page, sid).click();
    await sounds(seen.page, sid, 0.3);
    expect(await server.state(sid)).toBe("fetching");
    expect(await seen.page.locator(".ot-status").textContent()).toMatch(/^Fetching \d+ %$/);
    await rowOf(seen.page, sid).locator(".badge[data-state=ready]").waitFor();
    await sounds(seen.page, sid, (await heard(seen.page, sid)).time + 0.3);
    expect(streamsOf(seen, sid).length).toBeLessThanOrEqual(2);
    expect((await asked()) - before).toBe(1);
    expect(seen.lines).toEqual([`${STREAMING}${sid}`]);
    expect(seen.faults).toEqual([]);
  });

  it("shows half an hour at once, seeks ahead of the fetch, and holds no half hour in memory", async () => {
    const sid = about("half an hour");
    const seen = await console_();
    const { page } = seen;
    const row = rowOf(page, sid);
    expect(await row.locator(".facts").textContent()).toContain("30:00");
    const calm = await memory();
    await buttonOf(page, sid).click();
    expect(await row.locator(".ot-total").textContent()).toBe("30:00");
    await sounds(page, sid, 0.2);
    expect(await row.getByRole("slider").getAttribute("aria-valuemax")).toBe("1800");

    // Fifteen minutes are 29 MB: at 2 MB/s that is far ahead.
    const box = await row.getByRole("slider").boundingBox();
    if (!box) throw new Error("no slider");
    await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
    await until(async () => (await heard(page, sid)).time > 880, "the other place");
    expect(await server.state(sid)).toBe("fetching");
    await row.getByText("This part has not arrived yet").waitFor();
    await sounds(page, sid, 900.5);
    expect((await heard(page, sid)).time).toBeLessThan(930);
    await row.locator(".badge[data-state=ready]").waitFor();
    await sounds(page, sid, (await heard(page, sid)).time + 0.3);
    // Decoded it would be 115 MB as integers of 16 bit, and 635 MB as Web Audio has it.
    const grown = (await memory()) - calm;
    console.log(
      `half an hour: ${grown.toFixed(0)} MB more in the tabs, ${streamsOf(seen, sid).length} stream requests`,
    );
    expect(grown).toBeLessThan(100);
  });

  it("says that a call is not ready yet, and plays it by itself once it is", async () => {
    const sid = about("just ended");
    const seen = await console_();
    await buttonOf(seen.page, sid).click();
    await seen.page.getByRole("status").getByText("Not ready at the provider yet").waitFor();
    await until(async () => !(await heard(seen.page, sid)).paused, "the element goes on waiting");
    await seen.page.locator(".ot-player[data-phase=playing]").waitFor();
    await sounds(seen.page, sid, 0.3);
    expect(streamsOf(seen, sid).length).toBeLessThanOrEqual(2);
    expect(seen.lines).toEqual([`${STREAMING}${sid}`]);
  });

  it.each([
    ["provider in trouble", "fetch_failed"],
    ["deleted at the provider", "recording_gone"],
  ])("is honest about a failure: %s", async (topic, code) => {
    const sid = about(topic);
    const { page } = await console_();
    const row = rowOf(page, sid);
    await buttonOf(page, sid).click();
    await row.getByRole("alert").filter({ hasText: code }).waitFor();
    await row.getByRole("button", { name: /^Try again/ }).click();
    await row.getByRole("alert").filter({ hasText: code }).waitFor();
    expect(await heard(page, sid)).toMatchObject({ source: false });
  });

  it("is right-to-left in Hebrew, and time is not", async () => {
    const sid = about("short");
    const { page } = await console_({ lang: "he" });
    expect(await page.evaluate(() => [document.documentElement.lang, document.documentElement.dir])).toEqual([
      "he",
      "rtl",
    ]);
    const row = rowOf(page, sid);
    await row.getByRole("button", { name: /^נגן/ }).click();
    await row.getByRole("button", { name: /^השהה/ }).waitFor();
    await sounds(page, sid);
    const at = async (selector: string) => (await row.locator(selector).first().boundingBox())?.x ?? 0;
    expect(await at(".ot-play")).toBeGreaterThan(await at(".badge"));
    expect(await at(".ot-time")).toBeLessThan(await at(".ot-total"));
    expect(await row.locator(".parties bdi").first().getAttribute("dir")).toBe("ltr");
    await buttonOf(page, about("deleted at the provider")).click();
    await page.getByRole("alert").waitFor();
    await page.getByRole("button", { name: /^נסה שוב/ }).waitFor();
  });

  it.each(looks)("has nothing that axe finds serious: %j", async (look) => {
    const { page } = await console_(look);
    expect(await serious(page)).toEqual([]);
    await buttonOf(page, about("deleted at the provider")).click();
    await page.getByRole("alert").waitFor();
    expect(await serious(page)).toEqual([]);
    await buttonOf(page, about("slow line")).click();
    await sounds(page, about("slow line"));
    await page.locator(".disclose").nth(1).click();
    await page.locator(".details").waitFor();
    expect(await serious(page)).toEqual([]);
    await page.locator("nav a").nth(1).click();
    await page.locator(".runs").waitFor();
    expect(await serious(page)).toEqual([]);
  });
});
