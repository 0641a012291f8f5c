import type { PlayerState, Target } from "./types.ts";

/** What an element is set to by whoever listens. */
export interface Chosen {
  rate: number;
  volume: number;
  muted: boolean;
}

/** Loading sets `playbackRate` back to the default, so both are set. */
export function apply(audio: HTMLAudioElement, { rate, volume, muted }: Chosen): void {
  audio.defaultPlaybackRate = rate;
  audio.playbackRate = rate;
  audio.volume = volume;
  audio.muted = muted;
}

/** What an element shows of itself; until it knows the recording, what was known before. */
export function observed(audio: HTMLAudioElement, target: Target | null, before: PlayerState): Partial<PlayerState> {
  const measured = Number.isFinite(audio.duration) && audio.duration > 0;
  const registered = target?.duration_seconds || null;
  // While it waits for another source, what the element still shows is of the one that broke off.
  const knows = audio.readyState > 0 && before.phase !== "waiting";
  return {
    position: knows ? audio.currentTime : before.position,
    duration: measured ? audio.duration : registered,
    seekable: knows ? measured && audio.seekable.length > 0 : measured || registered !== null,
    rate: audio.playbackRate,
    volume: audio.volume,
    muted: audio.muted,
  };
}

const NETWORK_LOADING = 2;

export const holdsConnection = (audio: HTMLAudioElement | null): boolean => audio?.networkState === NETWORK_LOADING;

/** Pausing keeps the connection; `load()` without a source closes it. */
export function letGo(audio: HTMLAudioElement): void {
  audio.pause();
  audio.removeAttribute("src");
  audio.load();
}
