// A server that keeps to the contract just so far that the player and the console can be tried without the real one:
// a live 206 with the final total and bytes held past the frontier, 202, events, problems. Every answer is scripted.
// @ts-check
import { EventEmitter, once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { BYTES_PER_SECOND } from "./sound.mjs";

/**
 * @typedef {object} Script
 * @property {number} [firstByte] milliseconds until the provider's first byte
 * @property {number} [rate] bytes a second
 * @property {number} [wait] milliseconds that a GET waits for its status line before it is 202
 * @property {number[]} [failAt] shares of the recording at which the first attempts to play it fail; 0: at once
 * @property {string} [reason] what keeps the run waiting until the first byte
 * @property {boolean} [gone]
 * @property {boolean} [ready] from the start
 *
 * @typedef {object} Call
 * @property {Record<string, any> & {call_sid: string}} about
 * @property {Buffer} audio
 * @property {string} [type]
 * @property {Script} [script]
 *
 * @typedef {object} Held
 * @property {string} id
 * @property {Call} call
 * @property {Script} script
 * @property {string} state
 * @property {number} arrived
 * @property {Record<string, any> | null} run
 * @property {number} failures
 * @property {number} requests what the provider was asked
 * @property {EventEmitter} moved
 */

const dist = fileURLToPath(new URL("../console/dist/", import.meta.url));
const types = { html: "text/html; charset=utf-8", js: "text/javascript", css: "text/css", svg: "image/svg+xml" };
const CSP =
  "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; style-src 'self'; frame-ancestors 'none'; base-uri 'none'";
const TICK_MS = 40;

/** @param {Call[]} calls @param {{key?: string, port?: number}} [options] */
export async function startMock(calls, options = {}) {
  /** @type {Map<string, Held>} */
  const held = new Map();
  /** @type {{method: string, path: string, query: URLSearchParams, range: string | undefined, closed: boolean}[]} */
  const log = [];
  let runs = 0;
  calls.forEach((call, index) => {
    const script = call.script ?? {};
    const id = `0193${String(index).padStart(4, "0")}-0000-7000-8000-000000000000`;
    const state = script.gone ? "gone" : script.ready ? "ready" : "remote";
    const arrived = script.ready ? call.audio.length : 0;
    const moved = new EventEmitter().setMaxListeners(0);
    held.set(call.about.call_sid, { id, call, script, state, arrived, run: null, failures: 0, requests: 0, moved });
  });

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://mock");
    const entry = {
      method: request.method ?? "",
      path: url.pathname,
      query: url.searchParams,
      range: request.headers.range,
      closed: false,
    };
    log.push(entry);
    const gone = once(response, "close").then(() => {
      entry.closed = true;
    });
    answer(request, response, url, gone).catch(() => response.destroy());
  });

  /** @param {import("node:http").IncomingMessage} request @param {import("node:http").ServerResponse} response @param {URL} url @param {Promise<void>} gone */
  async function answer(request, response, url, gone) {
    const path = url.pathname;
    if (path === "/api/session") return session(request, response);
    if (!path.startsWith("/api/")) return asset(path, response);
    if (options.key && !/session=ok/.test(request.headers.cookie ?? ""))
      return problem(response, 401, "unauthorized", "Sign in first.", { "WWW-Authenticate": "Bearer" });
    if (path === "/api/recordings") return list(url, response);
    if (path === "/api/runs") return json(response, 200, { items: ended().reverse(), next_cursor: null });
    const [, sid = "", rest = ""] = /^\/api\/recordings\/([^/]+)(\/\w+)?$/.exec(path) ?? [];
    const one = held.get(decodeURIComponent(sid));
    if (!one) return problem(response, 404, "recording_not_found", "No such recording");
    if (rest === "") return json(response, 200, shown(one));
    if (rest === "/events") return events(one, response, gone);
    if (rest === "/fetch" && request.method === "POST") {
      if (one.state === "failed" && Number(request.headers["content-length"] ?? 0) === 0)
        return coolingDown(one, response);
      if (one.state === "failed" || one.state === "remote") fetchIt(one);
      return json(response, 202, one.run);
    }
    if (rest === "/stream") return stream(one, request, response, url, gone);
    problem(response, 501, "not_implemented", "Not here");
  }

  const ended = () => [...held.values()].flatMap((one) => (one.run ? [{ ...one.run }] : []));

  /** @param {URL} url @param {import("node:http").ServerResponse} response */
  function list(url, response) {
    const q = url.searchParams.get("q") ?? "";
    const limit = Number(url.searchParams.get("limit") ?? 50);
    const from = Number(url.searchParams.get("cursor") ?? 0);
    const found = [...held.values()]
      .map(shown)
      .filter((item) => [item.call_sid, item.from, item.to].some((value) => value?.startsWith(q)));
    const next = from + limit < found.length ? String(from + limit) : null;
    json(response, 200, { items: found.slice(from, from + limit), next_cursor: next });
  }

  /** @param {Held} one @returns {Record<string, any>} */
  const shown = (one) => ({
    id: one.id,
    ...one.call.about,
    state: one.state,
    run: one.run,
    media: one.state === "ready" ? mediaOf(one.call) : null,
  });

  /** @param {Held} one */
  async function fetchIt(one) {
    const { script, call } = one;
    const at = new Date().toISOString();
    one.run = {
      id: `run-${++runs}`,
      call_sid: call.about.call_sid,
      job_type: "fetch",
      cycle: (one.run?.cycle ?? 0) + 1,
      status: script.reason === "queued" ? "queued" : "running",
      attempt: 1,
      max_attempts: 5,
      received_bytes: 0,
      total_bytes: null,
      reason: script.reason ?? null,
      error: null,
      created_at: at,
      started_at: at,
      completed_at: null,
    };
    one.state = "fetching";
    one.arrived = 0;
    one.requests += 1;
    const run = one.run;
    const failAt = script.failAt?.[one.failures];
    const end = failAt === undefined ? call.audio.length : Math.floor(failAt * call.audio.length);
    await sleep(script.firstByte ?? 50);
    if (run.status === "cancelled") return;
    Object.assign(run, { status: "running", reason: null, total_bytes: call.audio.length });
    const step = Math.ceil(((script.rate ?? 1e6) * TICK_MS) / 1000);
    while (one.arrived < end && server.listening && run.status === "running") {
      one.arrived = Math.min(one.arrived + step, end);
      run.received_bytes = one.arrived;
      one.moved.emit("moved");
      await sleep(TICK_MS);
    }
    if (run.status === "cancelled") return;
    const failed = failAt !== undefined;
    if (failed) one.failures += 1;
    one.state = failed ? "failed" : "ready";
    run.status = failed ? "failed" : "completed";
    run.error = failed ? "unavailable: The provider answered 503 Service Unavailable." : null;
    run.completed_at = new Date().toISOString();
    one.moved.emit("moved");
  }

  /** @param {string} sid */
  function cancel(sid) {
    const one = held.get(sid);
    if (!one?.run) return;
    one.run.status = "cancelled";
    one.state = "remote";
    one.moved.emit("moved");
  }

  /** @param {Held} one @param {import("node:http").ServerResponse} response @param {Promise<void>} gone */
  async function events(one, response, gone) {
    response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    response.write(": hello\n\n");
    /** @param {string} event @param {unknown} data */
    const say = (event, data) => response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    while (!response.destroyed) {
      if (one.state === "ready") say("ready", {});
      else if (one.state === "failed") say("failed", { reason: one.run?.reason });
      else if (one.run) say("run", one.run);
      if (one.state === "ready" || one.state === "failed") return response.end();
      await Promise.race([once(one.moved, "moved"), gone]);
    }
  }

  /** @param {Held} one @param {import("node:http").IncomingMessage} request @param {import("node:http").ServerResponse} response @param {URL} url @param {Promise<void>} gone */
  async function stream(one, request, response, url, gone) {
    const { audio, type = "audio/wav" } = one.call;
    if (one.state === "gone") return problem(response, 410, "recording_gone", "The provider has deleted it.");
    if (one.state === "remote") {
      if (url.searchParams.get("explicit_user_action") !== "true")
        return problem(response, 400, "explicit_user_action_required", "Play it.");
      fetchIt(one);
    }
    const patience = AbortSignal.timeout(one.script.wait ?? 25_000);
    const started = () => one.state !== "fetching" || one.arrived >= 512;
    const respondAsync = request.headers.prefer === "respond-async" || request.method === "HEAD";
    while (!started() && !patience.aborted && !(respondAsync && one.state === "fetching"))
      await Promise.race([once(one.moved, "moved"), once(patience, "abort")]);
    if (one.state === "failed") return coolingDown(one, response);
    if (!started() || (respondAsync && one.state === "fetching"))
      return json(response, 202, { status: "running", run_id: one.run?.id }, { "Retry-After": "1" });

    const [, first = "0", last = ""] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
    const from = Number(first);
    const to = last ? Math.min(Number(last), audio.length - 1) : audio.length - 1;
    response.writeHead(request.headers.range ? 206 : 200, {
      "Content-Type": type,
      "Content-Length": to - from + 1,
      "Accept-Ranges": "bytes",
      ETag: `"${one.id}-1-1"`,
      "Cache-Control": "private, no-cache",
      ...(request.headers.range && { "Content-Range": `bytes ${from}-${to}/${audio.length}` }),
    });
    for (let sent = from; sent <= to && !response.destroyed; ) {
      const until = Math.min(one.arrived, to + 1);
      if (until > sent) {
        if (!response.write(audio.subarray(sent, until))) await Promise.race([once(response, "drain"), gone]);
        sent = until;
      } else if (one.state !== "fetching" && one.state !== "ready") {
        return response.destroy();
      } else {
        await Promise.race([once(one.moved, "moved"), gone]);
      }
    }
    response.end();
  }

  /** @param {Held} one @param {import("node:http").ServerResponse} response */
  const coolingDown = (one, response) =>
    problem(response, 500, "fetch_failed", one.run?.error, { "Retry-After": "30" });

  /** @param {import("node:http").IncomingMessage} request @param {import("node:http").ServerResponse} response */
  function session(request, response) {
    if (request.method === "DELETE") response.setHeader("Set-Cookie", "session=; Max-Age=0; Path=/; HttpOnly");
    else if (request.headers.authorization !== `Bearer ${options.key}`)
      return problem(response, 401, "unauthorized", "Unknown key.");
    else response.setHeader("Set-Cookie", "session=ok; Path=/; HttpOnly; SameSite=Strict");
    response.writeHead(204).end();
  }

  server.listen(options.port ?? 0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${port}`,
    log,
    /** @param {string} sid */
    one: (sid) => /** @type {Held} */ (held.get(sid)),
    /** @param {string} sid */
    cancel,
    /** @param {string} sid */
    remove(sid) {
      cancel(sid);
      held.delete(sid);
    },
    async close() {
      server.close();
      server.closeAllConnections();
      for (const one of held.values()) one.moved.emit("moved");
    },
  };
}

/** @param {Call} call */
const mediaOf = ({ audio, type = "audio/wav" }) => ({
  content_type: type,
  bytes: audio.length,
  duration_seconds: type === "audio/wav" ? (audio.length - 44) / BYTES_PER_SECOND : null,
});

/** @param {number} ms */
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms).unref());

/** @param {import("node:http").ServerResponse} response @param {number} status @param {unknown} body @param {Record<string, string>} [headers] */
function json(response, status, body, headers = {}) {
  const type = status >= 400 ? "application/problem+json" : "application/json";
  response
    .writeHead(status, { "Content-Type": type, "Cache-Control": "no-store", ...headers })
    .end(JSON.stringify(body));
}

/** @param {import("node:http").ServerResponse} response @param {number} status @param {string} code @param {string} detail @param {Record<string, string>} [headers] */
const problem = (response, status, code, detail, headers = {}) =>
  json(response, status, { type: `/problems/${code}`, title: code, status, detail, code }, headers);

/** @param {string} path @param {import("node:http").ServerResponse} response */
function asset(path, response) {
  const name = path === "/" ? "index.html" : path.slice(1);
  if (!/^(index\.html|assets\/[\w.-]+)$/.test(name)) return problem(response, 404, "not_found", "Nothing here");
  const ending = /** @type {keyof typeof types} */ (name.slice(name.lastIndexOf(".") + 1));
  response
    .writeHead(200, { "Content-Type": types[ending], "Content-Security-Policy": CSP })
    .end(readFileSync(dist + name));
}
