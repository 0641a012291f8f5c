import { type Problem, problemOf, type Recording, type Run } from "@onetake/player";

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

/** An answer that was no success; `status` 401 is what brings the sign-in form. */
export class ApiError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail || problem.title || problem.code);
    this.problem = problem;
  }
}

export const isUnauthorized = (error: unknown) => error instanceof ApiError && error.problem.status === 401;

/** Asking again would change nothing. */
export const isFinal = (error: unknown) =>
  error instanceof ApiError && error.problem.status !== null && error.problem.status < 500;

async function get<T>(path: string, parameters: Record<string, string | undefined>, signal: AbortSignal): Promise<T> {
  const query = new URLSearchParams(
    Object.entries(parameters).filter((entry): entry is [string, string] => !!entry[1]),
  );
  const answer = await fetch(query.size > 0 ? `${path}?${query}` : path, { signal });
  if (!answer.ok) throw new ApiError(await problemOf(answer));
  return (await answer.json()) as T;
}

const PAGE = "50";

export const listRecordings = (q: string, cursor: string, signal: AbortSignal) =>
  get<Page<Recording>>("/api/recordings", { limit: PAGE, q, cursor }, signal);

export const getRecording = (recording: Recording, signal: AbortSignal) =>
  get<Recording>(
    `/api/recordings/${encodeURIComponent(recording.call_sid)}`,
    { recording_sid: recording.recording_sid ?? "" },
    signal,
  );

export const listRuns = (cursor: string, signal: AbortSignal) =>
  get<Page<Run>>("/api/runs", { limit: PAGE, cursor }, signal);

/** Exchanges a key for a session cookie; false: the key is not valid. */
export async function signIn(key: string): Promise<boolean> {
  const answer = await fetch("/api/session", { method: "POST", headers: { Authorization: `Bearer ${key}` } });
  if (answer.status === 401 || answer.status === 403) return false;
  if (!answer.ok) throw new ApiError(await problemOf(answer));
  return true;
}

export async function signOut(): Promise<void> {
  const answer = await fetch("/api/session", { method: "DELETE" });
  if (!answer.ok && answer.status !== 401) throw new ApiError(await problemOf(answer));
}
