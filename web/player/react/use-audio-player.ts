import { type RefObject, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { AudioPlayer, type PlayerOptions, type PlayerState, type Target } from "../core/index.ts";

export interface UsedPlayer {
  /** For the `<audio>` element that is to sound. */
  audioRef: RefObject<HTMLAudioElement | null>;
  state: PlayerState;
  player: AudioPlayer;
}

/** A player for as long as the component is there: unmounting, or another recording, aborts what is under way. */
export function useAudioPlayer(target: Target, options: PlayerOptions = {}): UsedPlayer {
  const audioRef = useRef<HTMLAudioElement>(null);
  const latest = useRef({ target, options });
  latest.current = { target, options };
  const [player] = useState(() => {
    const { sign } = options;
    return new AudioPlayer({
      ...options,
      ...(sign && { sign: (path) => (latest.current.options.sign ?? sign)(path) }),
      onUnauthorized: () => latest.current.options.onUnauthorized?.(),
    });
  });
  const state = useSyncExternalStore(player.store.subscribe, player.store.get, player.store.get);

  // biome-ignore lint/correctness/useExhaustiveDependencies: these two are what makes it another recording
  useEffect(() => {
    if (audioRef.current) player.attach(audioRef.current, latest.current.target);
    return () => player.detach();
  }, [player, target.call_sid, target.recording_sid]);

  useEffect(() => player.update(target), [player, target]);

  return { audioRef, state, player };
}
