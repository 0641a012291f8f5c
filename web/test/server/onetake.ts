import { type ChildProcess, spawn } from "node:child_process";
import { createHash, createHmac } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

/** The server itself, on a free port with a fresh data directory. `ONETAKE` names the binary. */

const binary = resolve(process.env.ONETAKE ?? join(import.meta.dirname, "../../../build/release/bin/onetake"));

/** The tenant of `startServe`, and what opens it. */
export const KEY = "key-of-acme";

/** A query that opens a path of the tenant's for five minutes. */
export function signed(path: string): string {
  const expires = Math.floor(Date.now() / 1000) + 300;
  const sig = createHmac("sha256", SIGNING_SECRET).update(`onetake-url-v1\n${path}\nacme\n${expires}`);
  return `tenant=acme&expires=${expires}&kid=k1&sig=${sig.digest("base64url")}`;
}

const SIGNING_SECRET = "a-secret-that-only-servers-know-0123456789";

export interface Server {
  url: string;
  /** As a client with the right to: the tenant's key, or the cookie that the demo gives a browser. */
  api(method: string, path: string, body?: object): Promise<Response>;
  /** What a GET tells; anything but a success is an error of the test. */
  read<T>(path: string): Promise<T>;
  /** The sum of a series over the label sets that contain `labels`. */
  metric(name: string, labels?: string): Promise<number>;
  state(callSid: string): Promise<string>;
  stop(): Promise<void>;
}

export async function startDemo(): Promise<Server> {
  const server = await start("demo");
  // Not by `fetch`, which says of itself that it is no navigation.
  const [page] = (await once(get(`${server.url}/`), "response")) as [IncomingMessage];
  page.resume();
  return talking(server, { Cookie: page.headers["set-cookie"]?.[0]?.split(";")[0] ?? "" });
}

/** What goes into `[server]`, `[security]` and `[fetch]`, by its dotted name. */
export type Settings = Record<string, string | number | string[]>;

/** One tenant with one provider of type `http`. */
export async function startServe(providerUrl: string, settings: Settings = {}): Promise<Server> {
  const { host } = new URL(providerUrl);
  const set = (section: string) =>
    Object.entries(settings)
      .filter(([name]) => name.startsWith(`${section}.`))
      .map(([name, value]) => `${name.slice(section.length + 1)} = ${JSON.stringify(value)}\n`)
      .join("");
  const config = `[server]
drain_timeout = "100ms"
${set("server")}
[security]
${set("security")}
[fetch]
allow_addresses = ["127.0.0.0/8"]
allow_plain_http = true
${set("fetch")}
[[tenant]]
id = "acme"
api_key_sha256 = ["${createHash("sha256").update(KEY).digest("hex")}"]
url_signing_keys = [{ id = "k1", secret = "${SIGNING_SECRET}" }]
[[tenant.provider]]
name = "main"
type = "http"
allowed_hosts = ["${host}"]
`;
  return talking(await start("serve", config), { Authorization: `Bearer ${KEY}` });
}

interface Started {
  url: string;
  stop(): Promise<void>;
}

async function start(command: "demo" | "serve", config = ""): Promise<Started> {
  // `test/browser/run` gives a folder of its own, where it finds the PIDs of whatever outlives a crash of the tests.
  const folder = mkdtempSync(join(process.env.ONETAKE_TEST_DIR ?? tmpdir(), `onetake-${command}-`));
  const data = join(folder, "data");
  const args = [command, "--listen", "127.0.0.1:0", "--data-dir", data];
  if (config) {
    writeFileSync(join(folder, "onetake.toml"), config);
    args.push("--config", join(folder, "onetake.toml"));
  }
  const child = spawn(binary, args, { stdio: ["ignore", "pipe", "pipe"] });
  if (child.pid) writeFileSync(join(folder, "pid"), String(child.pid));
  const orphan = () => child.kill("SIGKILL");
  process.once("exit", orphan);
  const complaints: string[] = [];
  child.stderr.setEncoding("utf8").on("data", (text: string) => complaints.push(text));
  let stopping = false;
  child.once("exit", (code, signal) => {
    if (!stopping)
      console.error(`${command} ended by itself, ${signal ?? code}:\n${complaints.join("").slice(-4_000)}`);
  });

  const stop = async () => {
    stopping = true;
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    }
    process.off("exit", orphan);
    rmSync(folder, { recursive: true, force: true });
  };
  const url = await listening(child).catch(async (error: unknown) => {
    await stop();
    throw new Error(`${binary} ${args.join(" ")}: ${error}\n${complaints.join("")}`);
  });
  return { url, stop };
}

function listening(child: ChildProcess): Promise<string> {
  return new Promise((found, failed) => {
    child.once("error", failed);
    child.once("exit", (code) => failed(new Error(`ended with ${code}`)));
    if (!child.stdout) return failed(new Error("no stdout"));
    createInterface(child.stdout).on("line", (line) => {
      const url = /^listening on (http:\S+)$/.exec(line)?.[1];
      if (url) found(url);
    });
  });
}

function talking({ url, stop }: Started, headers: Record<string, string>): Server {
  const api = (method: string, path: string, body?: object) =>
    fetch(url + path, {
      method,
      headers: { ...headers, "Content-Type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
    });
  const read = async <T>(path: string) => {
    const answer = await api("GET", path);
    if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  };
  return {
    url,
    stop,
    api,
    read,
    async metric(name, labels = "") {
      const text = await (await fetch(`${url}/metrics`)).text();
      return text
        .split("\n")
        .filter((line) => line.startsWith(name) && /^[ {]/.test(line.slice(name.length)) && line.includes(labels))
        .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
    },
    async state(callSid) {
      return (await read<{ state: string }>(`/api/recordings/${callSid}`)).state;
    },
  };
}
