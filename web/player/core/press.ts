import { Scope } from "./scope.ts";
import type { Fetching, PlayerState, Target } from "./types.ts";
import { type Sign, type Urls, urlsOf, uuid } from "./urls.ts";

/** One press of Play, from then until an error, a release, or the next. Its scope owns its timers and requests. */
export class Press {
  readonly scope = new Scope();
  /** The stream is the same for every source of this press: `play` in it is what its requests are counted by. */
  readonly urls: Urls;
  /** How often the element was given the source. */
  sources = 0;
  following = false;
  /** The queue is looked after: see `nobodyWorks`. */
  watching = false;
  /** The stream was asked why nothing is under way: once a press is enough. */
  asked = false;
  /** What the events told last; null: nothing of a run yet, or no more. */
  fetching: Fetching | null = null;
  whole: boolean;

  /** @param resumeAt where the element is sent once it knows the recording; 0: nowhere */
  constructor(
    base: string,
    target: Target,
    public resumeAt: number,
    sign?: Sign,
  ) {
    this.urls = urlsOf(base, target, uuid(), sign);
    this.whole = target.state === "ready";
  }
}

/** What there is to draw of a recording that nobody has pressed Play on. */
export const untouched = (target: Target | null): Omit<PlayerState, "rate" | "volume" | "muted"> => ({
  phase: "idle",
  stalled: false,
  position: 0,
  duration: target?.duration_seconds || null,
  seekable: false,
  arrived: null,
  fetching: null,
  lost: false,
  learnt: null,
  problem: null,
});
