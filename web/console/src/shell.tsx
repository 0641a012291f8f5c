import type { Recording } from "@onetake/player";
import { useQueryClient } from "@tanstack/react-query";
import { Link, Outlet } from "@tanstack/react-router";
import { type PropsWithChildren, useSyncExternalStore } from "react";
import { type Page, signOut } from "./api.ts";
import { useLang } from "./i18n.ts";
import { Mark } from "./icons.tsx";
import { useSession } from "./session.ts";
import { SignIn } from "./sign-in.tsx";

/** What is around every view: the name, the views, the language, the credits. */
export function Shell() {
  const { t } = useLang();
  const { asked, signedIn, leave } = useSession();
  return (
    <>
      <header className="bar">
        <div className="wide">
          <a className="brand" href="#/" dir="ltr">
            <Mark />
            onetake
          </a>
          {!asked && (
            <nav aria-label={t.views}>
              <Link to="/" activeOptions={{ exact: true, includeSearch: false }}>
                {t.recordings}
              </Link>
              <Link to="/runs">{t.runs}</Link>
            </nav>
          )}
          <span className="spring" />
          {signedIn && !asked && (
            <button type="button" className="link" onClick={() => signOut().then(leave, leave)}>
              {t.signOut}
            </button>
          )}
          <Language />
        </div>
      </header>
      <main className="wide">{asked ? <SignIn /> : <Outlet />}</main>
      <footer className="wide">
        <span dir="ltr">onetake {__VERSION__}</span>
        {!asked && <Attribution />}
      </footer>
    </>
  );
}

function Language() {
  const { lang, choose, t } = useLang();
  const option = (of: "en" | "he", name: string, short: string): PropsWithChildren["children"] => (
    <button type="button" lang={of} aria-pressed={lang === of} aria-label={name} onClick={() => choose(of)}>
      {short}
    </button>
  );
  return (
    <div className="language" role="group" aria-label={t.language}>
      {option("en", "English", "EN")}
      {option("he", "עברית", "עב")}
    </div>
  );
}

/** Whom the audio on this page is owed to, as its recordings' labels say. */
function Attribution() {
  const client = useQueryClient();
  const cache = client.getQueryCache();
  const credit = useSyncExternalStore(
    (changed) => cache.subscribe(changed),
    () => {
      const lists = client.getQueriesData<{ pages: Page<Recording>[] }>({ queryKey: ["recordings"] });
      const shown = lists.flatMap(([, list]) => list?.pages.flatMap((page) => page.items) ?? []);
      return [...new Set(shown.map((recording) => recording.labels?.attribution).filter(Boolean))].join(" · ");
    },
  );
  return credit ? <bdi>{credit}</bdi> : null;
}
