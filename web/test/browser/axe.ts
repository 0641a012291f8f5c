import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe finds in the page as it is now, the serious and the critical. */
export async function serious(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    // biome-ignore lint/suspicious/noExplicitAny: put there by the line before
    const { violations } = await (window as any).axe.run();
    return violations
      .filter(({ impact }: { impact: string }) => impact === "serious" || impact === "critical")
      .flatMap(({ id, nodes }: { id: string; nodes: { html: string }[] }) =>
        nodes.map((node) => `${id}: ${node.html}`),
      );
  });
}

/** Both languages, both themes. */
export const looks = (["en", "he"] as const).flatMap((lang) =>
  (["light", "dark"] as const).map((colorScheme) => ({ lang, colorScheme })),
);
