import { setMaxListeners } from "node:events";
import { afterEach, beforeEach, vi } from "vitest";
import { AudioPlayer, type PlayerOptions } from "./audio-player.ts";
import { Floor } from "./floor.ts";

// Node suspects a leak where a scope owns more than ten listeners; owning them is what it is for.
setMaxListeners(0);

/** An audio element that does nothing by itself: the test says what it does, as the browser would. */
export class FakeAudio extends EventTarget {
  sources: string[] = [];
  paused = true;
  ended = false;
  error: { code: number } | null = null;
  duration = Number.NaN;
  readyState = 0;
  networkState = 0;
  seekable = { length: 0 };
  volume = 1;
  muted = false;
  playbackRate = 1;
  defaultPlaybackRate = 1;
  sent: number[] = [];
  #currentTime = 0;
  #src = "";

  get src() {
    return this.#src;
  }
  set src(url: string) {
    this.#src = url;
    this.sources.push(url);
    this.error = null;
    this.networkState = 2;
  }
  get currentTime() {
    return this.#currentTime;
  }
  set currentTime(seconds: number) {
    this.#currentTime = seconds;
    this.sent.push(seconds);
  }
  play() {
    this.paused = false;
    return Promise.resolve();
  }
  pause() {
    this.paused = true;
  }
  removeAttribute() {
    this.#src = "";
  }
  load() {
    this.error = null;
    this.networkState = 0;
    this.readyState = 0;
  }

  says(type: string, now: Partial<Pick<FakeAudio, "ended" | "error" | "networkState" | "paused">> = {}) {
    Object.assign(this, now);
    this.dispatchEvent(new Event(type));
  }
  knows(duration: number) {
    Object.assign(this, { duration, readyState: 1, seekable: { length: 1 } });
    this.says("loadedmetadata");
  }
  isAt(seconds: number) {
    this.#currentTime = seconds;
    this.says("timeupdate");
  }
}

/** A player of an own floor, or of `options`', with its element. */
export function playerOf(callSid: string, options: PlayerOptions = {}) {
  const player = new AudioPlayer({ floor: new Floor(), ...options });
  const audio = new FakeAudio();
  player.attach(audio as unknown as HTMLAudioElement, { call_sid: callSid, duration_seconds: 60 });
  return { player, audio, phase: () => player.store.get().phase };
}

/** What follows at once from what was said has followed. */
export const settled = () => vi.advanceTimersByTimeAsync(0);

/** As after a 202, a 500, or a connection that broke: an element tells no more than that. */
export const refuses = (audio: FakeAudio) => audio.says("error", { error: { code: 4 }, networkState: 3 });

export const running = { status: "running", received_bytes: 430, total_bytes: 1000, attempt: 1, reason: null };

interface Asked {
  url: string;
  headers: Record<string, string>;
  body: string | undefined;
  signal: AbortSignal;
}

/** A server whose answers are given one by one, in the order of the questions. */
export class FakeServer {
  readonly asked: Asked[] = [];
  readonly #answers: ((asked: Asked) => Response)[] = [];

  constructor() {
    vi.stubGlobal(
      "fetch",
      (url: string, init: { headers?: Record<string, string>; body?: string; signal: AbortSignal }) => {
        const asked = { url, headers: init.headers ?? {}, body: init.body, signal: init.signal };
        this.asked.push(asked);
        const answer = this.#answers.shift();
        return answer ? Promise.resolve(answer(asked)) : Promise.reject(new TypeError("Failed to fetch"));
      },
    );
  }

  answers(status: number, body: unknown, headers: Record<string, string> = {}) {
    this.#answers.push(() => new Response(JSON.stringify(body), { status, headers }));
    return this;
  }

  /** An open event stream; the returned functions say something on it, and cut it. */
  opens() {
    const encoder = new TextEncoder();
    let stream: ReadableStreamDefaultController<Uint8Array> | undefined;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        stream = controller;
      },
    });
    this.#answers.push(({ signal }) => {
      signal.addEventListener("abort", () => stream?.error(new DOMException("aborted", "AbortError")));
      return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
    });
    return {
      say: (event: string, data: unknown) =>
        stream?.enqueue(encoder.encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)),
      cut: () => stream?.close(),
    };
  }
}

/** For the tests of one file: time that stands still, a console that is kept, and for each test a server of its own. */
export function eachWithItsServer(begins: (server: FakeServer, logged: string[]) => void) {
  beforeEach(() => {
    vi.useFakeTimers();
    const logged: string[] = [];
    vi.spyOn(console, "debug").mockImplementation((line: string) => logged.push(line));
    begins(new FakeServer(), logged);
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
  });
}
