import type { Phase, Recording, RecordingState } from "@onetake/player";
import { CallPlayer, clock } from "@onetake/player/react";
import { useId } from "react";
import { Details } from "./details.tsx";
import { useLang, when } from "./i18n.ts";
import { ArrowIcon, ChevronIcon } from "./icons.tsx";
import { useSession } from "./session.ts";

interface Props {
  recording: Recording;
  open: boolean;
  onOpen: (open: boolean) => void;
  onLearnt: (state: RecordingState) => void;
  onPhase: (phase: Phase) => void;
}

export function RecordingRow({ recording, open, onOpen, onLearnt, onPhase }: Props) {
  const { lang, t } = useLang();
  const { ask } = useSession();
  const id = useId();
  const { from, to, direction, started_at, duration_seconds, state, call_sid } = recording;
  const named = from || to;
  const time = when(started_at, lang);
  const length = recording.media?.duration_seconds ?? duration_seconds;
  const label = named ? t.call(from || t.unknown, to || t.unknown, time) : call_sid;

  return (
    <li className="call">
      <CallPlayer
        recording={recording}
        lang={lang}
        label={label}
        onLearnt={onLearnt}
        onPhase={onPhase}
        onUnauthorized={ask}
        aside={
          <div className="call-aside">
            <span className="badge" data-state={state}>
              {t.states[state] ?? state}
            </span>
            <button
              type="button"
              className="disclose"
              aria-label={`${t.details}: ${label}`}
              aria-expanded={open}
              aria-controls={open ? id : undefined}
              onClick={() => onOpen(!open)}
            >
              <ChevronIcon />
            </button>
          </div>
        }
      >
        <p className="parties">
          {named ? (
            <>
              <bdi dir="ltr">{from || "—"}</bdi>
              <span className="party-to">
                <ArrowIcon />
                <bdi dir="ltr">{to || "—"}</bdi>
              </span>
            </>
          ) : (
            <bdi dir="ltr" className="sid">
              {call_sid}
            </bdi>
          )}
        </p>
        <p className="facts">
          {direction && <span>{/^in/.test(direction) ? t.inbound : t.outbound}</span>}
          {started_at && time && (
            <span>
              <time dateTime={started_at}>{time}</time>
            </span>
          )}
          {!!length && (
            <span>
              <bdi dir="ltr">{clock(length)}</bdi>
            </span>
          )}
        </p>
      </CallPlayer>
      {open && <Details id={id} recording={recording} />}
    </li>
  );
}
