import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { buttonOf, sounds, until } from "./harness.ts";
import { call, mockedConsole, slow } from "./mocked.ts";

const console_ = mockedConsole();

const badge = (page: Page, state: string) => page.locator(`.badge[data-state=${state}]`).waitFor({ timeout: 10_000 });

describe("the badge beside a player tells what the player knows", () => {
  it("when somebody else calls its fetch off", async () => {
    const { mock, page } = await console_([call("CA1", 40, slow)]);
    await buttonOf(page, "CA1").click();
    await badge(page, "fetching");
    // The player hears of the fetch by now: one that is called off before that is begun again, as nobody has said why.
    await page
      .getByText(/Fetching.*%/)
      .first()
      .waitFor();
    mock.cancel("CA1");
    await page.getByRole("alert").getByText("was cancelled").waitFor();
    await badge(page, "remote");
  });

  it("when the recording is erased while it is heard", async () => {
    const { mock, page } = await console_([call("CA1", 40, slow)]);
    await buttonOf(page, "CA1").click();
    await sounds(page, "CA1");
    mock.remove("CA1");
    await page.getByRole("alert").getByText("no such recording").waitFor();
    await badge(page, "gone");
  });

  it("when a search does not find the recording", async () => {
    const { seen, page } = await console_([call("CA1", 40, slow), call("XX2", 10)]);
    await buttonOf(page, "CA1").click();
    await badge(page, "fetching");
    await page.getByRole("searchbox").fill("XX");
    await until(() => seen.requests.some((request) => request.includes("q=XX")), "the search");
    await until(async () => (await page.locator(".badge[data-state=remote]").count()) === 1, "what was found");
    await badge(page, "fetching");
    await badge(page, "ready");
  });
});

it("the length in the list is the real one, once the server knows it", async () => {
  const { page } = await console_([call("CA1", 8, { rate: 4e6 }, { duration_seconds: 300 })]);
  const facts = page.locator(".facts");
  expect(await facts.textContent()).toContain("5:00");
  await buttonOf(page, "CA1").click();
  await facts.getByText("0:08").waitFor();
  expect(await facts.textContent()).not.toContain("5:00");
});
