import "./recordings.css";
import type { Phase, Recording, RecordingState } from "@onetake/player";
import { type InfiniteData, useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { listRecordings, type Page } from "./api.ts";
import { Empty, ListFailed } from "./empty.tsx";
import { useLang } from "./i18n.ts";
import { SearchIcon } from "./icons.tsx";
import { More } from "./more.tsx";
import { RecordingRow } from "./recording-row.tsx";

type Pages = InfiniteData<Page<Recording>, string>;

/** What a player is open for, as it has told it last. */
interface Active {
  recording: Recording;
  phase: Phase;
}

const MOVING_MS = 5_000;

export function Recordings() {
  const { t } = useLang();
  const client = useQueryClient();
  const { q = "" } = useSearch({ from: "/" });
  const [open, setOpen] = useState<string | null>(null);
  const [active, setActive] = useState<Active | null>(null);

  const list = useInfiniteQuery({
    queryKey: ["recordings", q],
    queryFn: ({ pageParam, signal }) => listRecordings(q, pageParam, signal),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor || undefined,
    placeholderData: (before) => before,
    // A player tells how its own fetch goes; one that nobody listens to any more has to be asked after.
    refetchInterval: ({ state }) => {
      const told = active && active.phase !== "failed" ? active.recording.id : null;
      const moves = (item: Recording) => item.state === "fetching" && item.id !== told;
      return state.data?.pages.some((page) => page.items.some(moves)) ? MOVING_MS : false;
    },
  });

  // The player knows first. Told to the list here, no request is needed for the badge.
  const learnt = (recording: Recording, state: RecordingState) => {
    client.setQueriesData<Pages>(
      { queryKey: ["recordings"] },
      (pages) => pages && withState(pages, recording.id, state),
    );
    setActive((now) => (now?.recording.id === recording.id ? { ...now, recording: { ...now.recording, state } } : now));
    client.invalidateQueries({ queryKey: ["recording", recording.id] });
    // How long it really is, the server has found out by now.
    if (state === "ready") client.invalidateQueries({ queryKey: ["recordings"] });
  };

  const found = list.data?.pages.flatMap((page) => page.items) ?? [];
  // What is being heard stays, also where a search does not find it.
  const lost = active && !found.some((item) => item.id === active.recording.id);
  const rows = lost ? [active.recording, ...found] : found;

  return (
    <>
      <div className="view-head">
        <h1>{t.recordings}</h1>
        <Search />
      </div>
      {list.isError && <ListFailed error={list.error} reload={() => list.refetch()} />}
      {list.isPending && <p className="note">{t.loading}</p>}
      {rows.length > 0 && (
        <ul className="calls">
          {rows.map((recording) => (
            <RecordingRow
              key={recording.id}
              recording={recording}
              open={open === recording.id}
              onOpen={(to) => setOpen(to ? recording.id : null)}
              onLearnt={(state) => learnt(recording, state)}
              onPhase={(phase) =>
                setActive((now) => {
                  const mine = now?.recording.id === recording.id;
                  if (phase === "idle") return mine ? null : now;
                  return mine ? { ...now, phase } : { recording, phase };
                })
              }
            />
          ))}
        </ul>
      )}
      {list.isSuccess && found.length === 0 && <Empty q={q} />}
      <More list={list} rows=".call .ot-play" />
    </>
  );
}

function withState(pages: Pages, id: string, state: RecordingState): Pages {
  const items = (page: Page<Recording>) => page.items.map((item) => (item.id === id ? { ...item, state } : item));
  return { ...pages, pages: pages.pages.map((page) => ({ ...page, items: items(page) })) };
}

/** The words are in the address, so that a search can be shared and gone back to; they get there as typing rests. */
function Search() {
  const { t } = useLang();
  const navigate = useNavigate({ from: "/" });
  const { q = "" } = useSearch({ from: "/" });
  const [typed, setTyped] = useState(q);

  useEffect(() => setTyped(q), [q]);
  useEffect(() => {
    if (typed.trim() === q) return;
    const timer = setTimeout(() => navigate({ search: typed.trim() ? { q: typed.trim() } : {}, replace: true }), 250);
    return () => clearTimeout(timer);
  }, [typed, q, navigate]);

  return (
    <search className="search">
      <SearchIcon />
      <input
        type="search"
        aria-label={t.search}
        placeholder={t.search}
        // Numbers and call ids: by the page's direction a plus would stand behind them.
        dir={typed ? "ltr" : undefined}
        spellCheck={false}
        autoComplete="off"
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
      />
    </search>
  );
}
