import { readFileSync } from "node:fs";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** The server's own version, so that the footer never disagrees with `onetake --version`. */
function version(): string {
  const cmake = readFileSync(new URL("../../CMakeLists.txt", import.meta.url), "utf8");
  const found = /project\(onetake VERSION (\d+\.\d+\.\d+)/.exec(cmake)?.[1];
  if (!found) throw new Error("no project version in CMakeLists.txt");
  return found;
}

export default defineConfig({
  plugins: [react()],
  resolve: { conditions: ["source", "browser", "module", "import", "default"] },
  define: { __VERSION__: JSON.stringify(version()) },
  build: {
    target: "es2022",
    // Everything is a file of its own under /assets: the page is served with `default-src 'self'`, and a CMake step
    // puts each file into the binary.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
    chunkSizeWarningLimit: 800,
  },
  server: { proxy: { "/api": "http://127.0.0.1:8080" } },
});
