import { defineConfig } from "vitest/config";

export default defineConfig({
  // The player as it is written, not as it is packed.
  ssr: { resolve: { conditions: ["source"] } },
  test: { include: ["player/**/*.test.ts", "console/src/**/*.test.ts"], environment: "node" },
});
