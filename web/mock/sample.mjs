// A page of calls in every state, to look at.
// @ts-check
import { wav } from "./sound.mjs";

/** @param {number} n @param {string} from @param {string} to @param {string} direction @param {number} seconds */
const about = (n, from, to, direction, seconds) => ({
  call_sid: `CA${String(n).padStart(4, "0")}7f3a91c04de58b21a6f0c3d9e48b75`.slice(0, 34),
  recording_sid: `RE${String(n).padStart(4, "0")}aa`,
  provider: "main",
  source_url: `/2010-04-01/Accounts/AC1/Recordings/RE${n}`,
  from,
  to,
  direction,
  started_at: new Date(Date.UTC(2026, 10, 21, 17, 42) - n * 5_423_000).toISOString(),
  duration_seconds: seconds,
  labels: { attribution: "Demo speech: Asterisk core sounds, CC BY-SA 3.0" },
});

export const sample = () => [
  {
    about: about(1, "+972 3-555-0142", "+1 415-555-0134", "inbound", 40),
    audio: wav(40),
    script: { rate: 100_000, firstByte: 400 },
  },
  { about: about(2, "+1 415-555-0134", "+44 20 7946 0958", "outbound", 120), audio: wav(120), script: { ready: true } },
  {
    about: about(3, "+972 54-555-0177", "+972 3-555-0142", "inbound", 20),
    audio: wav(20),
    script: { failAt: [0, 0], firstByte: 300 },
  },
  {
    about: about(4, "+49 30 23125 014", "+1 415-555-0134", "inbound", 30),
    audio: wav(30),
    script: { firstByte: 8000, wait: 600, reason: "queued" },
  },
  {
    about: about(5, "+1 212-555-0199", "+972 3-555-0142", "inbound", 30),
    audio: wav(30),
    script: { firstByte: 8000, wait: 600, reason: "not_ready" },
  },
  { about: about(6, "+33 1 99 00 12 34", "+1 415-555-0134", "inbound", 15), audio: wav(15), script: { gone: true } },
  {
    about: { ...about(7, "", "", "", 65), from: null, to: null, direction: null },
    audio: wav(65),
    script: { rate: 40_000 },
  },
];
