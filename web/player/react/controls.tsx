import { type KeyboardEvent, useId, useRef, useState } from "react";
import type { AudioPlayer, PlayerState } from "../core/index.ts";
import { BackIcon, ForwardIcon, VolumeIcon } from "./icons.tsx";
import { type Lang, messages } from "./messages.ts";

const RATES = [1, 1.25, 1.5, 2];
const SKIP_S = 10;

/** Skips, speed and volume: the transport, left to right in every language. */
export function Controls({ player, state, lang }: { player: AudioPlayer; state: PlayerState; lang: Lang }) {
  const t = messages[lang];
  const { rate, seekable } = state;
  const next = RATES[(RATES.indexOf(rate) + 1) % RATES.length] ?? 1;
  return (
    <div className="ot-controls" dir="ltr">
      <button type="button" aria-label={t.back} disabled={!seekable} onClick={() => player.seekBy(-SKIP_S)}>
        <BackIcon />
      </button>
      <button type="button" aria-label={t.forward} disabled={!seekable} onClick={() => player.seekBy(SKIP_S)}>
        <ForwardIcon />
      </button>
      <button type="button" className="ot-rate" aria-label={t.speed(String(rate))} onClick={() => player.setRate(next)}>
        {rate}×
      </button>
      <Volume player={player} state={state} lang={lang} />
    </div>
  );
}

/** The slider for it is there only while it is open: the one slider of a calm player is the call's position. */
function Volume({ player, state, lang }: { player: AudioPlayer; state: PlayerState; lang: Lang }) {
  const t = messages[lang];
  const id = useId();
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const level = state.muted ? 0 : state.volume;
  const key = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !open) return;
    button.current?.focus();
    setOpen(false);
  };
  return (
    <div
      className="ot-volume"
      role="group"
      aria-label={t.volume}
      onBlur={(event) => !event.currentTarget.contains(event.relatedTarget) && setOpen(false)}
      onKeyDown={key}
    >
      <button
        ref={button}
        type="button"
        aria-label={level === 0 ? t.muted : t.volumeIs(t.percent(Math.round(level * 100)))}
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        onClick={() => setOpen(!open)}
      >
        <VolumeIcon level={level} />
      </button>
      {open && (
        <div id={id} className="ot-popover" tabIndex={-1}>
          <button type="button" className="ot-mute" onClick={() => player.setMuted(!state.muted)}>
            {state.muted ? t.unmute : t.mute}
          </button>
          <input
            type="range"
            min={0}
            max={100}
            step={5}
            aria-label={t.volume}
            aria-valuetext={t.percent(Math.round(level * 100))}
            value={Math.round(level * 100)}
            onChange={(event) => player.setVolume(Number(event.target.value) / 100)}
          />
        </div>
      )}
    </div>
  );
}
