import { problemFrom, problemOf, unreachable } from "./problem.ts";
import { fetchingFrom } from "./run-events.ts";
import type { Scope } from "./scope.ts";
import type { Fetching, Problem, Recording } from "./types.ts";

/** What stands behind an element's error, which itself tells no status. */
export type Finding =
  | { is: "fetching"; fetching: Fetching }
  | { is: "ready" }
  | { is: "failed"; problem: Problem }
  /** Nothing is under way, and nothing says why. */
  | { is: "idle" }
  /** The scope has ended, and with it the question. */
  | { is: "over" };

/**
 * The recording as the server has it. Starts nothing, and is no stream request. A page that may only listen has no
 * address for it, and is told nothing.
 */
export async function recordingSays(url: string | null, scope: Scope): Promise<Finding> {
  if (!url) return { is: "idle" };
  return asked(url, {}, scope, async (answer) => {
    const recording = (await answer.json()) as Recording;
    const { state, run } = recording;
    if (state === "fetching") return { is: "fetching", fetching: fetchingFrom(run) };
    if (state === "ready") return { is: "ready" };
    if (state === "failed") return { is: "failed", problem: problemFrom(run, { status: 500 }) };
    if (state === "gone") return { is: "failed", problem: problemFrom(run, { code: "recording_gone", status: 410 }) };
    return { is: "idle" };
  });
}

/**
 * The stream's own answer, without waiting for audio. Starts the fetch where there is none, so it is for a press only,
 * and only where the recording said `idle`: it brings the reason, as of a 503 `no_space`.
 */
export async function streamSays(url: string, scope: Scope): Promise<Finding> {
  return asked(url, { Prefer: "respond-async" }, scope, underWay);
}

async function underWay(answer: Response): Promise<Finding> {
  if (answer.status === 202) return { is: "fetching", fetching: fetchingFrom(await answer.json()) };
  answer.body?.cancel().catch(() => {});
  return { is: "ready" };
}

/**
 * Asks for a new fetch of what has failed. What keeps the press from being heard now: null, also where this page may
 * only listen, for then the stream itself says how things stand.
 */
export async function refusedToRetry(url: string | null, scope: Scope): Promise<Problem | null> {
  if (!url) return null;
  try {
    const headers = { "Content-Type": "application/json" };
    const body = JSON.stringify({ retry: true });
    const answer = await fetch(url, { method: "POST", headers, body, signal: scope.signal });
    return [401, 429, 503].includes(answer.status) ? await problemOf(answer) : null;
  } catch {
    return null;
  }
}

/**
 * What asking for the fetch brings: joins the one that is there, and is no stream request. Tells what neither the events
 * nor the recording do: that nobody works on the queue, and how long a failure cools down. Null: nothing.
 */
export async function fetchSays(url: string | null, scope: Scope): Promise<Finding | null> {
  if (!url) return null;
  const finding = await asked(url, {}, scope, underWay, "POST");
  const tells = finding.is !== "failed" || ["no_worker", "fetch_failed"].includes(finding.problem.code);
  return tells ? finding : null;
}

async function asked(
  url: string,
  headers: Record<string, string>,
  scope: Scope,
  read: (answer: Response) => Promise<Finding>,
  method = "GET",
): Promise<Finding> {
  try {
    const answer = await fetch(url, { method, signal: scope.signal, cache: "no-store", headers });
    const finding = answer.ok ? await read(answer) : { is: "failed" as const, problem: await problemOf(answer) };
    return scope.over ? { is: "over" } : finding;
  } catch {
    return scope.over ? { is: "over" } : { is: "failed", problem: unreachable };
  }
}
