import type { Recording } from "@onetake/player";
import { useQueryClient } from "@tanstack/react-query";
import { Link, Outlet } from "@tanstack/react-router";
import { useSyncExternalStore } from "react";
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

/** Offers the language that is not shown, in that language's own words. */
function Language() {
  const { lang, choose } = useLang();
  const other = lang === "en" ? "he" : "en";
  return (
    <button type="button" className="language" lang={other} onClick={() => choose(other)}>
      {other === "en" ? "English" : "עברית"}
    </button>
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
