import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { until } from "../browser/harness.ts";

/** A provider of type `http` that does what each test tells it, and counts. */

export interface Script {
  /** Bytes a second. */
  rate?: number;
  /** Milliseconds to the first byte. */
  firstByte?: number;
  /** Sends so many bytes; `release` sends the rest, all at once. */
  holdAt?: number;
  /** Answers with these statuses and no audio first, each once; the last one until `release` when `stays`. */
  statuses?: number[];
  stays?: boolean;
}

/** A recording at the provider. */
export class Hosted {
  requests = 0;
  sent = 0;
  /** Of the first byte that has gone out, as `Date.now()` tells it, here and in the browser. */
  firstByteAt = 0;
  whole = false;
  released = false;
  readonly #script: Script;

  constructor(
    readonly audio: Buffer,
    script: Script,
  ) {
    this.#script = script;
  }

  release(): void {
    this.released = true;
  }

  async answer(response: ServerResponse): Promise<void> {
    const {
      statuses = [],
      stays = false,
      firstByte = 0,
      rate = 500_000,
      holdAt = Number.POSITIVE_INFINITY,
    } = this.#script;
    this.requests += 1;
    const refused = stays && !this.released ? statuses.at(-1) : stays ? undefined : statuses[this.requests - 1];
    if (refused) {
      response.writeHead(refused).end();
      return;
    }
    const { audio } = this;
    await pause(firstByte);
    response.writeHead(200, { "Content-Type": "audio/wav", "Content-Length": audio.length });
    const began = Date.now();
    for (let at = 0; at < audio.length && !response.destroyed; ) {
      const due = this.released ? audio.length : Math.min((Date.now() - began + TICK_MS) * (rate / 1000), holdAt);
      const end = Math.min(Math.floor(due), audio.length);
      if (end > at) {
        if (at === 0) this.firstByteAt = Date.now();
        response.write(audio.subarray(at, end));
        at = end;
        this.sent = at;
      }
      await pause(TICK_MS);
    }
    response.end();
    this.whole = this.sent === audio.length;
  }
}

const TICK_MS = 20;
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

export interface Provider {
  url: string;
  has(name: string, audio: Buffer, script?: Script): Hosted;
  stop(): Promise<void>;
}

export async function startProvider(): Promise<Provider> {
  const all = new Map<string, Hosted>();
  const server = createServer((request, response) => {
    const hosted = all.get(request.url?.slice(1) ?? "");
    if (hosted) hosted.answer(response).catch(() => response.destroy());
    else response.writeHead(404).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    has(name, audio, script = {}) {
      const hosted = new Hosted(audio, script);
      all.set(name, hosted);
      return hosted;
    },
    async stop() {
      server.close();
      server.closeAllConnections();
      await until(() => !server.listening, "the provider's end");
    },
  };
}
