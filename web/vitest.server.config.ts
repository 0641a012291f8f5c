import { defineConfig } from "vitest/config";

// Real Chromium against the real server: test/browser/run. One file at a time, as in vitest.browser.config.ts.
export default defineConfig({
  test: {
    include: ["test/server/**/*.test.ts"],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
