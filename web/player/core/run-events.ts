import { ProblemError, problemOf, unreachable } from "./problem.ts";
import type { Scope } from "./scope.ts";
import { serverEvents } from "./sse.ts";
import type { Fetching, RunStatus } from "./types.ts";

export type RunEvent =
  | { type: "run"; fetching: Fetching }
  /** The connection broke off, and another did not come about; more are tried. */
  | { type: "lost" }
  /** After `lost`: there is a connection again. */
  | { type: "found" }
  | { type: "ready" }
  | { type: "failed"; said: Record<string, unknown> };

/** After a connection that told nothing; when all of these have been waited for in vain, the server is out of reach. */
const RECONNECT_MS = [500, 1_000, 2_000, 4_000, 8_000];

/**
 * The events of a recording's run until `ready` or `failed`, over as many connections as that takes. Ends silently
 * with the scope. Throws ProblemError for an answer in the 400s, which asking again would not change, and when the
 * server stays out of reach.
 */
export async function* runEvents(url: string, scope: Scope): AsyncGenerator<RunEvent> {
  for (let lost = 0; ; lost++) {
    try {
      const response = await fetch(url, { signal: scope.signal, headers: { Accept: "text/event-stream" } });
      if (response.status >= 400 && response.status < 500) throw new ProblemError(await problemOf(response));
      if (response.ok && response.body) {
        if (lost > 0) yield { type: "found" };
        for await (const event of serverEvents(response.body)) {
          lost = 0;
          const known = understood(event.type, event.data);
          if (known) yield known;
          if (known?.type === "ready" || known?.type === "failed") return;
        }
      }
    } catch (error) {
      if (scope.over) return;
      if (error instanceof ProblemError) throw error;
    }
    const wait = RECONNECT_MS[lost];
    if (wait === undefined) throw new ProblemError(unreachable);
    if (lost > 0) yield { type: "lost" };
    await scope.pause(wait);
    if (scope.over) return;
  }
}

function understood(type: string, data: string): RunEvent | null {
  let said: Record<string, unknown> = {};
  try {
    said = (JSON.parse(data) ?? {}) as Record<string, unknown>;
  } catch {
    // `ready` says all by its name.
  }
  if (type === "ready") return { type };
  if (type === "failed") return { type, said };
  return type === "run" ? { type, fetching: fetchingFrom(said) } : null;
}

const number = (value: unknown): number | null => (typeof value === "number" ? value : null);

/** How far a run is, out of an event's data or out of a recording's `run`. */
export function fetchingFrom(said: object | null | undefined): Fetching {
  const run = (said ?? {}) as Record<string, unknown>;
  return {
    status: (typeof run.status === "string" ? run.status : "queued") as RunStatus,
    reason: typeof run.reason === "string" && run.reason ? run.reason : null,
    attempt: number(run.attempt),
    received: number(run.received_bytes) ?? 0,
    total: number(run.total_bytes),
  };
}
