import { type ReactNode, useEffect, useRef, useState } from "react";
import type { Phase, PlayerOptions, RecordingState, Target } from "../core/index.ts";
import { Controls } from "./controls.tsx";
import { AlertIcon, PauseIcon, PlayIcon } from "./icons.tsx";
import { type Lang, messages, statusOf } from "./messages.ts";
import { problemText } from "./problems.ts";
import { SeekBar } from "./seek-bar.tsx";
import { timeOfDay } from "./time.ts";
import { useAudioPlayer } from "./use-audio-player.ts";
import { useKeptFocus } from "./use-kept-focus.ts";

export interface CallPlayerProps extends PlayerOptions {
  recording: Target;
  lang?: Lang;
  /** What the button plays, for those who hear its name: "call from … to …". The call sid by default. */
  label?: string;
  /** Stands beside the button. */
  children?: ReactNode;
  /** Stands at the end of the same line. */
  aside?: ReactNode;
  /** The player has learnt that the recording is being fetched, ready, failed or gone. */
  onLearnt?: (state: RecordingState) => void;
  onPhase?: (phase: Phase) => void;
}

/** A call with its Play button; once pressed, with everything to hear it by. Asks for nothing before. */
export function CallPlayer(props: CallPlayerProps) {
  const { recording, lang = "en", label = recording.call_sid, children, aside, onLearnt, onPhase } = props;
  const { audioRef, state, player } = useAudioPlayer(recording, props);
  const t = messages[lang];
  const { phase, problem, learnt } = state;
  const checking = phase === "starting" || phase === "waiting";
  const playing = phase === "playing";
  const active = phase !== "idle";
  const status = statusOf(state, lang);

  const button = useRef<HTMLButtonElement>(null);
  const keptFocus = useKeptFocus(button);

  const tell = useRef({ onLearnt, onPhase });
  tell.current = { onLearnt, onPhase };
  useEffect(() => {
    if (learnt) tell.current.onLearnt?.(learnt);
  }, [learnt]);
  useEffect(() => tell.current.onPhase?.(phase), [phase]);

  return (
    <div className="ot-player" data-phase={phase} {...keptFocus}>
      {/* biome-ignore lint/a11y/useMediaCaption: a call recording has no captions */}
      <audio ref={audioRef} preload="none" data-call-sid={recording.call_sid} />
      <div className="ot-head">
        <button
          ref={button}
          type="button"
          className="ot-play"
          aria-label={playing ? t.pause(label) : t.play(label)}
          aria-busy={checking}
          onClick={() => player.press()}
        >
          {playing ? <PauseIcon /> : <PlayIcon />}
          {checking && <span className="ot-ring" />}
        </button>
        <div className="ot-what">{children}</div>
        {aside}
      </div>
      <div className="ot-body" hidden={!active}>
        {active && phase !== "failed" && <SeekBar player={player} state={state} lang={lang} />}
        {active && phase !== "failed" && (
          <div className="ot-foot">
            <p className="ot-status">
              <Status text={status.text} />
              {status.percent !== null && " "}
              {status.percent !== null && (
                <span role="progressbar" aria-label={t.arrived} aria-valuenow={status.percent}>
                  {t.percent(status.percent)}
                </span>
              )}
            </p>
            {checking ? (
              <button type="button" className="ot-quiet" onClick={() => player.release()}>
                {t.stopWaiting}
              </button>
            ) : (
              <Controls player={player} state={state} lang={lang} />
            )}
          </div>
        )}
        {problem && (
          <div className="ot-problem">
            <AlertIcon />
            <div role="alert">
              <p>{problemText(problem, lang).text}</p>
              {problem.code === "fetch_failed" && problem.retryAt && !props.sign && (
                <p>{t.coolingDown(timeOfDay(problem.retryAt, lang))}</p>
              )}
              <details className="ot-technical">
                <summary>{t.technical}</summary>
                <code dir="ltr">{problemText(problem, lang).technical}</code>
              </details>
            </div>
            <button type="button" className="ot-again" onClick={() => player.tryAgain()}>
              {t.tryAgain}
            </button>
          </div>
        )}
      </div>
    </div>
  );
}

/** What is there before it says something is read out; what comes with its words may not be. */
function Status({ text }: { text: string }) {
  const [known, setKnown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setKnown(true), 100);
    return () => clearTimeout(timer);
  }, []);
  return <span role="status">{known && text}</span>;
}
