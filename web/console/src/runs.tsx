import "./runs.css";
import type { Run } from "@onetake/player";
import { useInfiniteQuery } from "@tanstack/react-query";
import { listRuns } from "./api.ts";
import { ListFailed } from "./empty.tsx";
import { size, took, useLang, when } from "./i18n.ts";
import { More } from "./more.tsx";
import { whyOf } from "./why.ts";

const MOVING_MS = 2_000;

export function Runs() {
  const { t } = useLang();
  const list = useInfiniteQuery({
    queryKey: ["runs"],
    queryFn: ({ pageParam, signal }) => listRuns(pageParam, signal),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor || undefined,
    // Asked again only while something on the page can still change.
    refetchInterval: ({ state }) =>
      state.data?.pages.some((page) => page.items.some((run) => /^(queued|running)$/.test(run.status)))
        ? MOVING_MS
        : false,
  });
  const runs = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <div className="view-head">
        <h1>{t.runs}</h1>
      </div>
      {list.isError && <ListFailed error={list.error} reload={() => list.refetch()} />}
      {list.isPending && <p className="note">{t.loading}</p>}
      {list.isSuccess && runs.length === 0 && (
        <div className="empty">
          <h2>{t.noRuns}</h2>
          <p>{t.noRunsHint}</p>
        </div>
      )}
      {runs.length > 0 && (
        <table className="runs">
          <thead>
            <tr>
              <th scope="col">{t.status}</th>
              <th scope="col">{t.callId}</th>
              <th scope="col">{t.attempts}</th>
              <th scope="col">{t.received}</th>
              <th scope="col">{t.created}</th>
              <th scope="col">{t.took}</th>
              <th scope="col">{t.reason}</th>
            </tr>
          </thead>
          <tbody>
            {runs.map((run) => (
              <RunRow key={run.id} run={run} />
            ))}
          </tbody>
        </table>
      )}
      <More list={list} rows=".runs tbody tr" />
    </>
  );
}

function RunRow({ run }: { run: Run }) {
  const { lang, t } = useLang();
  const { received_bytes: received, total_bytes: total } = run;
  const { reason, cause } = whyOf(run, lang);
  return (
    <tr tabIndex={-1}>
      <td>
        <span className="badge" data-state={run.status}>
          {t.statuses[run.status] ?? run.status}
        </span>
      </td>
      <td data-name={t.callId}>
        <code dir="ltr">{run.call_sid}</code>
      </td>
      <td data-name={t.attempts}>
        <bdi dir="ltr">{run.max_attempts ? `${run.attempt ?? 0} / ${run.max_attempts}` : (run.attempt ?? "")}</bdi>
      </td>
      <td data-name={t.received}>
        {received != null && <bdi>{size(received, lang)}</bdi>}
        {total != null && total !== received && (
          <>
            {" / "}
            <bdi>{size(total, lang)}</bdi>
          </>
        )}
      </td>
      <td data-name={t.created}>
        {run.created_at && <time dateTime={run.created_at}>{when(run.created_at, lang)}</time>}
      </td>
      <td data-name={t.took}>
        <bdi>{took(run, lang)}</bdi>
      </td>
      <td data-name={t.reason}>
        {(reason || cause) && (
          <div>
            {reason}
            {cause && (
              <bdi dir="ltr" className="cause">
                {cause}
              </bdi>
            )}
          </div>
        )}
      </td>
    </tr>
  );
}
