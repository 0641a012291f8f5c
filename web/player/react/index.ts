export { CallPlayer, type CallPlayerProps } from "./call-player.tsx";
export { type Lang, messages, statusOf } from "./messages.ts";
export { causeText, problemText } from "./problems.ts";
export { clock, spoken } from "./time.ts";
export { type UsedPlayer, useAudioPlayer } from "./use-audio-player.ts";
