import type { Target } from "./types.ts";

const path = (target: Target, rest: string) => `/api/recordings/${encodeURIComponent(target.call_sid)}${rest}`;

function query(target: Target, more: Record<string, string> = {}): string {
  const parameters = new URLSearchParams(more);
  if (target.recording_sid) parameters.set("recording_sid", target.recording_sid);
  const all = parameters.toString();
  return all && `?${all}`;
}

/** Where a recording is asked for. */
export interface Urls {
  stream: string;
  events: string;
  recording: string;
  fetch: string;
}

/** @param play marks the stream requests of one press */
export const urlsOf = (base: string, target: Target, play: string): Urls => ({
  stream: base + path(target, "/stream") + query(target, { explicit_user_action: "true", play }),
  events: base + path(target, "/events") + query(target),
  recording: base + path(target, "") + query(target),
  fetch: base + path(target, "/fetch") + query(target),
});

/** A random UUID also where the page is not a secure context, which `crypto.randomUUID` asks for. */
export function uuid(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
