import { resolve } from "node:path";
import type { Browser } from "playwright-core";
import { type Connect, createServer, type ViteDevServer } from "vite";
import { afterAll, beforeAll, expect, it } from "vitest";
import { wav } from "../../mock/sound.mjs";
import { openChromium, sounds } from "../browser/harness.ts";
import { type Server, signed, startServe } from "./onetake.ts";
import { type Provider, startProvider } from "./provider.ts";

// A page of another origin, without a cookie, that plays by signatures.

const paths = ["/api/recordings/CA1/stream", "/api/recordings/CA1/events"];

let browser: Browser;
let provider: Provider;
let pages: ViteDevServer;
let page_: string;
let server: Server;

beforeAll(async () => {
  browser = await openChromium();
  provider = await startProvider();
  pages = await createServer({
    configFile: false,
    logLevel: "error",
    plugins: [{ name: "call", configureServer: ({ middlewares }) => void middlewares.use("/call", call) }],
    root: resolve(import.meta.dirname, "../../player"),
    server: { host: "127.0.0.1", port: 0 },
  });
  await pages.listen();
  page_ = new URL(pages.resolvedUrls?.local[0] ?? "").origin;
  server = await startServe(provider.url, { "security.cors_origins": [page_] });
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
  await pages?.close();
  await provider?.stop();
});

const call: Connect.SimpleHandleFunction = (_, response) =>
  void response.setHeader("Content-Type", "text/html").end(html());

const html = () => `<audio data-call-sid="CA1"></audio><button>Play</button>
<script type="module">
  import { AudioPlayer } from "/core/index.ts";
  const signatures = ${JSON.stringify(Object.fromEntries(paths.map((path) => [path, signed(path)])))};
  const player = new AudioPlayer({ base: "${server.url}", sign: (path) => signatures[path] });
  player.attach(document.querySelector("audio"), { call_sid: "CA1", duration_seconds: 60 });
  document.querySelector("button").onclick = () => player.press();
  player.store.subscribe(() => { document.title = JSON.stringify(player.store.get()); });
</script>`;

it("plays live from another origin, and shows how much has arrived", async () => {
  provider.has("CA1", wav(60), { firstByte: 600, rate: 100_000 });
  const about = { provider: "main", source_url: `${provider.url}/CA1`, duration_seconds: 60 };
  expect((await server.api("PUT", "/api/recordings/CA1", about)).status).toBe(201);

  const page = await browser.newPage();
  const asked: string[] = [];
  page.on("request", (request) => request.url().startsWith(server.url) && asked.push(new URL(request.url()).pathname));
  await page.goto(`${page_}/call`);
  await page.getByRole("button").click();
  await sounds(page, "CA1", 0.3);
  await page.waitForFunction(() => JSON.parse(document.title || "{}").arrived > 0);
  expect(asked.sort()).toEqual(paths.toSorted());
});
