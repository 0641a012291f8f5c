import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Locator,
  type Page,
  type Request,
} from "playwright-core";

/** What a browser test needs, of any server: everything here takes a base URL and knows nothing of the mock. */

export const STREAMING = "[AudioPlayer] Streaming from ";
export const SKIPPED = "[AudioPlayer] Check already in progress, skipping...";
export const ABORTED = "[AudioPlayer] Request aborted";

/** How long something may take that does come: a machine that builds beside the tests starves a browser for seconds. */
export const PATIENCE_MS = 45_000;

/** Debian's Chromium. The autoplay policy stays as it is: what plays here was pressed. */
export const openChromium = (): Promise<Browser> =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });

export interface Visit {
  page: Page;
  /** Requests as the browser's network log has them: method, path with query. */
  requests: string[];
  /** Those of them whose connection the browser still holds. */
  open: Set<string>;
  /** The player's debug lines. */
  lines: string[];
  /** Errors of the page: exceptions, and what the content security policy refused. */
  faults: string[];
}

export type VisitOptions = BrowserContextOptions & {
  lang?: "en" | "he";
  /** Done before the page is opened, as to sign in. */
  before?: (context: BrowserContext) => Promise<unknown>;
};

/** Opens the console in a browser of its own (its own cookies, language and theme). */
export async function visit(browser: Browser, base: string, options: VisitOptions = {}): Promise<Visit> {
  const { lang = "en", before, ...rest } = options;
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, locale: "en-US", ...rest });
  context.setDefaultTimeout(PATIENCE_MS);
  await before?.(context);
  const page = await context.newPage();
  const seen: Visit = { page, requests: [], open: new Set(), lines: [], faults: [] };
  const told = (request: Request) => `${request.method()} ${request.url().slice(base.length)}`;
  const over = (request: Request) => seen.open.delete(told(request));
  page.on("request", (request) => {
    seen.requests.push(told(request));
    seen.open.add(told(request));
  });
  page.on("requestfinished", over);
  page.on("requestfailed", over);
  page.on("console", (message) => {
    if (message.text().startsWith("[AudioPlayer]")) seen.lines.push(message.text());
    if (/Content Security Policy/.test(message.text())) seen.faults.push(message.text());
  });
  page.on("pageerror", (error) => seen.faults.push(String(error)));
  await page.goto(`${base}/?lang=${lang}`);
  return seen;
}

export const streamsOf = (seen: Visit, callSid: string): string[] =>
  seen.requests.filter((request) => request.includes(`/api/recordings/${callSid}/stream`));

/** The one button of a recording: found beside its audio element, so that it is the same one in every language. */
export const buttonOf = (page: Page, callSid: string): Locator =>
  page.locator(".ot-player", { has: page.locator(`audio[data-call-sid="${callSid}"]`) }).locator(".ot-play");

export interface Heard {
  time: number;
  paused: boolean;
  source: boolean;
}

/** What the element does, by the element itself. */
export const heard = (page: Page, callSid: string): Promise<Heard> =>
  page.evaluate((sid) => {
    const audio = document.querySelector<HTMLAudioElement>(`audio[data-call-sid="${sid}"]`);
    return { time: audio?.currentTime ?? 0, paused: audio?.paused ?? true, source: !!audio?.getAttribute("src") };
  }, callSid);

/** Until the position has moved past `seconds`, which nothing but sound does. */
export const sounds = async (page: Page, callSid: string, seconds = 0.1): Promise<void> => {
  await page.waitForFunction(
    ([sid, past]) => {
      const audio = document.querySelector<HTMLAudioElement>(`audio[data-call-sid="${sid}"]`);
      return !!audio && !audio.paused && audio.currentTime > Number(past);
    },
    [callSid, seconds] as const,
    { timeout: PATIENCE_MS },
  );
};

/** Until `there` is so; for what no event tells. */
export async function until(
  there: () => boolean | Promise<boolean>,
  what: string,
  patience = PATIENCE_MS,
): Promise<void> {
  const end = Date.now() + patience;
  while (!(await there())) {
    if (Date.now() > end) throw new Error(`never came: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
