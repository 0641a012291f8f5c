import { ApiError } from "./api.ts";
import { useLang } from "./i18n.ts";

const EXAMPLE = `curl -X PUT ORIGIN/api/recordings/CA123 \\
  -H 'Authorization: Bearer API_KEY' \\
  -H 'Content-Type: application/json' \\
  -d '{"provider": "main", "source_url": "https://…"}'`;

export function Empty({ q }: { q: string }) {
  const { t } = useLang();
  if (q)
    return (
      <div className="empty">
        <h2>{t.nothing(q)}</h2>
        <p>{t.nothingHint}</p>
      </div>
    );
  return (
    <div className="empty">
      <h2>{t.empty}</h2>
      <p>{t.emptyHint}</p>
      <pre dir="ltr">{EXAMPLE.replace("ORIGIN", location.origin)}</pre>
    </div>
  );
}

/** A list that did not come. A 401 is not told here: the sign-in form takes its place. */
export function ListFailed({ error, reload }: { error: Error; reload: () => void }) {
  const { t } = useLang();
  return (
    <div className="list-failed">
      <p role="alert">
        {t.listFailed} {error instanceof ApiError ? <bdi>{error.message}</bdi> : t.unreachable}
      </p>
      <button type="button" className="secondary" onClick={reload}>
        {t.reload}
      </button>
    </div>
  );
}
