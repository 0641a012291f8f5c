import { type Floor, pageFloor } from "./floor.ts";
import { log } from "./log.ts";
import { ProblemError, problemFrom, problemOf, unplayable, unreachable } from "./problem.ts";
import { fetchingFrom, runEvents } from "./run-events.ts";
import { Scope } from "./scope.ts";
import { Store } from "./store.ts";
import type { Fetching, PlayerState, Problem, Recording, Target } from "./types.ts";
import { eventsUrl, recordingUrl, streamUrl, uuid } from "./urls.ts";

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
 *   failed    the cause is known                         starts
 *
 * The life of one press is a `Press`: its scope owns the timer and the requests, and ends with an error, a release
 * (unmount, another recording, another player's start) or the next press. The listeners belong to `attach`.
 *
 * Requests of a press: the element's own GET, and the events, which are opened only when sound does not come at once.
 * - Cold: GET (live from the first byte on) + events. Ready: GET. Queued: GET (202) + events + GET.
 * - An element tells no status. So on its error the events that are already open are believed; without them the
 *   recording is asked (`GET /api/recordings/{sid}`), which starts nothing and is no stream request. Only when that
 *   says that nothing is under way (`remote`, as after 503 `no_space`) the stream itself is asked for the reason, with
 *   `Prefer: respond-async`: the press was explicit, so starting the fetch there is what was asked for.
 */
export interface PlayerOptions {
  /** Where the API is; the page's own origin by default. */
  base?: string;
  floor?: Floor;
  /** The session has ended: an answer was 401. */
  onUnauthorized?: () => void;
}

/** Sound within this time needs no progress. It is also late enough for the run of this press to exist. */
const FOLLOW_AFTER_MS = 250;
/** A press within this time of one that did nothing belongs to the same hammering: it must not pause what it began. */
const HAMMER_MS = 500;
/** Keys held down move the target at once, the element at most this often: each move may be a range request. */
const SEEK_EVERY_MS = 120;
/** Going back to where one was is worth a seek from here on. */
const RESUME_FROM_S = 3;
const NETWORK_LOADING = 2;

interface Press {
  readonly scope: Scope;
  readonly url: string;
  /** Where the element is sent once it knows the recording; 0: nowhere. */
  resumeAt: number;
  /** How often the element was given the source. */
  sources: number;
  following: boolean;
  asked: boolean;
  fetching: Fetching | null;
  whole: boolean;
}

const causeOf = (recording: Recording): Problem =>
  recording.state === "gone"
    ? problemFrom(recording.run, { code: "recording_gone", status: 410 })
    : problemFrom(recording.run, { status: 500 });

const untouched = (target: Target | null): Omit<PlayerState, "rate" | "volume" | "muted"> => ({
  phase: "idle",
  stalled: false,
  position: 0,
  duration: target?.duration_seconds || null,
  seekable: false,
  arrived: null,
  fetching: null,
  learnt: null,
  problem: null,
});

export class AudioPlayer {
  readonly store: Store<PlayerState>;
  readonly #options: PlayerOptions;
  readonly #floor: Floor;
  #audio: HTMLAudioElement | null = null;
  #target: Target | null = null;
  #life: Scope | null = null;
  #press: Press | null = null;
  #leftAt = 0;
  #skippedAt = Number.NEGATIVE_INFINITY;
  #seek = { target: null as number | null, held: false };

  constructor(options: PlayerOptions = {}) {
    this.#options = options;
    this.#floor = options.floor ?? pageFloor;
    this.store = new Store<PlayerState>({ ...untouched(null), ...this.#floor.chosen });
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
    on(["waiting"], () => this.store.set({ stalled: this.store.get().phase === "playing" }));
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
    if (phase === "starting" || phase === "waiting" || (phase === "playing" && hammered)) {
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

  /** Lets go: whatever is under way is cancelled, and the element holds no connection any more. */
  release(): void {
    const press = this.#press;
    if (!press) {
      if (this.store.get().phase === "failed") this.store.set(untouched(this.#target));
      return;
    }
    const { phase } = this.store.get();
    const underWay =
      phase === "starting" || phase === "waiting" || press.following || this.#audio?.networkState === NETWORK_LOADING;
    this.#end(press);
    this.#floor.leave(this);
    this.store.set(untouched(this.#target));
    if (underWay) log.aborted();
  }

  seek(seconds: number): void {
    const { duration, seekable } = this.store.get();
    if (!this.#press || !seekable || duration === null) return;
    this.#seek.target = Math.min(Math.max(seconds, 0), duration);
    if (!this.#seek.held) this.#applySeek(this.#press);
  }

  /** From where one is, or is already on the way to. */
  seekBy(seconds: number): void {
    this.seek((this.#seek.target ?? this.store.get().position) + seconds);
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

  #choose(change: Partial<Floor["chosen"]>): void {
    Object.assign(this.#floor.chosen, change);
    if (this.#press) this.#applyChosen();
    else this.store.set(change);
  }

  /** The element's events then tell the store. Loading sets `playbackRate` back to the default, so both are set. */
  #applyChosen(): void {
    const { rate, volume, muted } = this.#floor.chosen;
    if (!this.#audio) return;
    this.#audio.defaultPlaybackRate = rate;
    this.#audio.playbackRate = rate;
    this.#audio.volume = volume;
    this.#audio.muted = muted;
  }

  #start(): void {
    const target = this.#target;
    if (!target) return;
    if (this.#press) this.#end(this.#press);
    this.#floor.take(this);
    const press: Press = {
      scope: new Scope(),
      url: streamUrl(this.#options.base ?? "", target, uuid()),
      resumeAt: this.#leftAt,
      sources: 0,
      following: false,
      asked: false,
      fetching: null,
      whole: target.state === "ready",
    };
    this.#press = press;
    this.store.set({ ...untouched(target), ...this.#floor.chosen, position: press.resumeAt, phase: "starting" });
    log.streaming(target.call_sid);
    this.#load(press);
    press.scope.after(press.whole ? 4 * FOLLOW_AFTER_MS : FOLLOW_AFTER_MS, () => {
      if (this.#checking()) this.#follow(press);
    });
  }

  #checking(): boolean {
    const { phase } = this.store.get();
    return phase === "starting" || phase === "waiting";
  }

  #load(press: Press): void {
    if (!this.#audio) return;
    press.sources += 1;
    this.store.set({ phase: "starting" });
    this.#audio.src = press.url;
    this.#applyChosen();
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

  /** Ends a press and makes the element close its connection: `load()` without a source. */
  #end(press: Press): void {
    const audio = this.#audio;
    this.#leftAt = this.store.get().phase === "ended" ? 0 : audio?.currentTime || press.resumeAt;
    press.scope.end();
    this.#press = null;
    this.#seek = { target: null, held: false };
    if (!audio) return;
    audio.pause();
    audio.removeAttribute("src");
    audio.load();
  }

  #fail(press: Press, problem: Problem): void {
    if (this.#press !== press) return;
    const { position, duration } = this.store.get();
    this.#end(press);
    this.#floor.leave(this);
    const learnt = problem.status === 410 ? "gone" : problem.code === "fetch_failed" ? "failed" : null;
    this.store.set({ ...untouched(this.#target), phase: "failed", problem, position, duration, learnt });
    if (problem.status === 401) this.#options.onUnauthorized?.();
  }

  #observe(): void {
    const audio = this.#audio;
    if (!audio) return;
    const measured = Number.isFinite(audio.duration) && audio.duration > 0;
    this.store.set({
      position: audio.readyState > 0 ? audio.currentTime : this.store.get().position,
      duration: measured ? audio.duration : this.#target?.duration_seconds || null,
      seekable: measured && audio.seekable.length > 0,
      rate: audio.playbackRate,
      volume: audio.volume,
      muted: audio.muted,
    });
  }

  #onMetadata(): void {
    const press = this.#press;
    const audio = this.#audio;
    if (!press || !audio) return;
    if (press.resumeAt >= RESUME_FROM_S && press.resumeAt < audio.duration - 1) audio.currentTime = press.resumeAt;
    press.resumeAt = 0;
    if (press.whole) this.store.set({ arrived: 1 });
    this.#observe();
  }

  #onPlaying(): void {
    const press = this.#press;
    if (!press || this.#audio?.paused) return;
    this.#observe();
    this.store.set({ phase: "playing", stalled: false });
    if (!press.whole) this.#follow(press);
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
    if (press.following && press.fetching) this.#wait(press, press.fetching);
    else void this.#ask(press);
  }

  #wait(press: Press, fetching: Fetching): void {
    press.fetching = fetching;
    press.whole = false;
    press.resumeAt = this.store.get().position;
    this.store.set({ phase: "waiting", stalled: false, fetching, learnt: "fetching" });
    void this.#follow(press);
  }

  /** The element refused and nobody has said why. */
  async #ask(press: Press): Promise<void> {
    this.store.set({ phase: "waiting", stalled: false });
    const recording = await this.#recording(press);
    if (!recording) return;
    if (recording.state === "fetching") this.#wait(press, fetchingFrom(recording.run));
    else if (recording.state === "ready") this.#again(press);
    else if (recording.state !== "remote") this.#fail(press, causeOf(recording));
    else await this.#askStream(press);
  }

  /** The recording as the server has it now; null when that is itself the end of the press. */
  async #recording(press: Press): Promise<Recording | null> {
    const target = this.#target;
    if (!target) return null;
    const answer = await this.#request(press, recordingUrl(this.#options.base ?? "", target), {});
    return answer && ((await answer.json().catch(() => null)) as Recording | null);
  }

  async #askStream(press: Press): Promise<void> {
    const answer = press.asked ? null : await this.#request(press, press.url, { Prefer: "respond-async" });
    if (press.asked) this.#fail(press, problemFrom(null));
    press.asked = true;
    if (!answer) return;
    if (answer.status === 202) return this.#wait(press, fetchingFrom(await answer.json().catch(() => null)));
    answer.body?.cancel().catch(() => {});
    this.#again(press);
  }

  async #request(press: Press, url: string, headers: Record<string, string>): Promise<Response | null> {
    try {
      const answer = await fetch(url, { signal: press.scope.signal, cache: "no-store", headers });
      if (answer.ok) return press.scope.over ? null : answer;
      this.#fail(press, await problemOf(answer));
    } catch {
      if (!press.scope.over) this.#fail(press, unreachable);
    }
    return null;
  }

  /** The recording is whole: the source once more. Refused twice though whole, it is nothing this browser plays. */
  #again(press: Press): void {
    if (press.scope.over) return;
    press.whole = true;
    this.store.set({ arrived: 1, fetching: null, learnt: "ready" });
    if (press.sources < 2) this.#load(press);
    else this.#fail(press, unplayable);
  }

  async #follow(press: Press): Promise<void> {
    const target = this.#target;
    if (press.following || press.scope.over || !target) return;
    press.following = true;
    const url = eventsUrl(this.#options.base ?? "", target);
    try {
      while (!(await this.#followed(press, url))) await press.scope.pause(FOLLOW_AFTER_MS);
    } catch (error) {
      // While there is sound, progress is an ornament; while there is none, this is the cause.
      if (error instanceof ProblemError && this.store.get().phase === "waiting") this.#fail(press, error.problem);
    } finally {
      press.following = false;
    }
  }

  /** True when there is nothing more to be told. */
  async #followed(press: Press, url: string): Promise<boolean> {
    for await (const event of runEvents(url, press.scope)) {
      if (press.scope.over) return true;
      if (event.type === "run") this.#onRun(press, event.fetching);
      else if (event.type === "ready") this.#onReady(press);
      else return await this.#onRunFailed(press, event.said);
    }
    return true;
  }

  #onRun(press: Press, fetching: Fetching): void {
    if (fetching.status !== "queued" && fetching.status !== "running") return;
    press.fetching = fetching;
    const arrived = fetching.total ? Math.min(fetching.received / fetching.total, 1) : null;
    this.store.set({ fetching, arrived, learnt: "fetching" });
  }

  #onReady(press: Press): void {
    press.whole = true;
    press.fetching = null;
    const waiting = this.store.get().phase === "waiting";
    this.store.set({ arrived: 1, fetching: null, learnt: "ready" });
    if (!waiting) return;
    // The element gave up on a 202 or a cut connection; now there is a whole recording, so it gets one more source.
    press.sources = 1;
    this.#again(press);
  }

  async #onRunFailed(press: Press, said: Record<string, unknown>): Promise<boolean> {
    const problem = problemFrom(said, { status: 500 });
    // A failure told before any news of a run may be of the run before this press's own, and an event need not say
    // why: the recording knows both.
    const recording = press.fetching && problem.detail ? null : await this.#recording(press);
    if (recording?.state === "fetching") return false;
    if (recording?.state === "ready") this.#onReady(press);
    else this.#fail(press, recording && recording.state !== "remote" ? causeOf(recording) : problem);
    return true;
  }

  #applySeek(press: Press): void {
    const { target } = this.#seek;
    if (target === null || !this.#audio) return;
    this.#seek = { target: null, held: true };
    this.#audio.currentTime = target;
    this.#observe();
    press.scope.after(SEEK_EVERY_MS, () => {
      this.#seek.held = false;
      this.#applySeek(press);
    });
  }
}
