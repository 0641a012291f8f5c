import { describe, expect, it } from "vitest";
import { ABORTED, buttonOf, heard, SKIPPED, STREAMING, sounds, streamsOf, until } from "./harness.ts";
import { call, mockedConsole, slow } from "./mocked.ts";

const console_ = mockedConsole();

describe("a press", () => {
  it("is what it takes: opening the page fetches no recording", async () => {
    const { mock, seen } = await console_([call("CA1", 40, slow), call("CA2", 10, { ready: true })]);
    expect(seen.requests.filter((request) => /\/api\/recordings\//.test(request))).toEqual([]);
    expect(mock.one("CA1").requests).toBe(0);
  });

  it("is heard while the fetch goes on, from one stream request and the events", async () => {
    const { mock, seen, page } = await console_([call("CA1", 40, slow)]);
    await buttonOf(page, "CA1").click();
    await sounds(page, "CA1", 0.2);
    expect(mock.one("CA1").state).toBe("fetching");
    expect(await page.locator(".ot-status").textContent()).toMatch(/^Fetching \d+ %$/);
    expect(await page.locator(".ot-frontier").count()).toBe(1);
    await until(() => mock.one("CA1").state === "ready", "the end of the fetch");
    const { time } = await heard(page, "CA1");
    await sounds(page, "CA1", time + 0.5);
    await until(async () => (await page.locator(".ot-frontier").count()) === 0, "the end of the frontier");
    expect(streamsOf(seen, "CA1")).toHaveLength(1);
    expect(seen.requests.filter((request) => request.includes("/api/recordings/CA1"))).toHaveLength(2);
    expect(seen.lines).toEqual([`${STREAMING}CA1`]);
    expect(mock.log.find(({ path }) => path.endsWith("/stream"))?.range).toBe("bytes=0-");
    expect(seen.faults).toEqual([]);
  });

  it("on a ready recording is one request", async () => {
    const { seen, page } = await console_([call("CA1", 20, { ready: true })]);
    await buttonOf(page, "CA1").click();
    await sounds(page, "CA1", 1);
    expect(seen.requests.filter((request) => request.includes("/api/recordings/CA1"))).toHaveLength(1);
  });

  it("ten times in two seconds is one press, and it plays", async () => {
    const { mock, seen, page } = await console_([call("CA1", 40, { ...slow, firstByte: 600 })]);
    const button = buttonOf(page, "CA1");
    for (let i = 0; i < 10; i++) {
      await button.click();
      await page.waitForTimeout(200);
    }
    await sounds(page, "CA1", 1);
    expect(streamsOf(seen, "CA1").length).toBeLessThanOrEqual(2);
    expect(seen.lines).toEqual([`${STREAMING}CA1`, ...Array(9).fill(SKIPPED)]);
    expect(mock.one("CA1").requests).toBe(1);
  });

  it("pauses what plays, and goes on without a request", async () => {
    const { seen, page } = await console_([call("CA1", 20, { ready: true })]);
    const button = buttonOf(page, "CA1");
    expect(await button.getAttribute("aria-label")).toMatch(/^Play/);
    await button.click();
    await sounds(page, "CA1");
    expect(await button.getAttribute("aria-label")).toMatch(/^Pause/);
    await button.click();
    await until(async () => /^Play/.test((await button.getAttribute("aria-label")) ?? ""), "the name Play");
    expect((await heard(page, "CA1")).paused).toBe(true);
    await button.click();
    await sounds(page, "CA1", 0.5);
    expect(streamsOf(seen, "CA1")).toHaveLength(1);
    expect(seen.lines).toEqual([`${STREAMING}CA1`]);
  });
});

describe("letting go in mid-fetch", () => {
  it("closes the connections when the view is left", async () => {
    const { mock, seen, page } = await console_([call("CA1", 40, slow)]);
    await buttonOf(page, "CA1").click();
    await sounds(page, "CA1", 0.2);
    await page.getByRole("link", { name: "Runs" }).click();
    const open = () => mock.log.filter(({ path, closed }) => path.startsWith("/api/recordings/CA1") && !closed);
    await until(() => open().length === 0, "closed connections");
    expect(mock.one("CA1").state).toBe("fetching");
    expect(seen.lines).toEqual([`${STREAMING}CA1`, ABORTED]);
  });

  it("goes from one recording to the other, and back", async () => {
    const { mock, seen, page } = await console_([call("CA1", 40, slow), call("CA2", 40, slow)]);
    await buttonOf(page, "CA1").click();
    await sounds(page, "CA1", 0.2);
    await buttonOf(page, "CA2").click();
    await sounds(page, "CA2", 0.2);
    expect(await heard(page, "CA1")).toMatchObject({ paused: true, source: false });
    expect(await page.getByRole("slider").count()).toBe(1);
    await buttonOf(page, "CA1").click();
    await sounds(page, "CA1", 0.2);
    expect(await heard(page, "CA2")).toMatchObject({ paused: true, source: false });
    expect(seen.lines).toEqual([`${STREAMING}CA1`, ABORTED, `${STREAMING}CA2`, ABORTED, `${STREAMING}CA1`]);
    expect([mock.one("CA1").requests, mock.one("CA2").requests]).toEqual([1, 1]);
  });

  it("still shows when the fetch that nobody listens to any more is over", async () => {
    const { mock, page } = await console_([
      call("CA1", 40, { ...slow, rate: 320_000 }),
      call("CA2", 20, { ready: true }),
    ]);
    await buttonOf(page, "CA1").click();
    await page.locator(".badge[data-state=fetching]").waitFor();
    await buttonOf(page, "CA2").click();
    await sounds(page, "CA2");
    await until(() => mock.one("CA1").state === "ready", "the end of the fetch");
    await until(async () => (await page.locator(".badge[data-state=ready]").count()) === 2, "two that are ready");
  });

  it("keeps what is heard when a search does not find it", async () => {
    const { seen, page } = await console_([call("CA1", 40, slow), call("XX2", 10)]);
    await buttonOf(page, "CA1").click();
    await sounds(page, "CA1", 0.2);
    await page.getByRole("searchbox").fill("XX");
    await until(() => seen.requests.some((request) => request.includes("q=XX")), "the search");
    const { time } = await heard(page, "CA1");
    await sounds(page, "CA1", time + 0.3);
    expect(seen.lines).toEqual([`${STREAMING}CA1`]);
  });
});

describe("when it cannot be heard yet", () => {
  it.each([
    ["queued", "Waiting in the queue"],
    ["not_ready", "Not ready at the provider yet"],
    ["throttled", "The provider is limiting requests, waiting"],
  ])("%s: says so after the 202, and plays when it is ready", async (reason, words) => {
    const script = { wait: 200, firstByte: 1_200, rate: 4e6, reason };
    const { seen, page } = await console_([call("CA1", 20, script)]);
    await buttonOf(page, "CA1").click();
    await page.getByRole("status").getByText(words).waitFor();
    await sounds(page, "CA1", 0.3);
    expect(streamsOf(seen, "CA1")).toHaveLength(2);
    expect(seen.lines).toEqual([`${STREAMING}CA1`]);
  });

  it("can be called off", async () => {
    const { mock, seen, page } = await console_([call("CA1", 20, { wait: 200, firstByte: 5_000, reason: "queued" })]);
    await buttonOf(page, "CA1").click();
    await page.getByRole("status").getByText("Waiting in the queue").waitFor();
    await page.getByRole("button", { name: "Stop waiting" }).click();
    await until(() => mock.log.every(({ path, closed }) => !path.includes("CA1") || closed), "closed connections");
    expect(seen.lines).toEqual([`${STREAMING}CA1`, ABORTED]);
    expect(await page.getByRole("slider").count()).toBe(0);
  });
});

describe("when it fails", () => {
  it.each([
    ["at once", 0],
    ["at half", 0.5],
  ])("%s: the cause in an alert, and Try again plays", async (_, share) => {
    const { mock, seen, page } = await console_([call("CA1", 40, { ...slow, failAt: [share] })]);
    await buttonOf(page, "CA1").click();
    const alert = page.getByRole("alert");
    await alert.waitFor();
    expect(await alert.textContent()).toContain("The provider answered 503 Service Unavailable.");
    expect(await alert.textContent()).toContain("fetch_failed");
    expect(await alert.getByText("fetch_failed").isVisible()).toBe(false);
    await alert.getByText("Technical details").click();
    await alert.getByText("fetch_failed").waitFor();
    await until(() => mock.log.every(({ path, closed }) => !path.endsWith("/stream") || closed), "closed connections");
    const before = streamsOf(seen, "CA1").length;
    expect(before).toBeLessThanOrEqual(2);
    await page.getByRole("button", { name: /^Try again/ }).click();
    await sounds(page, "CA1", 0.3);
    expect(await alert.count()).toBe(0);
    expect(streamsOf(seen, "CA1").length - before).toBeLessThanOrEqual(2);
    expect(seen.lines.filter((line) => line.startsWith(STREAMING))).toHaveLength(2);
  });

  it("tells when Play will fetch it again, and that Try again does so at once", async () => {
    const { page } = await console_([call("CA1", 10, { ...slow, failAt: [0] })]);
    await buttonOf(page, "CA1").click();
    await page.getByRole("alert").waitFor();
    await buttonOf(page, "CA1").click();
    await page
      .getByRole("alert")
      .getByText(/Play fetches it again from \d+:\d\d:\d\d.[AP]M on\./)
      .waitFor();
    await page.getByRole("button", { name: /^Try again/ }).click();
    await sounds(page, "CA1");
  });

  it("tells what is gone from what is not there", async () => {
    const { mock, page } = await console_([call("CA1", 10, { gone: true }), call("CA2", 10)]);
    mock.remove("CA2");
    await buttonOf(page, "CA1").click();
    await page.getByRole("alert").getByText("This recording is gone").waitFor();
    await buttonOf(page, "CA2").click();
    await page.getByRole("alert").getByText("no such recording").waitFor();
  });
});

it("says that the server is gone, first that it is tried again", async () => {
  const { mock, page } = await console_([call("CA1", 60, { firstByte: 300, rate: 40_000 })]);
  await buttonOf(page, "CA1").click();
  await sounds(page, "CA1", 0.2);
  await mock.close();
  await page.getByRole("status").getByText("Connection lost, trying again").waitFor({ timeout: 5_000 });
  await page.getByRole("alert").getByText("The server cannot be reached.").waitFor({ timeout: 25_000 });
});

describe("the position", () => {
  it("can be chosen before there is sound", async () => {
    const { seen, page } = await console_([call("CA1", 40, { wait: 200, firstByte: 2_500, rate: 4e6 })]);
    await buttonOf(page, "CA1").click();
    const slider = page.getByRole("slider");
    const box = await slider.boundingBox();
    if (!box) throw new Error("no slider");
    await page.mouse.click(box.x + box.width * 0.5, box.y + box.height / 2);
    await until(async () => (await slider.getAttribute("aria-valuenow")) === "20", "the middle");
    await sounds(page, "CA1", 20.2);
    expect((await heard(page, "CA1")).time).toBeLessThan(25);
    expect(seen.lines).toEqual([`${STREAMING}CA1`]);
  });

  it("is a slider with keys, in words", async () => {
    const { page } = await console_([call("CA1", 90, { ready: true })]);
    await buttonOf(page, "CA1").click();
    await sounds(page, "CA1");
    const slider = page.getByRole("slider");
    const now = async () => Number(await slider.getAttribute("aria-valuenow"));
    await slider.focus();
    for (const [key, low, high] of [
      ["PageUp", 30, 32],
      ["ArrowRight", 35, 38],
      ["ArrowLeft", 30, 34],
      ["PageDown", 0, 5],
      ["ArrowUp", 5, 11],
      ["ArrowDown", 0, 8],
    ] as const) {
      await page.keyboard.press(key);
      await until(async () => (await now()) >= low && (await now()) <= high, `${key}: ${low} to ${high}`);
    }
    await page.keyboard.press("End");
    await until(async () => (await now()) === 90, "the end");
    await page.keyboard.press("Home");
    await until(async () => (await now()) <= 1, "the beginning");
    expect(await slider.getAttribute("aria-valuetext")).toMatch(/second.* of 1 minute 30 seconds$/);
    expect(await slider.getAttribute("aria-valuemax")).toBe("90");
  });

  it("follows the pointer, from left to right in Hebrew too", async () => {
    const { page } = await console_([call("CA1", 90, { ready: true })], { lang: "he" });
    await buttonOf(page, "CA1").click();
    await sounds(page, "CA1");
    const box = await page.getByRole("slider").boundingBox();
    if (!box) throw new Error("no slider");
    await page.mouse.move(box.x + box.width * 0.2, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.75, box.y + box.height / 2, { steps: 5 });
    await page.mouse.up();
    await until(async () => Math.abs((await heard(page, "CA1")).time - 67.5) < 2.5, "three quarters");
  });

  it("goes back while the rest still arrives, without asking for the beginning again", async () => {
    const { seen, page } = await console_([call("CA1", 40, slow)]);
    await buttonOf(page, "CA1").click();
    await sounds(page, "CA1", 2);
    await page.getByRole("slider").focus();
    await page.keyboard.press("Home");
    await until(async () => (await heard(page, "CA1")).time < 1.5, "the beginning");
    await sounds(page, "CA1", 0.5);
    expect(streamsOf(seen, "CA1")).toHaveLength(1);
  });

  it("skips, and changes the speed and the volume", async () => {
    const { page } = await console_([call("CA1", 90, { ready: true })]);
    await buttonOf(page, "CA1").click();
    await sounds(page, "CA1");
    await page.getByRole("button", { name: "Forward 10 seconds" }).click();
    await until(async () => (await heard(page, "CA1")).time > 10, "ten seconds on");
    await page.getByRole("button", { name: "Speed 1×" }).click();
    await page.getByRole("button", { name: "Speed 1.25×" }).waitFor();
    await page.getByRole("button", { name: "Volume" }).click();
    await page.getByRole("slider", { name: "Volume" }).fill("30");
    await page.getByRole("button", { name: "Mute" }).click();
    await page.getByRole("button", { name: "Unmute" }).waitFor();
    await page.getByRole("button", { name: "Volume, muted" }).waitFor();
    const element = await page.evaluate(() => {
      const { playbackRate, volume, muted } = document.querySelector("audio") as HTMLAudioElement;
      return { playbackRate, volume, muted };
    });
    expect(element).toEqual({ playbackRate: 1.25, volume: 0.3, muted: true });
    await page.keyboard.press("Escape");
    expect(await page.getByRole("slider").count()).toBe(1);
  });
});
