import { apply, type Chosen, holdsConnection, letGo, observed } from "./element.ts";
import { type Floor, pageFloor } from "./floor.ts";
import { Following } from "./follow.ts";
import { fetchSays, recordingSays, refusedToRetry, streamSays } from "./inquiry.ts";
import { log } from "./log.ts";
import { Press, untouched } from "./press.ts";
import { problemFrom, stateAfter, unplayable } from "./problem.ts";
import { watchQueue } from "./queue.ts";
import { Scope } from "./scope.ts";
import { Seeker } from "./seeker.ts";
import { Store } from "./store.ts";
import type { Fetching, PlayerState, Problem, Target } from "./types.ts";
import type { Sign } from "./urls.ts";

export interface PlayerOptions {
  /** Where the API is; the page's own origin by default. */
  base?: string;
  /** For a page that has no session: opens one path of the API, anew for each press. */
  sign?: Sign;
  floor?: Floor;
  /** The session has ended: an answer was 401. */
  onUnauthorized?: () => void;
}

/** Sound within this time needs no progress. It is also late enough for the run of this press to exist. */
const FOLLOW_AFTER_MS = 250;
/** A press within this time of one that did nothing belongs to the same hammering: it must not pause what it began. */
const HAMMER_MS = 500;
/** Going back to where one was is worth a seek from here on. */
const RESUME_FROM_S = 3;

/**
 * One call's player: requests go in (`press`, `seek`), what the audio element and the server did comes out (`store`).
 *
 *   phase     entered by                                 a press then
 *   --------  -----------------------------------------  ----------------------------------------------------
 *   idle      attach, release                            starts: one source, one play id, `Streaming from`
 *   starting  a press; events said ready                 does nothing
 *   waiting   the element refused, a run is under way    does nothing
 *   playing   the element's `playing`                    pauses
 *   paused    the element's `pause`                      goes on, without a request of ours
 *   ended     the element's `ended`                      plays again, without a request of ours
 *   failed    the cause is known                         starts; `tryAgain` asks for a retry first
 *
 * The life of one press is a `Press`: its scope owns the timer and the requests, and ends with an error, a release
 * (unmount, another recording, another player's start) or the next press. The listeners belong to `attach`.
 *
 * Requests of a press: the element's own GET, and the events, which are opened only when sound does not come at once.
 * - Cold: GET (live from the first byte on) + events. Ready: GET. Queued: GET (202) + events + GET.
 * - An element tells no status. So on its error the events that are already open are believed; without them the
 *   recording is asked (`GET /api/recordings/{sid}`), which starts nothing and is no stream request. Only when that
 *   says that nothing is under way (`remote`, as after 503 `no_space`), or may not be asked, the stream itself is asked for the reason, with
 *   `Prefer: respond-async`: the press was explicit, so starting the fetch there is what was asked for.
 * - A press that waits in the queue asks now and then whether anybody works on it, by `POST …/fetch`, which joins the
 *   fetch that is there: neither the events nor the recording tell.
 */
export class AudioPlayer {
  readonly store: Store<PlayerState>;
  readonly #options: PlayerOptions;
  readonly #floor: Floor;
  readonly #following: Following;
  #audio: HTMLAudioElement | null = null;
  #target: Target | null = null;
  #life: Scope | null = null;
  #press: Press | null = null;
  #leftAt = 0;
  #skippedAt = Number.NEGATIVE_INFINITY;
  readonly #seeker = new Seeker();

  constructor(options: PlayerOptions = {}) {
    this.#options = options;
    this.#floor = options.floor ?? pageFloor;
    this.store = new Store<PlayerState>({ ...untouched(null), ...this.#floor.chosen });
    this.#following = new Following(this.store, {
      again: (press) => this.#again(press),
      fail: (press, problem) => this.#fail(press, problem),
    });
  }

