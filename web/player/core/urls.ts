import type { Target } from "./types.ts";

const path = (target: Target, rest: string) => `/api/recordings/${encodeURIComponent(target.call_sid)}${rest}`;

function query(target: Target, more: Record<string, string> = {}): string {
  const parameters = new URLSearchParams(more);
  if (target.recording_sid) parameters.set("recording_sid", target.recording_sid);
  const all = parameters.toString();
  return all && `?${all}`;
}

/** Makes the query that opens a path of the API: `tenant=…&expires=…&kid=…&sig=…`, as `onetake sign` prints it. */
export type Sign = (path: string) => string;

/** Where a recording is asked for. Signatures open its stream and its events only; the rest is null where there are any. */
export interface Urls {
  stream: string;
  events: string;
  recording: string | null;
  fetch: string | null;
}

/** @param play marks the stream requests of one press */
export function urlsOf(base: string, target: Target, play: string, sign?: Sign): Urls {
  const opened = (rest: string, more: Record<string, string> = {}) => {
    const plain = query(target, more);
    if (!sign) return base + path(target, rest) + plain;
    return `${base}${path(target, rest)}${plain ? `${plain}&` : "?"}${sign(path(target, rest))}`;
  };
  return {
    stream: opened("/stream", { explicit_user_action: "true", play }),
    events: opened("/events"),
    recording: sign ? null : opened(""),
    fetch: sign ? null : opened("/fetch"),
  };
}

/** A random UUID also where the page is not a secure context, which `crypto.randomUUID` asks for. */
export function uuid(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
