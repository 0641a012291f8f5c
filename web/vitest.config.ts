import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["source"] },
  test: { include: ["player/**/*.test.ts", "console/src/**/*.test.ts"], environment: "node" },
});