  /** Takes an element and a recording; from here to `detach` the element is this player's alone. */
  attach(audio: HTMLAudioElement, target: Target): void {
    this.detach();
    this.#audio = audio;
    this.#target = target;
    this.#leftAt = 0;
    this.#life = new Scope();
    this.store.set({ ...untouched(target), ...this.#floor.chosen });
    const on = (types: string[], heard: () => void) => this.#life?.listen(audio, types, () => this.#press && heard());
    on(["loadedmetadata"], () => this.#onMetadata());
    on(["durationchange", "timeupdate", "seeking", "seeked", "ratechange", "volumechange"], () => this.#observe());
    on(["playing"], () => this.#onPlaying());
    on(["waiting"], () => this.#onStalled());
    on(["pause"], () => this.#onPause());
    on(["ended"], () => audio.ended && this.store.set({ phase: "ended", stalled: false }));
    on(["error"], () => this.#onError());
  }

  /** Newer news of the same recording. Another recording needs `attach`. */
  update(target: Target): void {
    this.#target = target;
    if (!this.#press) this.store.set({ duration: target.duration_seconds || null });
  }

  detach(): void {
    this.release();
    this.#life?.end();
    this.#life = null;
    this.#audio = null;
  }

  /** The one button: starts, pauses, goes on; while a start is under way it does nothing. */
  press(): void {
    const audio = this.#audio;
    if (!audio) return;
    const { phase } = this.store.get();
    const hammered = performance.now() - this.#skippedAt < HAMMER_MS;
    if (this.#checking() || (phase === "playing" && hammered)) {
      this.#skippedAt = performance.now();
      log.skipped();
    } else if (phase === "playing") {
      audio.pause();
    } else if (this.#press && (phase === "paused" || phase === "ended")) {
      this.#play(this.#press);
    } else {
      this.#start();
    }
  }

  /** A press that does not accept a failure: the server is asked to fetch again without letting it cool down. */
  tryAgain(): void {
    const code = this.store.get().problem?.code;
    if (code === "fetch_failed" || code === "recording_gone") this.#start(true);
    else this.press();
  }

  /** Lets go: whatever is under way is cancelled, and the element holds no connection any more. */
  release(): void {
    const press = this.#press;
    if (!press) {
      if (this.store.get().phase === "failed") this.store.set(untouched(this.#target));
      return;
    }
    const underWay = this.#checking() || press.following || holdsConnection(this.#audio);
    this.#end(press);
    this.#floor.leave(this);
    this.store.set(untouched(this.#target));
    if (underWay) log.aborted();
  }

  /** Before the element knows the recording the wish is kept for when it does. */
  seek(seconds: number): void {
    const { duration, seekable, phase } = this.store.get();
    const press = this.#press;
    if (!press || !seekable || duration === null) return;
    const to = Math.min(Math.max(seconds, 0), duration);
    if (phase === "waiting" || this.#audio?.readyState === 0) {
      press.resumeAt = to;
      this.store.set({ position: to });
      return;
    }
    const go = (target: number) => {
      if (this.#audio) this.#audio.currentTime = target;
      this.#observe();
    };
    this.#seeker.to(to, go, press.scope);
  }

  /** From where one is, or is already on the way to. */
  seekBy(seconds: number): void {
    this.seek((this.#seeker.target ?? this.store.get().position) + seconds);
  }

  setRate(rate: number): void {
    this.#choose({ rate });
  }

  setVolume(volume: number): void {
    this.#choose({ volume: Math.min(Math.max(volume, 0), 1), muted: false });
  }

  setMuted(muted: boolean): void {
    this.#choose({ muted });
  }

  #choose(change: Partial<Chosen>): void {
    Object.assign(this.#floor.chosen, change);
    if (this.#press && this.#audio) apply(this.#audio, this.#floor.chosen);
    else this.store.set(change);
  }

  #start(again = false): void {
    const target = this.#target;
    if (!target) return;
    if (this.#press) this.#end(this.#press);
    this.#floor.take(this);
    const { base = "", sign } = this.#options;
    const press = new Press(base, target, this.#leftAt >= RESUME_FROM_S ? this.#leftAt : 0, sign);
    this.#press = press;
    const seekable = !!target.duration_seconds;
    const before = { ...untouched(target), ...this.#floor.chosen, position: press.resumeAt, seekable };
    this.store.set({ ...before, phase: "starting" });
    log.streaming(target.call_sid);
    if (again) void this.#retry(press);
    else this.#load(press);
    press.scope.after(press.whole ? 4 * FOLLOW_AFTER_MS : FOLLOW_AFTER_MS, () => {
      if (this.#checking()) void this.#following.of(press);
    });
  }

  async #retry(press: Press): Promise<void> {
    const refused = await refusedToRetry(press.urls.fetch, press.scope);
    if (press.scope.over) return;
    if (refused) this.#fail(press, refused);
    else this.#load(press);
  }

  #checking(): boolean {
    const { phase } = this.store.get();
    return phase === "starting" || phase === "waiting";
  }

  #load(press: Press): void {
    if (!this.#audio) return;
    press.sources += 1;
    this.store.set({ phase: "starting" });
    this.#audio.src = press.urls.stream;
    apply(this.#audio, this.#floor.chosen);
    this.#play(press);
  }

  #play(press: Press): void {
    this.#floor.take(this);
    this.#audio?.play().catch((error: unknown) => {
      // Other refusals come as `error` events. This one means: ready, but the browser wants a press of its own.
      if (this.#press === press && error instanceof DOMException && error.name === "NotAllowedError")
        this.store.set({ phase: "paused" });
    });
  }

  /** Ends a press, and makes the element close its connection. */
  #end(press: Press): void {
    const audio = this.#audio;
    this.#leftAt = this.store.get().phase === "ended" ? 0 : audio?.currentTime || press.resumeAt;
    press.scope.end();
    this.#press = null;
    this.#seeker.forget();
    if (audio) letGo(audio);
  }

  #fail(press: Press, problem: Problem): void {
    if (this.#press !== press) return;
    const { position, duration } = this.store.get();
    this.#end(press);
    this.#floor.leave(this);
    const learnt = stateAfter(problem);
    this.store.set({ ...untouched(this.#target), phase: "failed", problem, position, duration, learnt });
    if (problem.status === 401) this.#options.onUnauthorized?.();
  }

  #observe(): void {
    if (this.#audio) this.store.set(observed(this.#audio, this.#target, this.store.get()));
  }

  #onMetadata(): void {
    const press = this.#press;
    const audio = this.#audio;
    if (!press || !audio) return;
    if (press.resumeAt > 0 && press.resumeAt < audio.duration - 1) audio.currentTime = press.resumeAt;
    press.resumeAt = 0;
    if (press.whole) this.store.set({ arrived: 1 });
    this.#observe();
  }

  #onPlaying(): void {
    const press = this.#press;
    if (!press || this.#audio?.paused) return;
    this.#observe();
    this.store.set({ phase: "playing", stalled: false });
    if (!press.whole) void this.#following.of(press);
  }

  #onStalled(): void {
    const stalled = this.store.get().phase === "playing";
    this.store.set({ stalled });
    // Events that were given up while there was sound are now what tells whether the server is there at all.
    if (stalled && this.#press && !this.#press.whole) void this.#following.of(this.#press);
  }

  #onPause(): void {
    // Events come late: this one may be of a pause that a press has undone since, or of the end.
    if (this.#audio?.ended || !this.#audio?.paused) return;
    const { phase } = this.store.get();
    if (phase === "playing" || phase === "starting") this.store.set({ phase: "paused", stalled: false });
  }

  #onError(): void {
    const press = this.#press;
    if (!press || !this.#audio?.error) return;
    const { phase, position, duration } = this.store.get();
    if (phase === "paused" || phase === "ended") {
      // A connection that breaks while nobody listens is nobody's business; the next press begins where this one was.
      this.#end(press);
      this.store.set({ ...untouched(this.#target), phase, position, duration });
    } else if (press.following && press.fetching) {
      this.#wait(press, press.fetching);
    } else {
      void this.#ask(press);
    }
  }

  #wait(press: Press, fetching: Fetching): void {
    press.fetching = fetching;
    press.whole = false;
    press.resumeAt = this.store.get().position;
    this.store.set({ phase: "waiting", stalled: false, fetching, learnt: "fetching" });
    void this.#following.of(press);
    void watchQueue(press, this.store, (problem) => this.#fail(press, problem));
  }

  /** The element refused and nobody has said why. */
  async #ask(press: Press): Promise<void> {
    this.store.set({ phase: "waiting", stalled: false });
    let finding = await recordingSays(press.urls.recording, press.scope);
    if (finding.is === "failed" && finding.problem.code === "fetch_failed") {
      // Cooling down, most likely: the recording does not know for how long.
      finding = (await fetchSays(press.urls.fetch, press.scope)) ?? finding;
    }
    if (finding.is === "idle" && !press.asked) {
      press.asked = true;
      finding = await streamSays(press.urls.stream, press.scope);
    }
    if (finding.is === "fetching") this.#wait(press, finding.fetching);
    else if (finding.is === "ready") this.#again(press);
    else if (finding.is !== "over") this.#fail(press, finding.is === "failed" ? finding.problem : problemFrom(null));
  }

  /** The recording is whole: the source once more. Refused twice though whole, it is nothing this browser plays. */
  #again(press: Press): void {
    if (press.scope.over) return;
    press.whole = true;
    this.store.set({ arrived: 1, fetching: null, learnt: "ready" });
    if (press.sources < 2) this.#load(press);
    else this.#fail(press, unplayable);
  }
}
