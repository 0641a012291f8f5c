import { useEffect, useRef } from "react";
import { useLang } from "./i18n.ts";

interface Props {
  list: { hasNextPage: boolean; isFetchingNextPage: boolean; data: unknown; fetchNextPage(): unknown };
  /** What can be focused in a row, one a row. */
  rows: string;
}

/** The button below a list. Whoever used it by the keyboard is taken to the first of the new rows. */
export function More({ list, rows }: Props) {
  const { t } = useLang();
  const before = useRef<number | null>(null);
  const button = useRef<HTMLButtonElement>(null);
  const { data, hasNextPage, isFetchingNextPage } = list;

  // biome-ignore lint/correctness/useExhaustiveDependencies: rows come with the data
  useEffect(() => {
    const first = before.current === null ? null : document.querySelectorAll<HTMLElement>(rows)[before.current];
    if (!first) return;
    before.current = null;
    const here = document.activeElement;
    if (here === document.body || here === button.current) first.focus();
  }, [data, rows]);

  if (!hasNextPage) return null;
  return (
    <button
      ref={button}
      type="button"
      className="secondary more"
      // Not `disabled`: that would take the focus away.
      aria-disabled={isFetchingNextPage}
      onClick={() => {
        if (isFetchingNextPage) return;
        before.current = document.querySelectorAll(rows).length;
        list.fetchNextPage();
      }}
    >
      {isFetchingNextPage ? t.loading : t.more}
    </button>
  );
}
