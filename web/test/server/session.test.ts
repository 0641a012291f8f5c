import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { wav } from "../../mock/sound.mjs";
import { looks, serious } from "../browser/axe.ts";
import { buttonOf, openChromium, sounds, visit } from "../browser/harness.ts";
import { KEY, type Server, startServe } from "./onetake.ts";
import { type Provider, startProvider } from "./provider.ts";

// `onetake serve` asks for a key, which becomes a cookie: the audio element carries that too.

let browser: Browser;
let provider: Provider;
let server: Server;

beforeAll(async () => {
  browser = await openChromium();
  provider = await startProvider();
  server = await startServe(provider.url);
  provider.has("CA1", wav(20));
  await server.api("PUT", "/api/recordings/CA1", { provider: "main", source_url: `${provider.url}/CA1` });
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
  await provider?.stop();
});

it("is begun with the tenant's key and no other, plays, and is ended", async () => {
  const { page, faults } = await visit(browser, server.url);
  const key = page.getByLabel("API key");
  const enter = page.getByRole("button", { name: "Sign in" });
  await key.fill("not-the-key");
  await enter.click();
  await page.getByRole("alert").getByText("not valid").waitFor();
  expect(await page.context().cookies()).toEqual([]);

  await key.fill(KEY);
  await enter.click();
  await page.locator(".call").waitFor();
  expect(await page.context().cookies()).toMatchObject([{ httpOnly: true, sameSite: "Strict" }]);
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
  expect(kept).not.toContain("acme");
  await buttonOf(page, "CA1").click();
  await sounds(page, "CA1", 0.3);

  await page.reload();
  await page.locator(".call").waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await key.waitFor();
  expect(await page.context().cookies()).toEqual([]);
  await page.reload();
  await key.waitFor();
  expect(faults).toEqual([]);
  await page.context().close();
});

it.each(looks)("has nothing that axe finds serious: %j", async (look) => {
  const { page } = await visit(browser, server.url, look);
  await page.locator(".sign-in input").fill("not-the-key");
  await page.locator(".sign-in button").click();
  await page.getByRole("alert").waitFor();
  expect(await serious(page)).toEqual([]);
  await page.context().close();
});
