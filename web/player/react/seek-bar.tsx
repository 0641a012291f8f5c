import { type KeyboardEvent, type PointerEvent, useRef, useState } from "react";
import type { AudioPlayer, PlayerState } from "../core/index.ts";
import { type Lang, messages } from "./messages.ts";
import { clock, spoken } from "./time.ts";

/** What a key moves by; without end: to the end, or the beginning. The time axis does not mirror, so neither do these. */
const STEPS_S: Record<string, number> = {
  ArrowRight: 5,
  ArrowUp: 5,
  ArrowLeft: -5,
  ArrowDown: -5,
  PageUp: 30,
  PageDown: -30,
  Home: Number.NEGATIVE_INFINITY,
  End: Number.POSITIVE_INFINITY,
};

/**
 * Time runs from left to right in every language. The bar shows three things: what was heard, what has arrived, and
 * where the frontier between arrived and not yet arrived is.
 */
export function SeekBar({ player, state, lang }: { player: AudioPlayer; state: PlayerState; lang: Lang }) {
  const t = messages[lang];
  const bar = useRef<HTMLDivElement>(null);
  const [dragged, setDragged] = useState<number | null>(null);
  const { duration, seekable, arrived } = state;
  const length = duration ?? 0;
  const position = Math.min(dragged ?? state.position, length || Number.POSITIVE_INFINITY);
  const share = length > 0 ? position / length : 0;
  // One can be further than what has arrived, but nothing was heard there.
  const heard = Math.min(share, arrived ?? 1);

  const under = (event: PointerEvent): number => {
    const box = bar.current?.getBoundingClientRect();
    if (!box || box.width === 0) return 0;
    return Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1) * length;
  };
  const down = (event: PointerEvent<HTMLDivElement>) => {
    if (!seekable || event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    setDragged(under(event));
  };
  // One seek when the pointer lets go, not one a pixel: each may be a range request.
  const up = () => {
    if (dragged !== null) player.seek(dragged);
    setDragged(null);
  };
  const key = (event: KeyboardEvent) => {
    const step = STEPS_S[event.key];
    if (step === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    if (Number.isFinite(step)) player.seekBy(step);
    else player.seek(step > 0 ? length : 0);
  };

  return (
    <div className="ot-seek" dir="ltr">
      <span className="ot-time">{clock(position, length)}</span>
      <div
        ref={bar}
        className="ot-bar"
        role="slider"
        tabIndex={0}
        aria-label={t.seek}
        aria-orientation="horizontal"
        aria-disabled={!seekable}
        aria-valuemin={0}
        aria-valuemax={Math.round(length)}
        aria-valuenow={Math.min(Math.floor(position), Math.round(length))}
        aria-valuetext={length > 0 ? t.of(spoken(position, lang), spoken(length, lang)) : spoken(position, lang)}
        data-dragging={dragged !== null || undefined}
        onPointerDown={down}
        onPointerMove={(event) => dragged !== null && setDragged(under(event))}
        onPointerUp={up}
        onPointerCancel={() => setDragged(null)}
        onKeyDown={key}
      >
        <div className="ot-rail">
          <div className="ot-arrived" style={{ width: `${(arrived ?? 0) * 100}%` }} />
          <div className="ot-heard" style={{ width: `${heard * 100}%` }} />
        </div>
        {arrived !== null && arrived < 1 && <div className="ot-frontier" style={{ left: `${arrived * 100}%` }} />}
        <div className="ot-thumb" style={{ left: `${share * 100}%` }} />
      </div>
      <span className="ot-time ot-total">{duration === null ? "–:––" : clock(duration)}</span>
    </div>
  );
}
