import type { Lang } from "@onetake/player/react";
import { parseHref } from "@tanstack/history";
import { QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import {
  createBrowserHistory,
  createRootRoute,
  createRoute,
  createRouter,
  Navigate,
  RouterProvider,
} from "@tanstack/react-router";
import { useEffect, useLayoutEffect, useMemo, useState } from "react";
import { isFinal, isUnauthorized } from "./api.ts";
import { chosenLang, LangContext } from "./i18n.ts";
import { Recordings } from "./recordings.tsx";
import { Runs } from "./runs.tsx";
import { rememberedSession, rememberSession, type Session, SessionContext } from "./session.ts";
import { Shell } from "./shell.tsx";

const root = createRootRoute({ component: Shell, notFoundComponent: () => <Navigate to="/" /> });
const recordings = createRoute({
  getParentRoute: () => root,
  path: "/",
  component: Recordings,
  validateSearch: (search: Record<string, unknown>): { q?: string } =>
    typeof search.q === "string" || typeof search.q === "number" ? { q: String(search.q) } : {},
});
const runs = createRoute({ getParentRoute: () => root, path: "/runs", component: Runs });

/**
 * Views live behind the hash: the server then has one page, and every other path it does not know stays a 404.
 * Not by `createHashHistory`: that takes the address's own query, our `?lang=`, for the view's.
 */
const behindHash = createBrowserHistory({
  parseLocation: () => parseHref(location.hash.slice(1) || "/", history.state),
  createHref: (href) => `${location.pathname}${location.search}#${href}`,
});
const router = createRouter({ routeTree: root.addChildren([recordings, runs]), history: behindHash });

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}

export function App() {
  const [lang, setLang] = useState<Lang>(() => chosenLang(location.search, navigator.languages));
  const [asked, setAsked] = useState(false);
  const [signedIn, setSignedIn] = useState(rememberedSession);

  const client = useMemo(
    () =>
      new QueryClient({
        queryCache: new QueryCache({ onError: (error) => isUnauthorized(error) && setAsked(true) }),
        defaultOptions: { queries: { staleTime: 5_000, retry: (times, error) => times < 2 && !isFinal(error) } },
      }),
    [],
  );

  // Before the first paint, so that nothing is seen mirrored the wrong way.
  useLayoutEffect(() => {
    document.documentElement.lang = lang;
    document.documentElement.dir = lang === "he" ? "rtl" : "ltr";
  }, [lang]);

  useEffect(() => rememberSession(signedIn), [signedIn]);

  const language = useMemo(() => {
    const choose = (to: Lang) => {
      const url = new URL(location.href);
      url.searchParams.set("lang", to);
      history.replaceState(history.state, "", url);
      setLang(to);
    };
    return { lang, choose };
  }, [lang]);

  const session = useMemo<Session>(
    () => ({
      asked,
      signedIn,
      ask: () => setAsked(true),
      enter: () => {
        setSignedIn(true);
        setAsked(false);
        client.clear();
      },
      leave: () => {
        setSignedIn(false);
        setAsked(true);
        client.clear();
      },
    }),
    [asked, signedIn, client],
  );

  return (
    <LangContext value={language}>
      <SessionContext value={session}>
        <QueryClientProvider client={client}>
          <RouterProvider router={router} />
        </QueryClientProvider>
      </SessionContext>
    </LangContext>
  );
}
