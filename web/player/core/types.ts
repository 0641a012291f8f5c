/** A recording as the API tells it. Unknown fields are ignored; absent ones are null or missing. */
export interface Recording {
  id: string;
  call_sid: string;
  recording_sid?: string | null;
  state: RecordingState;
  run?: Run | null;
  media?: Media | null;
  provider?: string | null;
  source_url?: string | null;
  source_key?: string | null;
  from?: string | null;
  to?: string | null;
  direction?: string | null;
  started_at?: string | null;
  duration_seconds?: number | null;
  channels?: number | null;
  format?: string | null;
  labels?: Record<string, string> | null;
}

export type RecordingState = "remote" | "fetching" | "ready" | "failed" | "gone";
export type RunStatus = "queued" | "running" | "completed" | "failed" | "cancelled";

export interface Media {
  content_type?: string | null;
  bytes?: number | null;
  sha256?: string | null;
  duration_seconds?: number | null;
  channels?: number | null;
  codec?: string | null;
}

/** One fetch of a recording. */
export interface Run {
  id: string;
  call_sid: string;
  job_type?: string | null;
  cycle?: number | null;
  status: RunStatus;
  attempt?: number | null;
  max_attempts?: number | null;
  received_bytes?: number | null;
  total_bytes?: number | null;
  reason?: string | null;
  error?: unknown;
  created_at?: string | null;
  started_at?: string | null;
  completed_at?: string | null;
}

/** What is played: a call, and which of its recordings where it has several. */
export interface Target {
  call_sid: string;
  recording_sid?: string | null;
  state?: RecordingState;
  duration_seconds?: number | null;
}

/** Why something cannot be heard. `code` is the API's stable code, or one of the player's own (problem.ts). */
export interface Problem {
  code: string;
  title: string;
  detail: string;
  status: number | null;
  /** When the server wants to be asked again, in milliseconds as of `Date.now()`; missing where it did not say. */
  retryAt?: number;
}

/** How far the one fetch is, as the server told it last. */
export interface Fetching {
  status: RunStatus;
  reason: string | null;
  attempt: number | null;
  received: number;
  total: number | null;
}

export type Phase = "idle" | "starting" | "waiting" | "playing" | "paused" | "ended" | "failed";

/** Everything a view may draw. All of it was observed, none of it assumed. */
export interface PlayerState {
  phase: Phase;
  /** Playing, but the element has run dry or has been sent to a place that has not arrived. */
  stalled: boolean;
  /** Seconds. */
  position: number;
  /** Seconds; the element's own once it knows, until then what was registered, else null. */
  duration: number | null;
  /** `seek` has an effect: the element can be sent to another position, or will be once it knows the recording. */
  seekable: boolean;
  /** Share of the recording that the server holds, 0 to 1; null while unknown. */
  arrived: number | null;
  fetching: Fetching | null;
  /** The server is out of reach, and is being tried: what is told here of the fetch may have passed. */
  lost: boolean;
  /** What this player has learnt of the recording's state, for views that show it beside older news; null: nothing. */
  learnt: RecordingState | null;
  problem: Problem | null;
  rate: number;
  volume: number;
  muted: boolean;
}
