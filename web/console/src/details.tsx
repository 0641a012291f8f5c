import type { Recording, Run } from "@onetake/player";
import { clock } from "@onetake/player/react";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { getRecording } from "./api.ts";
import { size, useLang } from "./i18n.ts";
import { whyOf } from "./why.ts";

/** What is known of a recording. The list has most of it; the rest is asked for when this is opened. */
export function Details({ id, recording: listed }: { id: string; recording: Recording }) {
  const { lang, t } = useLang();
  const { data } = useQuery({
    queryKey: ["recording", listed.id],
    queryFn: ({ signal }) => getRecording(listed, signal),
  });
  const recording = data ?? listed;
  const { media, run, labels } = recording;
  const audio = media && [
    media.content_type,
    media.codec,
    media.bytes != null && size(media.bytes, lang),
    media.channels != null && t.channels(media.channels),
    media.duration_seconds != null && clock(media.duration_seconds),
  ];
  return (
    <dl id={id} className="details">
      <Fact name={t.callId} code={recording.call_sid} />
      {recording.recording_sid && <Fact name={t.recordingId} code={recording.recording_sid} />}
      {recording.provider && <Fact name={t.provider}>{recording.provider}</Fact>}
      {(recording.source_url || recording.source_key) && (
        <Fact name={t.source} code={recording.source_url || recording.source_key || ""} />
      )}
      {audio && (
        <Fact name={t.media}>
          <bdi dir="ltr">{audio.filter(Boolean).join(" · ")}</bdi>
        </Fact>
      )}
      {run && (
        <Fact name={t.newestRun}>
          <RunInWords run={run} />
        </Fact>
      )}
      {Object.entries(labels ?? {}).map(([name, value]) => (
        <Fact key={name} name={name}>
          <bdi>{value}</bdi>
        </Fact>
      ))}
    </dl>
  );
}

function Fact({ name, code, children }: { name: string; code?: string; children?: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{code ? <code dir="ltr">{code}</code> : children}</dd>
    </div>
  );
}

function RunInWords({ run }: { run: Run }) {
  const { lang, t } = useLang();
  const { reason, cause } = whyOf(run, lang);
  const words = [t.statuses[run.status] ?? run.status, run.attempt && t.attempt(run.attempt, run.max_attempts ?? null)];
  return (
    <>
      {[...words, reason].filter(Boolean).join(" · ")}
      {cause && (
        <bdi dir="ltr" className="cause">
          {cause}
        </bdi>
      )}
    </>
  );
}
