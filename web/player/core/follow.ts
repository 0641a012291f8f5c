import { type Finding, recordingSays } from "./inquiry.ts";
import type { Press } from "./press.ts";
import { cancelled, ProblemError, problemFrom } from "./problem.ts";
import { runEvents } from "./run-events.ts";
import type { Store } from "./store.ts";
import type { Fetching, PlayerState, Problem } from "./types.ts";

/** After news of a run that is over though its recording is being fetched: so soon there is news of the next. */
const NEXT_RUN_MS = 250;

/** What the news may lead to. The player does it: it has the element. */
export interface Turns {
  /** There is a whole recording: the source once more. */
  again(press: Press): void;
  fail(press: Press, problem: Problem): void;
}

/** Reads a press's events as long as they tell something new, and has what follows from them done. */
export class Following {
  readonly #store: Store<PlayerState>;
  readonly #turns: Turns;

  constructor(store: Store<PlayerState>, turns: Turns) {
    this.#store = store;
    this.#turns = turns;
  }

  /** Does nothing where it is being done already. */
  async of(press: Press): Promise<void> {
    if (press.following || press.scope.over) return;
    press.following = true;
    try {
      while (!(await this.#heardOut(press))) await press.scope.pause(NEXT_RUN_MS);
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      // While there is sound, progress is an ornament; while there is none, this is the cause.
      const { phase, stalled } = this.#store.get();
      if (phase === "waiting" || stalled) this.#turns.fail(press, error.problem);
      else if (!press.scope.over) this.#store.set({ fetching: null, lost: false });
    } finally {
      press.following = false;
    }
  }

  /** True when there is nothing more to be told. */
  async #heardOut(press: Press): Promise<boolean> {
    for await (const event of runEvents(press.urls.events, press.scope)) {
      if (press.scope.over) return true;
      if (event.type === "run" && event.fetching.status === "cancelled") return await this.#onCancelled(press);
      else if (event.type === "run") this.#onRun(press, event.fetching);
      else if (event.type === "lost" || event.type === "found") this.#store.set({ lost: event.type === "lost" });
      else if (event.type === "ready") this.#onReady(press);
      else return await this.#onFailed(press, event.said);
    }
    return true;
  }

  #onRun(press: Press, fetching: Fetching): void {
    if (fetching.status !== "queued" && fetching.status !== "running") return;
    press.fetching = fetching;
    const arrived = fetching.total ? Math.min(fetching.received / fetching.total, 1) : null;
    this.#store.set({ fetching, arrived, learnt: "fetching" });
  }

  #onReady(press: Press): void {
    press.whole = true;
    press.fetching = null;
    const waiting = this.#store.get().phase === "waiting";
    this.#store.set({ arrived: 1, fetching: null, learnt: "ready" });
    if (!waiting) return;
    // The element gave up on a 202 or a cut connection; now there is a whole recording, so it gets one more source.
    press.sources = 1;
    this.#turns.again(press);
  }

  async #onFailed(press: Press, said: Record<string, unknown>): Promise<boolean> {
    const problem = problemFrom(said, { status: 500 });
    // A failure told before any news of a run may be of the run before this press's own, and an event need not say
    // why: the recording knows both.
    if (press.fetching && problem.detail) return this.#over(press, { is: "failed", problem }, problem);
    return this.#over(press, await recordingSays(press.urls.recording, press.scope), problem);
  }

  /** Called off by someone, or the recording was erased, or registered anew and is fetched again. */
  async #onCancelled(press: Press): Promise<boolean> {
    return this.#over(press, await recordingSays(press.urls.recording, press.scope), cancelled);
  }

  /** The run is over without audio. True when there is nothing more to be told. */
  #over(press: Press, finding: Finding, problem: Problem): boolean {
    if (finding.is === "fetching") return false;
    if (finding.is === "ready") this.#onReady(press);
    else if (finding.is !== "over") this.#turns.fail(press, finding.is === "failed" ? finding.problem : problem);
    return true;
  }
}
