import { defineConfig } from "vitest/config";

// Real Chromium against the built console. One file at a time: a player starved of its share of two cores proves nothing.
export default defineConfig({
  test: {
    include: ["test/browser/**/*.test.ts"],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
