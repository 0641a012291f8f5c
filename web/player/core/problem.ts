import type { Problem, RecordingState } from "./types.ts";

const text = (value: unknown): string => (typeof value === "string" ? value : "");

/**
 * A problem out of whatever the server said: a problem+json document, an event's data, or a run whose `error` is a
 * sentence or a document of its own.
 */
export function problemFrom(said: unknown, fallback: Partial<Problem> = {}): Problem {
  const outer = (said ?? {}) as Record<string, unknown>;
  const error = outer.error;
  const inner = (typeof error === "object" && error !== null ? error : {}) as Record<string, unknown>;
  const status = [outer.status, inner.status, fallback.status].find((value) => typeof value === "number");
  return {
    code: text(outer.code) || text(inner.code) || fallback.code || "fetch_failed",
    title: text(outer.title) || text(inner.title) || fallback.title || "",
    detail: text(outer.detail) || text(inner.detail) || text(inner.message) || text(error) || fallback.detail || "",
    status: (status as number | undefined) ?? null,
  };
}

/** The problem in an answer that is not a success; an answer without a document still has its status. */
export async function problemOf(response: Response): Promise<Problem> {
  const said: unknown = await response.json().catch(() => null);
  const { status, statusText: title, headers } = response;
  const problem = problemFrom(said, { code: `http_${status}`, title, status });
  const wait = Number(headers.get("Retry-After"));
  return wait > 0 ? { ...problem, retryAt: Date.now() + wait * 1000 } : problem;
}

/** An answer with a status that ends the matter. */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail || problem.title || problem.code);
    this.problem = problem;
  }
}

const own = (code: string): Problem => ({ code, title: "", detail: "", status: null });

export const unreachable = own("unreachable");
export const unplayable = own("unplayable");
export const cancelled = own("cancelled");

/** What a problem tells of the recording's state; null: nothing. For a listener an erased recording is as gone as any. */
export function stateAfter({ code, status }: Problem): RecordingState | null {
  if (status === 410 || code === "recording_gone" || code === "recording_not_found") return "gone";
  if (code === "fetch_failed") return "failed";
  return code === "cancelled" ? "remote" : null;
}
