import { fetchSays } from "./inquiry.ts";
import type { Press } from "./press.ts";
import type { Store } from "./store.ts";
import type { Fetching, PlayerState, Problem } from "./types.ts";

/** How often a press that waits in the queue asks whether anybody works on it. */
const ANYBODY_MS = 20_000;

/**
 * Whoever waits in the queue is told when nobody works on it: events would be silent for as long as that lasts. Does
 * nothing where it is being done already, and ends with the waiting.
 */
export async function watchQueue(press: Press, store: Store<PlayerState>, fail: (problem: Problem) => void) {
  if (press.watching) return;
  press.watching = true;
  while (!press.scope.over && store.get().phase === "waiting") {
    const finding = isQueued(press.fetching) ? await fetchSays(press.urls.fetch, press.scope) : null;
    // Whatever else it says, the events say too, and sooner.
    const nobody = finding?.is === "failed" && finding.problem.code === "no_worker";
    if (nobody && isQueued(press.fetching)) fail(finding.problem);
    else await press.scope.pause(ANYBODY_MS);
  }
  press.watching = false;
}

/** Waits for a worker, and for nothing else. */
const isQueued = (fetching: Fetching | null) =>
  fetching?.status === "queued" && (fetching.reason === null || fetching.reason === "queued");
