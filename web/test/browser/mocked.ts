import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll } from "vitest";
import { type Call, startMock } from "../../mock/server.mjs";
import { wav } from "../../mock/sound.mjs";
import { openChromium, type VisitOptions, visit } from "./harness.ts";

/** A call of the scripted server. */
export const call = (callSid: string, seconds: number, script: Call["script"] = {}, about = {}): Call => ({
  about: { call_sid: callSid, from: "+12025550142", to: "+97235550142", duration_seconds: seconds, ...about },
  audio: wav(seconds),
  script,
});

/** Arrives over 8 s: long enough to look around in. */
export const slow = { firstByte: 300, rate: 160_000 };

/** For the tests of one file: a browser, and the console of a scripted server in it, which ends with the test. */
export function mockedConsole() {
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

  return async (calls: Call[], options: VisitOptions = {}) => {
    const mock = await startMock(calls);
    const seen = await visit(browser, mock.url, options);
    ends.push(async () => {
      await seen.page.context().close();
      await mock.close();
    });
    await seen.page.locator(".call").first().waitFor();
    return { mock, seen, page: seen.page };
  };
}
